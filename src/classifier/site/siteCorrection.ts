import { Effect } from "effect"
import { type CodedVectors, decodeVectors } from "../../embeddings/scans/coding.ts"
import { backgroundOf } from "../../store/className.ts"
import { networkOf } from "../denseNetwork.ts"
import { featureScale, foldFeatureScale, standardiseFeatures } from "../featureScale.ts"
import { REGRESSION } from "../heads/head.ts"
import { BACKGROUND_ODDS } from "../prior.ts"
import { regress } from "../train/regression.ts"
import type { KeptWindows } from "./keptWindows.ts"

// A site has sounds of its own, and those that resemble an event most are what false alarms are made of. Nobody has to say
// what they are: hardly a window of a recording holds an event, so all of them together are a fair sample of the site's
// background. A correction is what has to be added to a classifier's logits for it to take them as that, while it still
// tells the windows that it was trained on. Figures are in docs/decisions/field.md.

/** Windows of a site, of the vector that it is learnt by, and the classifier's probabilities [count * classes]. */
export interface SiteWindows {
  readonly windows: CodedVectors
  readonly probabilities: Float32Array
}

/** What is added to the logits: `bias` [classes] and, for each number of the vector, `kernel` [size * classes]. */
export interface SiteCorrection {
  readonly kernel: Float32Array
  readonly bias: Float32Array
}

/** Windows that a site is learnt from, at least: twenty minutes. Of fewer, an event among them weighs too much. */
export const LEAST_WINDOWS = 2500
/** And at most: some three hours, evenly drawn. */
export const MOST_WINDOWS = 20_000

/** What keeps corrections small, by a window of the site: the more is heard, the more may be corrected. */
const DECAY = 45
/** Of what the background weighs, what the site's windows weigh. */
const SHARE = 0.5
/**
 * A class's mean probability at a site once what is always heard there is corrected, up to which it may be none's. The more of a
 * class there is, the more of it is among what the site's background is learnt from, so the less its logits are corrected: a
 * shooting range shall not teach that shots are background.
 */
const PRESENCE = 0.01
/** Steps of the descent at most. */
const MOST_STEPS = 60
const SMALLEST_DEVIATION = 0.001
/** What the classifier's own logits are divided by, so that decay leaves them as they are. */
const FIXED = 1000
/** Below it, a probability's logarithm says nothing. */
const LEAST_PROBABILITY = 1e-30

/** Learns what a site's windows have a classifier correct. Fails where training does. */
export const learnSite = Effect.fn("learnSite")(function* (kept: KeptWindows, site: ReadonlyArray<SiteWindows>) {
  const { classes } = kept
  const quiet = classes.indexOf(backgroundOf(classes)!)
  const size = kept.windows.codes.length / kept.windows.count
  const heard = site.reduce((sum, { windows }) => sum + windows.count, 0)
  const features = featuresOf([kept, ...site], size)
  const scale = featureScale(features.subarray(0, kept.windows.count * size), size, SMALLEST_DEVIATION)
  standardiseFeatures(features, scale)
  const width = size + classes.length
  const network = networkOf({ ...REGRESSION, decay: DECAY / heard, optimizer: "lbfgs" }, width, classes.length)
  const { weights } = yield* regress(
    {
      network,
      training: {
        embeddings: besideLogits(features, size, [kept, ...site], quiet),
        labels: labelsOf(kept, heard, quiet)
      },
      sampleWeights: weightsOf(kept, heard, quiet),
      validation: { embeddings: new Float32Array(), labels: new Int32Array() },
      prior: keepingLogits(size, classes.length)
    },
    MOST_STEPS,
    () => Effect.void
  ).pipe(Effect.scoped)
  const { kernel0, bias0 } = foldFeatureScale(
    { ...network, units: [size, classes.length] },
    { kernel0: weights.kernel0!.slice(0, size * classes.length), bias0: weights.bias0! },
    scale
  )
  const whole = besideBackground({ kernel: kernel0!, bias: bias0! }, quiet)
  const presence = presenceOf(
    site.map((own) => corrected(whole, own)),
    classes.length
  )
  return damped(
    whole,
    presence.map((own) => Math.min(1, PRESENCE / own))
  )
})

/** The vectors of all windows, [windows * size]. */
const featuresOf = (pieces: ReadonlyArray<SiteWindows>, size: number): Float32Array => {
  const features = new Float32Array(size * pieces.reduce((sum, { windows }) => sum + windows.count, 0))
  let first = 0
  for (const { windows } of pieces) {
    const { count } = windows
    decodeVectors(windows, [size], 0, count, features.subarray(first * size, (first + count) * size))
    first += count
  }
  return features
}

/** The same rows, behind each the logits that the classifier has for it: [windows * (size + classes)]. */
const besideLogits = (
  features: Float32Array,
  size: number,
  pieces: ReadonlyArray<SiteWindows>,
  quiet: number
): Float32Array => {
  const classes = pieces[0]!.probabilities.length / pieces[0]!.windows.count
  const width = size + classes
  const rows = new Float32Array((features.length / size) * width)
  let row = 0
  for (const { probabilities } of pieces) {
    for (let at = 0; at < probabilities.length; at += classes, row++) {
      rows.set(features.subarray(row * size, (row + 1) * size), row * width)
      rows.set(balancedLogits(probabilities.subarray(at, at + classes), quiet), row * width + size)
    }
  }
  return rows
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

/** What each window weighs, 1 on average: those heard have their share of the background's weight. */
const weightsOf = ({ labels, weights }: KeptWindows, heard: number, quiet: number): Float32Array => {
  const background = weights.reduce((sum, weight, at) => (labels[at] === quiet ? sum + weight : sum), 0)
  const all = new Float32Array(labels.length + heard).fill((SHARE * background) / heard)
  for (const [at, label] of labels.entries()) all[at] = weights[at]! * (label === quiet ? 1 - SHARE : 1)
  const mean = all.reduce((sum, weight) => sum + weight, 0) / all.length
  return all.map((weight) => weight / mean)
}

/** What a classifier's probabilities are once a site's correction is added. */
export const corrected = (
  { kernel, bias }: SiteCorrection,
  { windows: { count, codes, ranges }, probabilities }: SiteWindows
): Float32Array => {
  const classes = bias.length
  const size = kernel.length / classes
  const sums = new Float64Array(classes)
  for (let at = 0; at < kernel.length; at++) sums[at % classes]! += kernel[at]!
  const added = new Float64Array(count * classes)
  for (let i = 0; i < size; i++) {
    for (let window = 0; window < count; window++) {
      const code = codes[i * count + window]!
      if (code === 0) continue
      for (let label = 0; label < classes; label++)
        added[window * classes + label]! += code * kernel[i * classes + label]!
    }
  }
  const result = new Float32Array(probabilities.length)
  const logits = new Float64Array(classes)
  for (let window = 0; window < count; window++) {
    const [low, step] = [ranges[2 * window]!, ranges[2 * window + 1]!]
    for (let label = 0; label < classes; label++) {
      const at = window * classes + label
      const own = Math.log(Math.max(LEAST_PROBABILITY, probabilities[at]!))
      logits[label] = own + bias[label]! + low * sums[label]! + step * added[at]!
    }
    const highest = Math.max(...logits)
    const powers = logits.map((value) => Math.exp(value - highest))
    const total = powers.reduce((sum, power) => sum + power, 0)
    for (let label = 0; label < classes; label++) result[window * classes + label] = powers[label]! / total
  }
  return result
}

/** Logits of classes that are as likely as each other, divided by `FIXED`. */
const balancedLogits = (probabilities: Float32Array, quiet: number): Float32Array =>
  probabilities.map((own, label) => {
    const logit = Math.log(Math.max(LEAST_PROBABILITY, own))
    return (label === quiet ? logit - Math.log(BACKGROUND_ODDS) : logit) / FIXED
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

/** The same correction with none of the background's own: what is added to all logits changes nothing. */
const besideBackground = ({ kernel, bias }: SiteCorrection, quiet: number): SiteCorrection => {
  const classes = bias.length
  const beside = (values: Float32Array) => values.map((value, at) => value - values[at - (at % classes) + quiet]!)
  return { kernel: beside(kernel), bias: beside(bias) }
}

/** So much of each class's correction. */
const damped = ({ kernel, bias }: SiteCorrection, shares: Float64Array): SiteCorrection => {
  const damp = (values: Float32Array) => values.map((value, at) => shares[at % shares.length]! * value)
  return { kernel: damp(kernel), bias: damp(bias) }
}
