import { expect, test } from "bun:test"
import { ConfigProvider, Effect, Layer } from "effect"
import { Settings } from "../../src/config/settings.ts"
import { changeAnnotations, readAnnotations } from "../../src/review/annotate.ts"
import { isFieldRecording } from "../../src/store/keys.ts"
import { Store } from "../../src/store/store.ts"
import { Problems } from "../../src/stream/annotations/problems.ts"
import { readSaid } from "../../src/stream/annotations/said.ts"
import { memoryStore } from "../support/memoryStore.ts"

const RECORDING = "field_audio/ridge/a.wav"
const TABLE = "annotations/ridge/a.csv"

const bytes = (text: string) => new TextEncoder().encode(text)
const world = (files: Readonly<Record<string, string>>, env: Record<string, string> = {}) => {
  const objects = new Map(Object.entries(files).map(([key, text]) => [key, bytes(text)]))
  const store = memoryStore(objects)
  const settings = Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))
  const run = <A, E>(effect: Effect.Effect<A, E, Store | Settings>) =>
    Effect.runPromise(effect.pipe(Effect.provideService(Store, store), Effect.provide(settings)))
  const textAt = (key: string) => new TextDecoder().decode(objects.get(key))
  const add = (recording: string, start: number) =>
    run(
      changeAnnotations(recording, (before) =>
        Effect.succeed({
          ...before,
          annotations: [...before.annotations, { start, end: start + 1, label: "dog_bark" }]
        })
      )
    )
  return { objects, run, textAt, add }
}

test("a table written by hand is kept before its rows are written anew: notes, remarks and rows that are wrong are its writer's", async () => {
  const first = "# June\nstart,end,label,note\n4,7,gun_shot,clear\n1:30,1:35,dog_bark,to be mended\n"
  const { objects, textAt, add } = world({ [RECORDING]: "sound", [TABLE]: first })
  await add(RECORDING, 20)
  expect(textAt(TABLE)).toContain("4.000,7.000,gun_shot")
  expect(textAt(`${TABLE}.replaced`)).toBe(first)
  await add(RECORDING, 30)
  expect([...objects.keys()].filter((key) => key.includes("replaced"))).toEqual([`${TABLE}.replaced`])
  const second = `${textAt(TABLE)}50,60,dog_bark,,,,,another note\n`
  objects.set(TABLE, bytes(second))
  await add(RECORDING, 70)
  const kept = [...objects.keys()].filter((key) => key.includes("replaced"))
  expect(kept.map(textAt).toSorted()).toEqual([first, second].toSorted())
})

test("recordings that are called alike but for their endings have a table each, which a training reads", async () => {
  const [wav, flac] = [RECORDING, "field_audio/ridge/a.flac"]
  const { objects, run, add } = world({ [wav]: "sound", [flac]: "another", "field_audio/ridge/ab.wav": "a third" })
  await add(wav, 1)
  await add(flac, 5)
  expect([...objects.keys()].filter((key) => key.startsWith("annotations/")).toSorted()).toEqual([
    "annotations/ridge/a.flac.csv",
    "annotations/ridge/a.wav.csv"
  ])
  const found = await run(readAnnotations(wav))
  expect(found._tag === "Some" && found.value.annotations.map(({ start }) => start)).toEqual([1])
  const problems = new Problems()
  const { said } = await run(readSaid(problems))
  expect(said.map(({ recording, annotations }) => [recording.key, annotations.map(({ start }) => start)])).toEqual([
    [flac, [5]],
    [wav, [1]]
  ])
})

test("what is kept of a table beside a recording is no recording", async () => {
  const beside = "field_audio/ridge/a.txt"
  const { objects, add } = world({ [RECORDING]: "sound", [beside]: "4\t7\tgun_shot\n" })
  await add(RECORDING, 20)
  expect([...objects.keys()].filter((key) => isFieldRecording({ key }))).toEqual([RECORDING])
  expect(objects.has(`${beside}.replaced`)).toBe(true)
})

test("the class is in ANNOTATION_COLUMN, as for a training: what it names there is not lost", async () => {
  const table = "start,end,Ruf\n4,7,gun_shot\n"
  const { textAt, add } = world({ [RECORDING]: "sound", [TABLE]: table }, { ANNOTATION_COLUMN: "Ruf" })
  await add(RECORDING, 20)
  expect(textAt(TABLE)).toContain("4.000,7.000,gun_shot")
})
