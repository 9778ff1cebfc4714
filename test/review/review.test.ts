import { expect, test } from "bun:test"
import { ConfigProvider, Effect, Layer, Option } from "effect"
import { Settings } from "../../src/config/settings.ts"
import { Embeddings } from "../../src/embeddings/embeddings.ts"
import { readDuplicates } from "../../src/registry/knownDuplicates.ts"
import { readTrainingSet } from "../../src/registry/trainingSet.ts"
import { showVersion } from "../../src/registry/versions.ts"
import { keep } from "../../src/review/moves.ts"
import { openItems, type ReviewStep, readReview, reviewRecordings } from "../../src/review/review.ts"
import { loadDataset } from "../../src/runs/data.ts"
import { decodeClip } from "../../src/sound/decode/decode.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { encodeWav } from "../../src/sound/wav.ts"
import { readOnly } from "../../src/store/readOnly.ts"
import { Store } from "../../src/store/store.ts"
import { memoryStore } from "../support/memoryStore.ts"
import { gaussian } from "../support/problems.ts"
import { smallCorpus, sound, succeed } from "../support/runWorld.ts"

const BARK = "extracted_audio/dog_bark/0-0-0-0.wav"
const SHOT = "extracted_audio/gun_shot/100-1-0-0.wav"
const BARK_COPY = "extracted_audio/gun_shot/copied.wav"
const SHOT_COPY = "extracted_audio/gun_shot/quiet.wav"
const SAME_BYTES = "extracted_audio/dog_bark/again.wav"
const SILENT = "extracted_audio/dog_bark/silent.wav"

/** The same sound, quieter, later and with noise. */
const altered = async (bytes: Uint8Array) => {
  const { samples } = await Effect.runPromise(decodeClip(bytes, { maxSeconds: 30 }))
  const random = seededRandom(5)
  const moved = Float32Array.from({ length: samples.length }, (_, i) => {
    return 0.4 * (samples[i - 400] ?? 0) + 0.002 * gaussian(random)
  })
  return encodeWav({ samples: moved, sampleRate: 16_000 }).bytes
}
const silence = encodeWav({ samples: new Float32Array(8000), sampleRate: 16_000 }).bytes

/** Shots only: synthesised barks are steady tones, some of one pitch. */
const shots = () => new Map([...smallCorpus().keys()].map((key, seed) => [key, sound("gun_shot", 50 + seed)]))

const plantedCorpus = async () => {
  const objects = shots()
  objects.set(BARK_COPY, await altered(objects.get(BARK)!))
  objects.set(SHOT_COPY, await altered(objects.get(SHOT)!))
  objects.set(SAME_BYTES, objects.get("extracted_audio/dog_bark/1-0-0-0.wav")!)
  objects.set(SILENT, silence)
  objects.set("extracted_audio/gun_shot/silent.wav", silence)
  return objects
}
const runOn =
  (store: Store["Service"]) =>
  <A, E>(effect: Effect.Effect<A, E, Store | Settings | Embeddings>) =>
    Effect.runPromise(
      effect.pipe(
        Effect.provide(
          Layer.merge(Embeddings.layer, Settings.layer).pipe(
            Layer.provideMerge(Layer.succeed(Store, store)),
            Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: {} })))
          )
        )
      )
    )

test("planted near-duplicates and silence are found, kept together by the split, and brought up until they are kept", async () => {
  const store = memoryStore(await plantedCorpus())
  const run = runOn(store)
  const { runId, notes } = await succeed(store)
  // The silent two are like nothing, so there is nothing to compare.
  expect(notes.filter((note) => note.startsWith("No review has compared"))).toEqual([
    "No review has compared the sound of 13 of 15 recordings: if one source's sound lies under two names, it may be " +
      "trained on and tested. bun run review looks for such."
  ])

  const told: Array<string> = []
  const looking = runOn(readOnly(store, "This store is only looked at."))
  const onUnkept = (message: string) => Effect.sync(() => void told.push(message))
  const seen = await looking(reviewRecordings(() => Effect.void, [], onUnkept))
  expect(told).toEqual(["This store is only looked at."])
  expect(await run(readReview)).toEqual(Option.none())
  expect(looking(reviewRecordings())).rejects.toThrow("This store is only looked at.")

  const steps: Array<ReviewStep> = []
  const found = await run(reviewRecordings((step) => Effect.sync(() => void steps.push(step))))
  expect({ ...seen, date: "" }).toEqual({ ...found, date: "" })
  const pairs = found.duplicates.map(({ recordings }) => recordings.map(({ key }) => key).sort())
  // Those of two classes first.
  expect(pairs).toEqual([
    [BARK, BARK_COPY],
    ["extracted_audio/dog_bark/1-0-0-0.wav", SAME_BYTES],
    [SHOT, SHOT_COPY]
  ])
  expect(found.silent.map(({ key }) => key)).toEqual([SILENT, "extracted_audio/gun_shot/silent.wav"])
  expect([found.recordings, found.unknown]).toEqual([15, 0])
  expect(steps.at(-1)).toMatchObject({ stage: "Asking for second opinions", done: 5, total: 5 })
  expect(await run(readReview)).toEqual(Option.some(found))

  const { dataset } = await run(
    Effect.gen(function* () {
      const { recipe } = (yield* showVersion(runId)).metadata
      return yield* loadDataset(
        recipe as Parameters<typeof loadDataset>[0],
        yield* readTrainingSet(runId),
        Option.none()
      )
    })
  )
  const groupOf = (key: string) => dataset.samples.find((sample) => sample.key === key)!.group
  for (const [one, other] of [pairs[0]!, pairs[2]!]) expect(groupOf(one!)).toBe(groupOf(other!))
  // The same bytes count once.
  expect(dataset.samples.filter(({ key }) => key === SAME_BYTES)).toEqual([])
  expect(new Set(dataset.samples.map(({ group }) => group)).size).toBe(11)
  // Its file names are one group by themselves.
  expect(groupOf(SILENT)).toBe("silent")

  // What was compared is not again; what is new is.
  steps.length = 0
  await run(reviewRecordings((step) => Effect.sync(() => void steps.push(step))))
  expect(steps.filter(({ stage }) => stage === "Comparing sounds")).toEqual([])
  expect((await run(readDuplicates)).pairs).toHaveLength(2)

  for (const key of [SILENT, BARK, BARK_COPY]) await run(keep(key))
  const open = await run(openItems(found, (key) => key !== SHOT_COPY))
  expect(open.silent.map(({ key }) => key)).toEqual(["extracted_audio/gun_shot/silent.wav"])
  expect(open.duplicates.map(({ recordings }) => recordings[1].key)).toEqual(["extracted_audio/dog_bark/again.wav"])
  // Forty copies of one: each pair is known, 39 are enough to decide on all, and those left go on without one that is gone.
  const subjects = Array.from({ length: 40 }, (_, at) => ({ key: `${at}.wav`, className: "dog", contentHash: `${at}` }))
  const copies = subjects.flatMap((one, at) =>
    subjects.slice(at + 1).map((other) => ({ recordings: [one, other] as const, correlation: 1 }))
  )
  expect(copies).toHaveLength(780)
  const openOf = async (isThere: (key: string) => boolean) =>
    (await run(openItems({ ...found, duplicates: copies }, isThere))).duplicates.map(({ recordings }) => recordings)
  expect(await openOf(() => true)).toHaveLength(39)
  const without = await openOf((key) => key !== "0.wav")
  expect(new Set(without.flat().map(({ key }) => key)).size).toBe(39)
  expect(without).toHaveLength(38)
  // Another sound under the name is another recording.
  await Effect.runPromise(store.put(SILENT, (await altered(silence)).slice()))
  expect((await succeed(store)).notes).toEqual(
    expect.arrayContaining([
      "3 sources hold sounds that another holds, too: they go to one side of the split.",
      expect.stringContaining("compared the sound of 1 of 15 recordings")
    ])
  )
  const changed = await run(reviewRecordings())
  expect((await run(openItems(changed, () => true))).silent.map(({ key }) => key)).not.toContain(SILENT)
}, 180_000)

test("before the first training, and with new recordings, it says what is missing", async () => {
  const store = memoryStore(smallCorpus())
  const run = runOn(store)
  expect(run(reviewRecordings())).rejects.toThrow("holds no training yet")
  await succeed(store)
  await Effect.runPromise(store.put("extracted_audio/dog_bark/new.wav", silence))
  expect(await run(reviewRecordings())).toMatchObject({ recordings: 10, unknown: 1, silent: [] })
}, 180_000)
