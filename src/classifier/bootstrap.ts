import { seededRandom } from "../sound/random.ts"

/** Where the middle 95 % of a figure's values lie when the sources are drawn anew. */
export interface ConfidenceInterval {
  readonly low: number
  readonly high: number
}

/**
 * The bootstrap over groups: each resample draws as many groups as there are, with replacement, and counts a recording
 * as often as its group was drawn. Recordings of one source are alike, so drawing them one by one would promise too
 * much. The seed is fixed: two heads are scored on the same draws, and their difference is a paired one.
 *
 * @param groups The group of each recording.
 * @returns For each resample, how often each recording counts.
 */
export const drawGroups = function* (groups: ReadonlyArray<string>, resamples: number): Generator<Uint16Array> {
  const names = [...new Set(groups)]
  const place = new Map(names.map((name, at) => [name, at]))
  const member = Uint32Array.from(groups, (name) => place.get(name)!)
  const random = seededRandom(0)
  for (let resample = 0; resample < resamples; resample++) {
    const drawn = new Uint16Array(names.length)
    for (let draw = 0; draw < names.length; draw++) drawn[Math.floor(random() * names.length)]! += 1
    yield Uint16Array.from(member, (group) => drawn[group]!)
  }
}

/** The percentile interval of resampled values; those that a resample left undefined (NaN) are passed over. */
export const percentileInterval = (values: ArrayLike<number>): ConfidenceInterval => {
  const sorted = Float64Array.from(values)
    .filter((value) => !Number.isNaN(value))
    .sort()
  if (sorted.length === 0) return { low: Number.NaN, high: Number.NaN }
  return { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) }
}

// Linear between the nearest two, as numpy.quantile does.
const quantile = (sorted: Float64Array, share: number): number => {
  const at = share * (sorted.length - 1)
  const below = sorted[Math.floor(at)]!
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at))
}
