import { expect, test } from "bun:test"
import { Effect } from "effect"
import { makeDataset } from "../../../../src/classifier/dataset.ts"
import { networkOf } from "../../../../src/classifier/denseNetwork.ts"
import { cutsByPart, partsBy } from "../../../../src/classifier/evaluation/parts.ts"
import { leaveKindsOut } from "../../../../src/classifier/evaluation/unknown/leaveKindsOut.ts"
import { figuresOnUnknown } from "../../../../src/classifier/evaluation/unknown/unknownFigures.ts"
import { alarmTable } from "../../../../src/classifier/evaluation/unknown/unknownTables.ts"
import { FEATURES } from "../../../../src/classifier/features/kinds.ts"
import { HEADS } from "../../../../src/classifier/heads/heads.ts"
import { initialWeights } from "../../../../src/classifier/initial.ts"
import { seededRandom } from "../../../../src/sound/random.ts"

/** Two sites with dogs, and winds and rains. */
const samples = ["A", "B"].flatMap((site) =>
  (["dog_bark", "wind", "rain"] as const).flatMap((kind, label) =>
    [0, 1, 2].map((at) => {
      const className = kind === "dog_bark" ? kind : "clips"
      const vector = Float32Array.from({ length: 1024 }, (_, i) => (i % 3 === label ? 1 : 0))
      const key = `extracted_audio/${className}/site-${site}/${kind}-${at}.wav`
      return { key, className, group: `${site}${kind}${at}`, variant: "original", vector }
    })
  )
)

/** Takes nearly everything for its class of the highest bias. */
const taking = (classes: ReadonlyArray<string>, label: number, threshold: number) => {
  const features = FEATURES.embedding.make(1024, {}, [])
  const network = networkOf(HEADS.linear.description, features.width, classes.length)
  const weights = {
    ...initialWeights(network, seededRandom(0)),
    kernel0: new Float32Array(1024 * classes.length),
    bias0: Float32Array.from(classes, (_, own) => (own === label ? 2 : 0))
  }
  const calibration = { temperature: 1, thresholds: classes.map(() => threshold), recordings: 20 }
  return { classes, features, network, weights, calibration }
}

test("no training hears the kind that it is asked about, and its answers are those of what was left out", async () => {
  const trained: Array<ReadonlyArray<string>> = []
  const kinds = await Effect.runPromise(
    Effect.gen(function* () {
      const dataset = yield* makeDataset(samples)
      const cuts = cutsByPart(dataset, partsBy(/site-(.)/), { repeats: 1, seed: 0 })
      const kindOf = partsBy(/(\w+)-\d\.wav/)
      return yield* leaveKindsOut(dataset, cuts, "clips", kindOf, (own, split) =>
        Effect.sync(() => {
          const rows = [...split.training, ...split.validation]
          trained.push(rows.map((row) => own.samples[row]!.key))
          return taking(own.classes, 1, 0.5)
        })
      )
    })
  )
  expect(kinds.map(({ kind, answers }) => [kind, answers.length])).toEqual([
    ["rain", 6],
    ["wind", 6]
  ])
  // Site A is asked about first, then B: by trainings on the other site without the kind.
  const of = (keys: ReadonlyArray<string>) => [
    ...new Set(keys.map((key) => /site-(.)\/(\w+)-/.exec(key)!.slice(1).join()))
  ]
  expect(trained.map((keys) => of(keys).sort())).toEqual([
    ["B,dog_bark", "B,rain"],
    ["B,dog_bark", "B,wind"],
    ["A,dog_bark", "A,rain"],
    ["A,dog_bark", "A,wind"]
  ])
})

test("a kind that is all the background there is to train on is not asked about", async () => {
  const only = samples.filter(({ key }) => !(key.includes("site-A") && key.includes("rain")))
  const kinds = await Effect.runPromise(
    Effect.gen(function* () {
      const dataset = yield* makeDataset(only)
      const cuts = cutsByPart(dataset, partsBy(/site-(.)/), { repeats: 1, seed: 0 })
      return yield* leaveKindsOut(dataset, cuts, "clips", partsBy(/(\w+)-\d\.wav/), (own) =>
        Effect.succeed(taking(own.classes, 1, 0))
      )
    })
  )
  // Winds of A are asked about by a training on B's rains; those of B would need A's.
  expect(kinds.map(({ kind, answers }) => [kind, answers.length])).toEqual([
    ["rain", 3],
    ["wind", 3]
  ])
})

test("below the threshold, what is taken for a class is no false alarm", async () => {
  const dataset = await Effect.runPromise(makeDataset(samples))
  const answer = (row: number, taken: number, isUnknown: boolean) => ({ row, taken, probability: 0.6, isUnknown })
  const row = (kind: string, at: number) => samples.findIndex(({ key }) => key.endsWith(`${kind}-${at}.wav`))
  const heard = figuresOnUnknown(
    dataset,
    "clips",
    "linear",
    [
      answer(row("dog_bark", 0), 1, false),
      answer(row("dog_bark", 1), 1, true),
      answer(row("dog_bark", 2), 0, true),
      answer(row("wind", 0), 0, true),
      answer(row("wind", 1), 1, true)
    ],
    [{ kind: "rain", answers: [answer(row("rain", 0), 1, false), answer(row("rain", 1), 0, false)] }]
  )
  expect(heard.known).toEqual([{ className: "dog_bark", recognised: 2, kept: expect.objectContaining({ value: 0.5 }) }])
  expect([heard.heard.recordings, heard.heard.taken!.value, heard.heard.alarms!.value]).toEqual([2, 0.5, 0])
  expect(heard.unheard.map(({ kind, alarms, as }) => [kind, alarms!.value, as])).toEqual([
    ["rain", 0.5, { dog_bark: 1 }]
  ])
  const rows = alarmTable({ background: "clips", heads: [heard] })
  expect(rows.map(([what, , , , , , as]) => [what, as]).slice(1)).toEqual([
    ["clips, kinds that were trained on", ""],
    ["rain, never heard", "dog_bark 1"],
    ["all of these", "dog_bark 1"]
  ])
})
