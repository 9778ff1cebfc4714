import { expect, setDefaultTimeout, test } from "bun:test"
import { Schema } from "effect"
import { seededRandom } from "../../src/sound/random.ts"
import { encodeWav } from "../../src/sound/wav.ts"
import { recordingKey, versionKey } from "../../src/store/keys.ts"
import { memoryStore } from "../support/memoryStore.ts"
import { json, smallCorpus, succeed } from "../support/runWorld.ts"

setDefaultTimeout(180_000)

const Told = Schema.Struct({
  field: Schema.Struct({
    classes: Schema.Record(
      Schema.String,
      Schema.Struct({ thresholds: Schema.Array(Schema.Struct({ value: Schema.Finite, high: Schema.Finite })) })
    )
  })
})

const Vectors = Schema.Struct({ vectors: Schema.Record(Schema.String, Schema.Int) })

const Lasting = Schema.Struct({ windows: Schema.Struct({ lasting: Schema.Record(Schema.String, Schema.Finite) }) })

const corpus = () => {
  const wind = (seed: number) => {
    const random = seededRandom(seed)
    return encodeWav({
      samples: Float32Array.from({ length: 32_000 }, () => 0.1 * random() - 0.05),
      sampleRate: 16_000
    })
  }
  const hum = (seed: number) => {
    const random = seededRandom(seed)
    const samples = Float32Array.from(
      { length: 32_000 },
      (_, at) => 0.3 * Math.sin((at * (50 + seed)) / 2000) + 0.01 * random()
    )
    return encodeWav({ samples, sampleRate: 16_000 })
  }
  return new Map([
    ...smallCorpus(),
    ...Array.from(
      { length: 20 },
      (_, at) => [recordingKey("generator", `${400 + at}-5-0-0.wav`), hum(at).bytes] as const
    ),
    ...Array.from({ length: 5 }, (_, at) => [recordingKey("clips", `${300 + at}-3-0-0.wav`), wind(at).bytes] as const)
  ])
}

test("a run says what its model hears in the field, and holds it against the promoted one in the same sound", async () => {
  const objects = corpus()
  const store = memoryStore(objects)
  const environment = { FIELD_MINUTES: "8" }
  const first = await succeed(store, { audit: false }, environment)
  expect(first.field).toMatchObject({ rates: [1, 5, 20], comparison: null })
  expect(first.field!.hours).toBeCloseTo(8 / 60, 9)
  expect(first.field!.perClass.map(({ className }) => className).sort()).toEqual(["dog_bark", "generator", "gun_shot"])
  expect(first.seconds.field).toBeGreaterThan(0)
  const metadata = await json(store, versionKey(first.runId, "model_metadata.json"))
  expect(metadata).toMatchObject({ field: { events: first.field!.events, false_alarms_per_hour: [1, 5, 20] } })
  // The more false alarms are allowed, the less a sound need be like one.
  const { field } = Schema.decodeUnknownSync(Told)(metadata)
  for (const { thresholds } of Object.values(field.classes)) {
    expect(thresholds).toHaveLength(3)
    expect(thresholds).toEqual(thresholds.toSorted((a, b) => b.value - a.value))
    for (const { value, high } of thresholds) expect(high).toBeGreaterThanOrEqual(value)
  }
  expect(new TextDecoder().decode(objects.get(versionKey(first.runId, "report.html")))).toContain("In the field")
  // Two seconds of a hum are its own whole, of a shot they are not.
  const { lasting } = Schema.decodeUnknownSync(Lasting)(metadata).windows
  expect(Object.keys(lasting)).toEqual(["generator"])
  expect(lasting.generator).toBeWithin(1.5, 3)

  // What a scan of this version hears with, and it is what the figures are of.
  const model = objects.get(versionKey(first.runId, "field.onnx"))
  expect(model).toBeDefined()
  expect(model).not.toEqual(objects.get(versionKey(first.runId, "classifier.onnx")))

  // Sites are learnt by an earlier layer's vector.
  const { vectors } = Schema.decodeUnknownSync(Vectors)(metadata)
  expect(objects.has(versionKey(first.runId, "field_windows.parquet"))).toBe("layer8max" in vectors)

  const again = await succeed(store, { audit: false }, environment)
  // The same model in the same sound.
  expect(again.field!.perClass).toEqual(first.field!.perClass)
  expect(again.field!.comparison).toMatchObject({ rate: 5, interval: { low: 0, high: 0 } })
  expect(again.decision).toContain("In the field, at 5 false alarms an hour, it finds")

  // Nor do other names make it another.
  const names = { "/dog_bark/": "/dog/", "/generator/": "/engine/" }
  for (const [before, after] of Object.entries(names)) {
    for (const [key, bytes] of [...objects].filter(([key]) => key.startsWith(`extracted_audio${before}`))) {
      objects.delete(key)
      objects.set(key.replace(before, after), bytes)
    }
  }
  const renamed = await succeed(store, { audit: false }, environment)
  expect(renamed.field!.comparison).toMatchObject({ interval: { low: 0, high: 0 } })
  expect(renamed.comparison!.macroF1.promoted).toBe(renamed.comparison!.macroF1.candidate)
})

test("what cannot be heard, or is not asked for, is said and costs nothing", async () => {
  const without = await succeed(memoryStore(smallCorpus()), { audit: false })
  expect(without.field).toBeNull()
  expect(without.notes.join(" ")).toContain("that takes a class of background")
  const objects = corpus()
  const off = await succeed(memoryStore(objects), { audit: false }, { FIELD_MINUTES: "0" })
  expect(off.field).toBeNull()
  expect(off.notes.join(" ")).not.toContain("field")
  expect(objects.has(versionKey(off.runId, "field.onnx"))).toBe(false)
})
