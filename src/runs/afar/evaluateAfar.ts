import { Effect } from "effect"
import { predict } from "../../classifier/classifier.ts"
import { vectorsOf } from "../../classifier/dataset.ts"
import { type AfarEvaluation, AS_IT_IS, afarFigures } from "../../classifier/evaluation/afar/afarEvaluation.ts"
import { hearAfar, type Way } from "../../classifier/evaluation/afar/ways.ts"
import type { FieldSound } from "../../classifier/evaluation/field/soundscape.ts"
import type { Cut } from "../../classifier/evaluation/outOfFold.ts"
import { counted } from "../../config/inWords.ts"
import { Settings } from "../../config/settings.ts"
import { Engine, embedPatches } from "../../embedder/engine.ts"
import { rowSize } from "../../embedder/frontEnd.ts"
import { concatenate } from "../../sound/floats.ts"
import type { TrainedHead } from "../field/evaluateField.ts"
import { readFieldSounds } from "../field/fieldSounds.ts"
import type { JointCorpus } from "../jointCorpus.ts"

/** Recordings that are decoded while others are embedded. */
const AT_ONCE = 2

/** Which heads are tried from afar, and how. */
export interface AfarTest {
  readonly corpus: JointCorpus
  /** Those of the first repeat count. */
  readonly cuts: ReadonlyArray<Cut>
  readonly heads: ReadonlyArray<TrainedHead>
  readonly ways: ReadonlyArray<Way>
  /** The class whose sound recordings are mixed into; undefined where no way mixes. */
  readonly background: string | undefined
  /** Of what is drawn: backgrounds, places in them, echoes. */
  readonly seed: number
  /** Runs after each recording. */
  readonly onHeard: (done: number, total: number) => Effect.Effect<void>
}

/**
 * What each head makes of the recordings that a cut left out, heard in these ways, by the classifier that was trained
 * without them. They are mixed into the background of what was left out with them. Nothing is written; each recording is
 * decoded once, up to CLIP_MAX_SECONDS of it.
 */
export const evaluateAfar = Effect.fn("evaluateAfar")(function* ({
  corpus,
  cuts,
  heads,
  ways,
  background,
  seed,
  onHeard
}: AfarTest) {
  const { frontEnd } = yield* Engine
  const { clipMaxSeconds } = yield* Settings
  const { dataset } = corpus
  const { samples, classes } = dataset
  const { sampleRate } = frontEnd
  const once = cuts.filter(({ repeat }) => repeat === 0)
  const tested = once.flatMap(({ tested: rows, part }) => rows.map((row) => ({ row, part })))
  const whole = { sampleRate, seed, eventSeconds: () => clipMaxSeconds }
  const names = [AS_IT_IS, ...ways.map(({ name }) => name)]
  const answers = heads.map(({ head }) => ({
    head,
    probabilities: names.map(() => new Float32Array(tested.length * classes.length).fill(Number.NaN))
  }))
  let [done, gone, alone] = [0, 0, 0]

  /** What the heads make of one recording; `at` is its place among all tested. */
  const hear = Effect.fnUntraced(function* (
    at: number,
    row: number,
    { split }: Cut,
    backgrounds: ReadonlyArray<FieldSound>
  ) {
    const [sound] = (yield* readFieldSounds(corpus, [row], NONE, whole)).events
    if (sound === undefined) gone++
    else {
      const heard = hearAfar(ways, samples[row]!.key, sound, sampleRate, backgrounds, seed)
      if (heard.includes(undefined)) alone++
      const possible = heard.flatMap((own, way) => (own === undefined ? [] : [{ own, way: way + 1 }]))
      const vectors = yield* embedEach(possible.map(({ own }) => own))
      const all = [
        { way: 0, vector: vectorsOf(dataset, [row]) },
        ...possible.map(({ way }, i) => ({ way, vector: vectors[i]! }))
      ]
      for (const [which, { classifiers }] of heads.entries()) {
        for (const { way, vector } of all) {
          answers[which]!.probabilities[way]!.set(predict(classifiers.get(split)!, vector), at * classes.length)
        }
      }
    }
    yield* onHeard(++done, tested.length)
  })

  let first = 0
  for (const cut of once) {
    const place = first
    const quiet = cut.tested.filter((row) => samples[row]!.className === background)
    const { backgrounds } = yield* readFieldSounds(corpus, quiet, background ?? NONE, whole)
    yield* Effect.forEach(cut.tested, (row, at) => hear(place + at, row, cut, backgrounds), {
      concurrency: AT_ONCE,
      discard: true
    })
    first += cut.tested.length
  }
  const rows = tested.map(({ row }) => row)
  const parts = tested.map(({ part }) => part)
  return {
    ...afarFigures(dataset, { rows, parts, ways: names, heads: answers }),
    notes: [
      ...(gone > 0
        ? [`${gone} of ${counted(rows.length, "recording")} could not be read again: they are not heard from afar.`]
        : []),
      ...(alone > 0
        ? [
            `${alone} of ${counted(rows.length, "recording")} were not mixed: no other source of "${background}" was left out with them.`
          ]
        : [])
    ]
  } satisfies AfarEvaluation
})

/** No class has this name. */
const NONE = ""

/** The row of each sound, as a recording's is made. */
const embedEach = Effect.fnUntraced(function* (sounds: ReadonlyArray<Float32Array>) {
  const engine = yield* Engine
  const { frontEnd } = engine
  const { prepare, weigh } = frontEnd
  const size = rowSize(frontEnd)
  const prepared = sounds.map(prepare)
  const rows = yield* embedPatches(engine, concatenate(prepared))
  let next = 0
  return prepared.map((own) => {
    const sum = new Float64Array(size)
    for (const weight of weigh(own)) {
      for (let i = 0; i < size; i++) sum[i]! += weight * rows[next * size + i]!
      next++
    }
    return Float32Array.from(sum)
  })
})
