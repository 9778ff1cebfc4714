import { expect, setDefaultTimeout, test } from "bun:test"
import { ConfigProvider, Effect, Layer } from "effect"
import { makeDataset } from "../../../src/classifier/dataset.ts"
import { Settings } from "../../../src/config/settings.ts"
import { engineLayer } from "../../../src/embedder/choose.ts"
import { hearListened } from "../../../src/runs/field/hearListened.ts"
import { hearScene } from "../../../src/runs/field/hearScene.ts"
import { type Listened, notesOnSilence, readListened, shareOut, whyTooFew } from "../../../src/runs/field/listened.ts"
import { recordingKey, versionKey } from "../../../src/store/keys.ts"
import { Store } from "../../../src/store/store.ts"
import { fieldRecording } from "../../support/fieldWorld.ts"
import { memoryStore } from "../../support/memoryStore.ts"
import { json, sound, succeed } from "../../support/runWorld.ts"
import { untrainedYamnet } from "../../support/untrainedYamnet.ts"

setDefaultTimeout(180_000)

const text = (...lines: ReadonlyArray<string>) => new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""))

/** By the hashes of their names, the first five of these are held out and the others are not. */
const HELD_OUT = ["1", "3", "4", "8", "10"]
const TRAINED = ["0", "2", "5", "6", "7"]

const recordingOf = (name: string, seed = 1) =>
  [
    `field_audio/ridge/${name}.wav`,
    fieldRecording(
      10,
      [
        { at: 2, className: "dog_bark" },
        { at: 6, className: "gun_shot" }
      ],
      1000 * seed + Number(name)
    )
  ] as const

const tableOf = (name: string, ...more: ReadonlyArray<string>) =>
  [`annotations/ridge/${name}.csv`, text(...more, "start,end,label", "2,2.5,Dog bark", "6,6.5,gun_shot")] as const

const world = (complete: ReadonlyArray<string>) =>
  new Map<string, Uint8Array>([
    ...(["dog_bark", "gun_shot"] as const).flatMap((className, label) =>
      Array.from({ length: 4 }, (_, i) => {
        const source = 100 * label + i
        return [recordingKey(className, `${source}-${label}-0-0.wav`), sound(className, source)] as const
      })
    ),
    ...[...HELD_OUT, ...TRAINED].map((name) => recordingOf(name)),
    ...[...HELD_OUT, ...TRAINED].map((name) => (complete.includes(name) ? tableOf(name, "# complete") : tableOf(name)))
  ])

test("annotated recordings that were held out judge a run's model, and nothing of them trains it", async () => {
  const objects = world([...HELD_OUT, ...TRAINED])
  const store = memoryStore(objects)
  const environment = { FIELD_MINUTES: "3" }
  const first = await succeed(store, { audit: false }, environment)
  expect(first.field).toMatchObject({ judgedBy: "recordings", events: 10, sources: 5, comparison: null })
  expect(first.field!.hours).toBeCloseTo(50 / 3600, 9)
  expect(first.field!.perClass).toMatchObject([
    { className: "dog_bark", events: 5, sources: 5 },
    { className: "gun_shot", events: 5, sources: 5 }
  ])
  expect(first.notes.join(" ")).not.toContain("Soundscapes judge")
  const fileOf = ({ runId }: typeof first, file: string) => objects.get(versionKey(runId, file))
  expect(new TextDecoder().decode(fileOf(first, "report.html"))).toContain("1 minutes of annotated field recordings")
  expect(await json(store, versionKey(first.runId, "model_metadata.json"))).toMatchObject({
    field: { judged_by: "recordings", events: 10 }
  })

  // Heard in the same sound, by itself.
  const again = await succeed(store, { audit: false }, environment)
  expect(again.field!.comparison).toMatchObject({ rate: 5, interval: { low: 0, high: 0 } })
  expect(fileOf(again, "field.onnx")).toEqual(fileOf(first, "field.onnx")!)

  // Whatever they sound like, windows to train on are made of others.
  for (const [key, bytes] of HELD_OUT.map((name) => recordingOf(name, 7))) objects.set(key, bytes)
  const other = await succeed(store, { audit: false, promotion: "never" }, environment)
  expect(other.field!.events).toBe(10)
  expect(fileOf(other, "field.onnx")).toEqual(fileOf(first, "field.onnx")!)
})

test("where too few are annotated completely, soundscapes judge, and how many it takes is said", async () => {
  const { field, notes } = await succeed(
    memoryStore(world([...HELD_OUT.slice(0, 2), ...TRAINED])),
    { audit: false },
    { FIELD_MINUTES: "2" }
  )
  expect(field).toMatchObject({ judgedBy: "soundscapes" })
  expect(notes).toContain(
    "Soundscapes judge how the model hears in the field, and not annotated recordings: of those held out and listened to " +
      "completely, 2 sources have events, and it takes 5, about 25 in all."
  )
})

const embedder = await Effect.runPromise(untrainedYamnet)

const inStore = <A, E>(
  store: Store["Service"],
  program: Effect.Effect<A, E, Layer.Success<ReturnType<typeof engineLayer>> | Settings | Store>
) =>
  Effect.runPromise(
    program.pipe(
      Effect.provide(
        Layer.mergeAll(engineLayer({ engine: "native", embedder }), Settings.layer, Layer.succeed(Store, store)).pipe(
          Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: {} })))
        )
      ),
      Effect.scoped
    )
  )

const sampleOf = (key: string, className: string, group: string) => ({
  ...{ key, className, group, variant: "original" },
  vector: Float32Array.of(1)
})

test("what was listened to is a whole recording, or what is longer than a clip, with its events by their classes", async () => {
  const long = fieldRecording(90, [])
  const objects = new Map([
    ["field_audio/a/whole.wav", fieldRecording(10, [])],
    ["annotations/a/whole.csv", text("# complete", "start,end,label", "2,3,Dog bark", "2.5,4,dog_bark", "5,6,robin")],
    ["field_audio/a/part.wav", long],
    [
      "annotations/a/part.csv",
      text("start,end,label", "10,80,complete", "85,88,complete", "12,13,gun_shot", "40,41,dog_bark", "84,86,dog_bark")
    ],
    ["field_audio/a/some.wav", long],
    ["annotations/a/some.csv", text("start,end,label", "2,3,dog_bark")],
    ["field_audio/a/trained.wav", long],
    ["annotations/a/trained.csv", text("# complete", "start,end,label", "2,3,dog_bark")]
  ])
  const store = memoryStore(objects)
  const span = (name: string) => `field_audio/a/${name}.wav#t=2,3&class=dog_bark`
  const listened = await inStore(
    store,
    Effect.gen(function* () {
      const dataset = yield* makeDataset([
        ...["whole", "part", "some", "trained"].map((name) => sampleOf(span(name), "dog_bark", `a/${name}`)),
        sampleOf("extracted_audio/gun_shot/b.wav", "gun_shot", "b"),
        sampleOf("extracted_audio/clips/c.wav", "clips", "c")
      ])
      const corpus = { dataset, locate: (key: string) => ({ store, key }) }
      return yield* readListened(corpus, [0, 1, 2, 4, 5], "clips")
    })
  )
  const of = ({ recording, start, end, source, events }: Listened) => ({
    key: recording.key,
    start,
    end,
    source,
    events
  })
  const event = (name: string, start: number, end: number, source: string) => ({ start, end, class: name, source })
  expect(listened.map(of)).toEqual([
    {
      key: "field_audio/a/part.wav",
      ...{ start: 10, end: 80, source: "a/part" },
      events: [event("gun_shot", 2, 3, "a/part"), event("dog_bark", 30, 31, "a/part")]
    },
    {
      key: "field_audio/a/whole.wav",
      ...{ start: 0, end: 10, source: "a/whole" },
      // Two rows of one bark; a robin is no class.
      events: [event("dog_bark", 2, 4, "a/whole")]
    }
  ])
  expect(notesOnSilence(listened, ["clips", "dog_bark", "gun_shot"], "clips")).toEqual([])
  expect(notesOnSilence(listened, ["clips", "dog_bark", "gun_shot", "saw"], "clips")).toEqual([
    "Nothing says how much of saw is found in the field: the annotated recordings held out have none of it. Scans tell it from " +
      "0.5, or from where it was heard there no more often than --alarms allows, which may be higher."
  ])
  expect(whyTooFew(listened)).toHaveLength(1)
  expect(whyTooFew([])).toEqual([])

  // Each may be heard for half a minute: the short one whole, what it leaves goes to the other.
  expect(shareOut(listened, 60).map(of)).toMatchObject([
    { start: 10, end: 60, events: [{ start: 2 }, { start: 30 }] },
    { start: 0, end: 10 }
  ])
  expect(shareOut(listened, 30).map(of)).toMatchObject([{ end: 30, events: [{ start: 2 }] }, { end: 10 }])
  expect(shareOut(listened, 100)).toEqual(listened)
})

test("what is annotated behind the end of a recording is no event", async () => {
  const key = "field_audio/a/1.wav"
  const wav = fieldRecording(10, [])
  const store = memoryStore(new Map([[key, wav]]))
  const event = (start: number, end: number) => ({ start, end, class: "a", source: "1" })
  // As of a compressed one, of which no header tells how long it is.
  const one: Listened = {
    ...{ store, start: 0, end: Number.POSITIVE_INFINITY, source: "1" },
    recording: { key, etag: "", size: wav.length },
    events: [event(2, 3), event(8, 12), event(100, 140)]
  }
  const deaf = {
    classes: ["a"],
    score: ({ count }: { readonly count: number }) => Effect.succeed(new Float32Array(count))
  }
  const { heard } = await inStore(store, hearListened([one], [deaf]))
  expect(heard[0]!.scored).toMatchObject([{ seconds: 10, events: [event(2, 3), event(8, 12)] }])
})

test("an annotated recording is heard as a scan hears; what cannot be read judges nothing, and is named", async () => {
  const wav = fieldRecording(70, [{ at: 30, className: "gun_shot" }])
  const samples = Float32Array.from(new Int16Array(wav.slice(44).buffer), (value) => value / 32_768)
  const objects = new Map([
    ["field_audio/a/1.wav", wav],
    ["field_audio/a/2.wav", text("no sound")]
  ])
  const store = memoryStore(objects)
  const stretch = (name: string, start: number, end: number): Listened => ({
    ...{ store, start, end, source: name, events: [] },
    recording: {
      key: `field_audio/a/${name}.wav`,
      etag: "",
      size: objects.get(`field_audio/a/${name}.wav`)?.length ?? 9
    }
  })
  // What it hears is how loud a window is, coded as a scan stores it.
  const classifier = {
    classes: ["a"],
    score: ({ count, codes }: { readonly count: number; readonly codes: Uint8Array }) =>
      Effect.succeed(Float32Array.from({ length: count }, (_, at) => codes[at]!))
  }
  const { listened, scenes } = await inStore(
    store,
    Effect.gen(function* () {
      const listened = yield* hearListened(
        [stretch("1", 0, 70), stretch("1", 5, 68), stretch("2", 0, 10), stretch("3", 0, 10)],
        [classifier]
      )
      const scenes = yield* Effect.forEach([[0, 70] as const, [5, 68] as const], ([start, end]) => {
        const own = samples.subarray(16_000 * start, 16_000 * end)
        const render = (from: number, length: number) => {
          const rendered = new Float32Array(length)
          rendered.set(own.subarray(from, from + length))
          return rendered
        }
        return hearScene({ seconds: end - start, events: [], bed: [], render }, [classifier])
      })
      return { listened, scenes }
    })
  )
  expect(listened.unheard).toEqual([
    expect.stringContaining("field_audio/a/2.wav judges nothing: "),
    "field_audio/a/3.wav judges nothing: It vanished."
  ])
  expect(listened.heard).toHaveLength(2)
  for (const [at, { scored, site }] of listened.heard.entries()) {
    const [own] = scored
    const [scene] = scenes[at]!.scored
    expect(site).toBe("a")
    expect(own!.seconds).toBe(scene!.seconds)
    expect(own!.bed).toEqual([{ start: 0, source: "1" }])
    expect(own!.probabilities.length).toBe(scene!.probabilities.length)
    // But for the last chunk, which a scene renders beyond its end.
    const whole = own!.probabilities.length - (own!.probabilities.length % 128)
    expect(own!.probabilities.subarray(0, whole)).toEqual(scene!.probabilities.subarray(0, whole))
  }
})
