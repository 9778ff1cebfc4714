import { Effect } from "effect"
import { rowSize } from "../../embedder/frontEnd.ts"
import { concatenate } from "../../sound/floats.ts"
import { backgroundOf } from "../../store/className.ts"
import { networkOf } from "../denseNetwork.ts"
import { type FeatureScale, featureScale, foldFeatureScale, standardiseFeatures } from "../featureScale.ts"
import { REGRESSION } from "../heads/head.ts"
import { BACKGROUND_ODDS } from "../prior.ts"
import { regress } from "../train/regression.ts"
import {
  DRAWS,
  drawFourierFeatures,
  FOURIER_FEATURES,
  type FourierFeatures,
  fourierFeaturesOf,
  ofUnscaled
} from "./fourierFeatures.ts"
import type { KeptWindows } from "./keptWindows.ts"
import { besideBackground, corrected, damped, decoded, LEAST_PROBABILITY, type SiteWindows } from "./siteCorrection.ts"

// A site has sounds of its own, and those that resemble an event most are what false alarms are made of. Nobody has to say
// what they are: hardly a window of a recording holds an event, so all of them together are a fair sample of the site's
// background. What is learnt is a correction for a classifier to take them as that, while it still tells the windows that it
// was trained on. Figures are in docs/decisions/field.md.

/** Windows that a site is learnt from, at least: twenty minutes. Of fewer, an event among them weighs too much. */
export const LEAST_WINDOWS = 2500
/** And at most: some three hours, evenly drawn. */
export const MOST_WINDOWS = 20_000

/** What keeps corrections small, by a window of the site: the more is heard, the more may be corrected. */
const DECAY = 22.5
/** Of what the background weighs, what the site's windows weigh. */
const SHARE = 0.5
/**
 * A class's mean probability at a site once what is always heard there is corrected, up to which it may be none's. The more of a
 * class there is, the more of it is among what the site's background is learnt from, so the less its logits are corrected: a
 * shooting range shall not teach that shots are background.
 */
const PRESENCE = 0.01
/**
 * Of a class that the classifier hears more of there, by its mean probability, decay grows by the square: where events are
 * common they are much of what is taken for background.
 */
const COMMON = 0.03
/** That is as far as it goes: what sounds all the time, as an air conditioner does, is no event, whatever it is like. */
const MOST_GROWTH = 16
/**
 * Of a site's windows so many are the rarest, by how near to it the others lie, and weigh half: a call that is heard once an hour
 * is among them, and a wind that blows all day is not.
 */
const RARE = 0.3
const RARE_WEIGHT = 0.5
/** Steps of the descent at most. */
const MOST_STEPS = 40
const SMALLEST_DEVIATION = 0.001
/** What the classifier's own logits are divided by, so that decay leaves them as they are. */
const FIXED = 1000
/** What windows are measured by, at all sites of a version: the scale of their numbers, and what they lie near to. */
interface Space {
  readonly scale: FeatureScale
  /** For windows in that scale, */
  readonly standardised: FourierFeatures
  /** and as they are. */
  readonly nearness: FourierFeatures
}

/** Drawn once of the windows that a version has kept, a fifth of a second. */
const spaces = new WeakMap<KeptWindows, Space>()

/** What the windows kept teach of what windows are like: always the same of the same ones. */
export const spaceOf = (kept: KeptWindows): Space => {
  const known = spaces.get(kept)
  if (known !== undefined) return known
  const size = rowSize(kept)
  const rows = decoded(kept, Object.values(kept.vectors))
  const scale = featureScale(rows, size, SMALLEST_DEVIATION)
  standardiseFeatures(rows, scale)
  const standardised = drawFourierFeatures(rows, size)
  const space = { scale, standardised, nearness: ofUnscaled(standardised, scale) }
  spaces.set(kept, space)
  return space
}

/** Learns what a site's windows have a classifier correct. Fails where training does. */
export const learnSite = Effect.fn("learnSite")(function* (kept: KeptWindows, site: ReadonlyArray<SiteWindows>) {
  const classes = kept.classes.length
  const quiet = kept.classes.indexOf(backgroundOf(kept.classes)!)
  const sizes = Object.values(kept.vectors)
  const size = rowSize(kept)
  const heard = site.reduce((sum, { windows }) => sum + windows.count, 0)
  const { scale, standardised, nearness } = spaceOf(kept)
  const pieces = [kept, ...site]
  const rows = concatenate(pieces.map((piece) => decoded(piece, sizes)))
  standardiseFeatures(rows, scale)
  const logits = concatenate(pieces.map(({ probabilities }) => balancedLogits(probabilities, classes, quiet)))
  const features = size + FOURIER_FEATURES
  const decay = DECAY / heard
  const task = {
    network: networkOf({ ...REGRESSION, decay, optimizer: "lbfgs" }, features + classes, classes),
    validation: { embeddings: new Float32Array(), labels: new Int32Array() },
    prior: keepingLogits(features, classes),
    decays: decaysOf(site, decay, classes, quiet)
  }
  const labels = labelsOf(kept, heard, quiet)
  // Of each draw the features alone are others.
  const inputs = new Float32Array(labels.length * (features + classes))
  setColumns(inputs, features + classes, 0, rows, size)
  setColumns(inputs, features + classes, features, logits, classes)
  const draws = yield* Effect.forEach(
    Array.from({ length: DRAWS }).keys(),
    Effect.fnUntraced(function* (draw) {
      const drawn = fourierFeaturesOf(standardised, draw, rows)
      setColumns(inputs, features + classes, size, drawn, FOURIER_FEATURES)
      const rarity = rarityWeights(drawn.subarray(kept.windows.count * FOURIER_FEATURES))
      const training = { embeddings: inputs, labels }
      const { weights } = yield* regress(
        { ...task, training, sampleWeights: weightsOf(kept, rarity, quiet) },
        MOST_STEPS,
        () => Effect.void
      ).pipe(Effect.scoped)
      return { kernel: weights.kernel0!.subarray(0, features * classes), bias: weights.bias0! }
    })
  )
  const { kernel, bias } = meanOf(draws, size, scale)
  const whole = besideBackground({ sizes, nearness, kernel, bias }, quiet)
  const presence = presenceOf(
    site.map((own) => corrected(whole, own)),
    classes
  )
  return damped(
    whole,
    presence.map((own) => Math.min(1, PRESENCE / own))
  )
})

/** Puts rows of `own` numbers into rows of `width`, from `first` on in each. */
const setColumns = (inputs: Float32Array, width: number, first: number, rows: Float32Array, own: number): void => {
  for (let from = 0, at = first; from < rows.length; from += own, at += width) {
    inputs.set(rows.subarray(from, from + own), at)
  }
}

/**
 * The mean of what draws have learnt, for vectors as they are: each weighs its own features. What one draw has of chance, the
 * mean has less of.
 */
const meanOf = (
  draws: ReadonlyArray<{ readonly kernel: Float32Array; readonly bias: Float32Array }>,
  size: number,
  scale: FeatureScale
) => {
  const classes = draws[0]!.bias.length
  const linear = new Float32Array(size * classes)
  const bias = new Float32Array(classes)
  const kernel = new Float32Array((size + DRAWS * FOURIER_FEATURES) * classes)
  for (const [draw, own] of draws.entries()) {
    for (const [at, value] of own.bias.entries()) bias[at]! += value / DRAWS
    for (const [at, value] of own.kernel.subarray(0, linear.length).entries()) linear[at]! += value / DRAWS
    const features = own.kernel.subarray(linear.length).map((value) => value / DRAWS)
    kernel.set(features, (size + draw * FOURIER_FEATURES) * classes)
  }
  const folded = foldFeatureScale({ units: [size, classes] }, { kernel0: linear, bias0: bias }, scale)
  kernel.set(folded.kernel0!)
  return { kernel, bias: folded.bias0! }
}

/** What each of a site's windows weighs, by how near to it the others lie: products of features [n * FOURIER_FEATURES] tell. */
const rarityWeights = (features: Float32Array): Float32Array => {
  const count = features.length / FOURIER_FEATURES
  const sums = new Float64Array(FOURIER_FEATURES)
  for (let row = 0, at = 0; row < count; row++) {
    for (let i = 0; i < FOURIER_FEATURES; i++, at++) sums[i]! += features[at]!
  }
  const density = Float64Array.from({ length: count }, (_, row) => {
    let sum = 0
    for (let i = 0, at = row * FOURIER_FEATURES; i < FOURIER_FEATURES; i++, at++) sum += sums[i]! * features[at]!
    return sum
  })
  const rare = density.toSorted()[Math.floor(RARE * count)]!
  return Float32Array.from(density, (own) => (own < rare ? RARE_WEIGHT : 1))
}

/** What the decay of each class is, by how much of it the classifier hears at a site. */
const decaysOf = (site: ReadonlyArray<SiteWindows>, decay: number, classes: number, quiet: number): Float32Array => {
  const heard = presenceOf(
    site.map(({ probabilities }) => probabilities),
    classes
  )
  return Float32Array.from(heard, (own, label) => {
    const growth = Math.max(1, own / COMMON) ** 2
    // The background's own kernel stays at nothing: what is learnt is what tells of each class.
    return decay * (label === quiet ? growth : Math.min(MOST_GROWTH, growth))
  })
}

/** A kernel that gives the classifier's own logits, which is where learning begins. */
const keepingLogits = (size: number, classes: number): Float32Array => {
  const kernel = new Float32Array((size + classes) * classes)
  for (let label = 0; label < classes; label++) kernel[(size + label) * classes + label] = FIXED
  return kernel
}

/** Of the windows kept their own, of those heard the background's. */
const labelsOf = ({ labels }: KeptWindows, heard: number, quiet: number): Int32Array => {
  const all = new Int32Array(labels.length + heard).fill(quiet)
  all.set(labels)
  return all
}

/** What each window weighs, 1 on average: those heard have their share of the background's weight, by their rarity. */
const weightsOf = ({ labels, weights }: KeptWindows, rarity: Float32Array, quiet: number): Float32Array => {
  const background = weights.reduce((sum, weight, at) => (labels[at] === quiet ? sum + weight : sum), 0)
  const heard = rarity.reduce((sum, weight) => sum + weight, 0)
  const all = new Float32Array(labels.length + rarity.length)
  all.set(
    rarity.map((weight) => (SHARE * background * weight) / heard),
    labels.length
  )
  for (const [at, label] of labels.entries()) all[at] = weights[at]! * (label === quiet ? 1 - SHARE : 1)
  const mean = all.reduce((sum, weight) => sum + weight, 0) / all.length
  return all.map((weight) => weight / mean)
}

/** Logits of classes that are as likely as each other, divided by `FIXED`, of probabilities [n * classes]. */
const balancedLogits = (probabilities: Float32Array, classes: number, quiet: number): Float32Array =>
  probabilities.map((own, at) => {
    const logit = Math.log(Math.max(LEAST_PROBABILITY, own))
    return (at % classes === quiet ? logit - Math.log(BACKGROUND_ODDS) : logit) / FIXED
  })

/** The mean probability of each class, of [n * classes] in pieces. */
const presenceOf = (pieces: ReadonlyArray<Float32Array>, classes: number): Float64Array => {
  const sums = new Float64Array(classes)
  let count = 0
  for (const probabilities of pieces) {
    for (let at = 0; at < probabilities.length; at++) sums[at % classes]! += probabilities[at]!
    count += probabilities.length / classes
  }
  return sums.map((sum) => sum / count)
}
