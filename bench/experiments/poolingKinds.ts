import { Effect } from "effect"
import type { Dataset } from "../../src/classifier/dataset.ts"
import { networkOf } from "../../src/classifier/denseNetwork.ts"
import { type Cut, collect, cutsOf } from "../../src/classifier/evaluation/outOfFold.ts"
import { featureScale, foldFeatureScale, standardiseFeatures } from "../../src/classifier/featureScale.ts"
import type { HeadDescription } from "../../src/classifier/heads/head.ts"
import { HEADS } from "../../src/classifier/heads/heads.ts"
import { initialWeights } from "../../src/classifier/initial.ts"
import { fit, SCHEDULE } from "../../src/classifier/train/fit.ts"
import { nativeBackend } from "../../src/classifier/train/nativeBackend.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { openCorpus, printComparison, runExperiment } from "./experimentData.ts"
import { type Patches, patchesOf } from "./patches.ts"
import * as views from "./views.ts"

// Ways to make one clip of its patches, on the recordings that are not held out, or on all of them with --all:
// bun bench/experiments/poolingKinds.ts STORE [--all]. The last line is JSON.

const FOLDS = { folds: 5, repeats: 5, seed: 0 }
const AUGMENTATIONS = 5
// A hundred epochs come to the same: 0.701 instead of 0.702, once over five folds.
const EPOCHS = 30

interface Way {
  readonly name: string
  readonly head?: HeadDescription
  /** What is trained on. */
  readonly variants: views.View
  /** The same for originals, where they are seen otherwise. */
  readonly originals?: views.View
  /** What is predicted from, where that is not what originals are trained as. */
  readonly tested?: views.View
}

const { mean, highest, deviation, soft, beside, byEnergy, scoresOfMean, pooledScores, embeddings } = views
const [plain, energy] = [scoresOfMean(mean), scoresOfMean(byEnergy(1))]
const decay = (value: number): HeadDescription => ({ ...HEADS.audioset.description, decay: value })
const onScores = (name: string, pool: views.Pool): ReadonlyArray<Way> =>
  (
    [
      ["clip", 0.01],
      ["clip", 0.03],
      [0.5, 0.03]
    ] as const
  ).map(([scale, own]) => ({
    name: `patches' scores (${scale === "clip" ? "standardised" : "raw / 2"}, decay ${own}): ${name}`,
    head: decay(own),
    variants: pooledScores(pool, scale)
  }))
const onEmbeddings = (name: string, pool: views.Pool): Way => ({
  name: `linear on embeddings: ${name}`,
  head: HEADS.linear.description,
  variants: embeddings(pool)
})

const WAYS: ReadonlyArray<Way> = [
  { name: "scores of the plain mean", variants: plain },
  { name: "scores of the mean by level", variants: scoresOfMean(byEnergy(0.5)) },
  { name: "scores of the mean by energy", variants: energy },
  { name: "scores of the mean by energy, squared", variants: scoresOfMean(byEnergy(2)) },
  { name: "trained by energy, tested plain", variants: energy, tested: plain },
  { name: "trained plain, tested by energy", variants: plain, tested: energy },
  { name: "originals by energy, variants plain", variants: plain, originals: energy },
  { name: "originals by energy, variants plain; tested plain", variants: plain, originals: energy, tested: plain },
  ...onScores("mean", mean),
  ...onScores("maximum", highest),
  ...onScores("soft maximum, 2", soft(2)),
  ...onScores("soft maximum, 8", soft(8)),
  ...onScores("mean by level", byEnergy(0.5)),
  ...onScores("mean by energy", byEnergy(1)),
  ...onScores("mean and maximum", beside(mean, highest)),
  ...onScores("mean and deviation", beside(mean, deviation)),
  {
    name: "patches' scores (standardised): each patch trained, probabilities averaged",
    variants: views.everyScore("clip")
  },
  onEmbeddings("mean", mean),
  onEmbeddings("maximum", highest),
  onEmbeddings("soft maximum, 2", soft(2)),
  onEmbeddings("mean by level", byEnergy(0.5)),
  onEmbeddings("mean by energy", byEnergy(1)),
  onEmbeddings("mean and maximum", beside(mean, highest)),
  onEmbeddings("mean and deviation", beside(mean, deviation)),
  { name: "linear on embeddings: each patch trained", head: HEADS.linear.description, variants: views.everyEmbedding }
]

/** Rows that a head sees, and the sample that each is of. */
interface Seen {
  readonly rows: ReadonlyArray<Float32Array>
  readonly samples: ReadonlyArray<number>
}

const look = (
  samples: ReadonlyArray<number>,
  patches: ReadonlyArray<Patches>,
  bias: Float32Array,
  viewOf: (sample: number) => views.View
): Seen => {
  const seen = samples.map((sample) => viewOf(sample)(patches[sample]!, bias))
  return { rows: seen.flat(), samples: seen.flatMap((rows, at) => rows.map(() => samples[at]!)) }
}

const flat = ({ rows }: Seen, width: number): Float32Array => {
  const values = new Float32Array(rows.length * width)
  for (const [at, row] of rows.entries()) values.set(row, at * width)
  return values
}

/** Trains a head without hidden layers as `train` does, and gives the mean probabilities of what is tested. */
const tryCut = Effect.fnUntraced(function* (
  dataset: Dataset,
  head: HeadDescription,
  { training, validation, tested }: { readonly training: Seen; readonly validation: Seen; readonly tested: Seen },
  seed: number
) {
  const classes = dataset.classes.length
  const width = training.rows[0]!.length
  const network = networkOf({ ...head, hidden: [] }, width, classes)
  const examples = (seen: Seen) => ({
    embeddings: flat(seen, width),
    labels: Int32Array.from(seen.samples, (sample) => dataset.labels[sample]!)
  })
  const problem = { training: examples(training), validation: examples(validation) }
  const { smallestDeviation } = head
  const scale =
    smallestDeviation === null ? undefined : featureScale(problem.training.embeddings, width, smallestDeviation)
  if (scale !== undefined) {
    standardiseFeatures(problem.training.embeddings, scale)
    standardiseFeatures(problem.validation.embeddings, scale)
  }
  const counts = dataset.classes.map((_, label) => problem.training.labels.filter((own) => own === label).length)
  const sampleWeights = Float32Array.from(
    problem.training.labels,
    (label) => training.rows.length / (classes * counts[label]!)
  )
  const random = seededRandom(seed)
  const { weights } = yield* fit(
    nativeBackend,
    { network, initial: initialWeights(network, random), sampleWeights, ...problem },
    { ...SCHEDULE, epochs: head.earlyStopping ? 100 : EPOCHS },
    random,
    () => Effect.void
  ).pipe(Effect.scoped)
  const { kernel0, bias0 } = scale === undefined ? weights : foldFeatureScale(network, weights, scale)
  const sums = new Map<number, { probabilities: Float64Array; rows: number }>()
  for (const [at, row] of tested.rows.entries()) {
    const logits = Float64Array.from(bias0!)
    for (const [i, value] of row.entries()) {
      for (let label = 0; label < classes; label++) logits[label]! += value * kernel0![i * classes + label]!
    }
    const powers = logits.map((logit) => Math.exp(logit - Math.max(...logits)))
    const total = powers.reduce((sum, power) => sum + power, 0)
    const own = sums.get(tested.samples[at]!) ?? { probabilities: new Float64Array(classes), rows: 0 }
    own.probabilities = own.probabilities.map((value, label) => value + powers[label]! / total)
    own.rows++
    sums.set(tested.samples[at]!, own)
  }
  return Float32Array.from(
    [...sums.values()].flatMap(({ probabilities, rows }) => [...probabilities].map((p) => p / rows))
  )
})

const tryWay = Effect.fnUntraced(function* (
  dataset: Dataset,
  cuts: ReadonlyArray<Cut>,
  patches: ReadonlyArray<Patches>,
  bias: Float32Array,
  { head = HEADS.audioset.description, variants, originals = variants, tested = originals }: Way
) {
  const viewOf = (sample: number) => (dataset.samples[sample]!.variant === "original" ? originals : variants)
  const whole = look([...dataset.samples.keys()], patches, bias, viewOf)
  const tests = tested === originals ? whole : look([...dataset.samples.keys()], patches, bias, () => tested)
  const only = (seen: Seen, wanted: ReadonlySet<number>): Seen => {
    const kept = [...seen.samples.keys()].filter((at) => wanted.has(seen.samples[at]!))
    return { rows: kept.map((at) => seen.rows[at]!), samples: kept.map((at) => seen.samples[at]!) }
  }
  const given = yield* Effect.forEach(cuts, ({ split, tested, number }) => {
    const known = dataset.samples.flatMap(({ group }, row) => (split.subsets.get(group) === "holdout" ? [] : [row]))
    return tryCut(
      dataset,
      head,
      {
        training: only(whole, new Set(head.earlyStopping ? split.training : known)),
        validation: only(whole, new Set(head.earlyStopping ? split.validation : [])),
        tested: only(tests, new Set(tested))
      },
      FOLDS.seed + number
    )
  })
  return collect(dataset, FOLDS.repeats, cuts, given)
})

await runExperiment(
  Effect.gen(function* () {
    const [store, all] = process.argv.slice(2)
    const { whole, choosing, seconds, scores, services } = yield* openCorpus(store!, AUGMENTATIONS)
    const dataset = all === "--all" ? whole : choosing
    const patches = yield* patchesOf(dataset, AUGMENTATIONS, scores).pipe(Effect.provide(services))
    const cuts = cutsOf(dataset, FOLDS)
    const tried = yield* Effect.forEach(WAYS, (way) =>
      tryWay(dataset, cuts, patches, scores.bias, way).pipe(
        Effect.map((result) => ({ name: way.name, result })),
        Effect.tap(() => Effect.sync(() => process.stderr.write(`${way.name}\n`)))
      )
    )
    yield* printComparison(dataset, seconds, tried, FOLDS)
  })
)
