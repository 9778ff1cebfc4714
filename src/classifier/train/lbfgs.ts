import { Effect } from "effect"

/** A function's value and gradient at a point. */
export interface Slope {
  readonly value: number
  readonly gradient: Float64Array
}

/** Steps whose change of the gradient is remembered: of more, few functions gain anything. */
const MEMORY = 10
/** How much of the decrease that the gradient promises a step must bring. */
const SUFFICIENT = 1e-4
/** How often a step is shortened: after as many halvings nothing is left of it that float32 could tell. */
const SHORTENINGS = 20

/**
 * Goes to the minimum of a smooth convex function by L-BFGS (Nocedal and Wright 2006, algorithm 7.5), steps shortened until
 * they bring enough: `most` steps at most, fewer where the gradient is no longer than `tolerance` or no step brings anything.
 *
 * @param onStep is told each point that is reached, with the function there.
 */
export const minimise = Effect.fn("minimise")(function* <Own extends Slope, E, R, E2, R2>(
  start: Float64Array,
  slopeAt: (point: Float64Array) => Effect.Effect<Own, E, R>,
  { most, tolerance }: { readonly most: number; readonly tolerance: number },
  onStep: (point: Float64Array, slope: Own) => Effect.Effect<void, E2, R2>
) {
  let point = start
  let slope = yield* slopeAt(point)
  const past: Array<Past> = []
  for (let step = 1; step <= most && length(slope.gradient) > tolerance; step++) {
    const direction = descent(slope.gradient, past)
    const promised = dot(slope.gradient, direction)
    // Without a past nothing says how far to go.
    let share = past.length === 0 ? Math.min(1, 1 / length(slope.gradient)) : 1
    let next: { readonly point: Float64Array; readonly slope: Own } | undefined
    for (let shortened = 0; next === undefined && shortened < SHORTENINGS; shortened++) {
      const tried = sum(point, direction, share)
      const found = yield* slopeAt(tried)
      if (found.value <= slope.value + SUFFICIENT * share * promised) next = { point: tried, slope: found }
      else share /= 2
    }
    if (next === undefined) break
    const moved = sum(next.point, point, -1)
    const bent = sum(next.slope.gradient, slope.gradient, -1)
    const curvature = dot(moved, bent)
    if (curvature > 0) past.push({ moved, bent, curvature })
    if (past.length > MEMORY) past.shift()
    ;({ point, slope } = next)
    yield* onStep(point, slope)
  }
  return point
})

/** A step taken: how far the point moved, how the gradient changed, and their product. */
interface Past {
  readonly moved: Float64Array
  readonly bent: Float64Array
  readonly curvature: number
}

/** Where to go: against the gradient, by the curvature that past steps have shown. */
const descent = (gradient: Float64Array, past: ReadonlyArray<Past>): Float64Array => {
  let direction = scaled(gradient, -1)
  const shares: Array<number> = []
  for (const { moved, bent, curvature } of past.toReversed()) {
    const share = dot(moved, direction) / curvature
    shares.unshift(share)
    direction = sum(direction, bent, -share)
  }
  const last = past.at(-1)
  if (last !== undefined) direction = scaled(direction, last.curvature / dot(last.bent, last.bent))
  for (const [at, { moved, bent, curvature }] of past.entries()) {
    direction = sum(direction, moved, shares[at]! - dot(bent, direction) / curvature)
  }
  return direction
}

const dot = (one: Float64Array, other: Float64Array): number => {
  let total = 0
  for (let i = 0; i < one.length; i++) total += one[i]! * other[i]!
  return total
}

const length = (vector: Float64Array): number => Math.sqrt(dot(vector, vector))

const scaled = (vector: Float64Array, by: number): Float64Array => {
  const result = new Float64Array(vector.length)
  for (let i = 0; i < vector.length; i++) result[i] = by * vector[i]!
  return result
}

/** One vector and so many times another. */
const sum = (one: Float64Array, other: Float64Array, times: number): Float64Array => {
  const result = new Float64Array(one.length)
  for (let i = 0; i < one.length; i++) result[i] = one[i]! + times * other[i]!
  return result
}
