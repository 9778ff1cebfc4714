import { expect, test } from "bun:test"
import { Effect } from "effect"
import fc from "fast-check"
import { minimise } from "../../../src/classifier/train/lbfgs.ts"

const lowest = (
  slopeAt: (point: Float64Array) => { readonly value: number; readonly gradient: Float64Array },
  size: number,
  most = 200
) => {
  const values: Array<number> = []
  return minimise(
    new Float64Array(size),
    (point) => Effect.succeed(slopeAt(point)),
    { most, tolerance: 1e-9 },
    (_, { value }) => Effect.sync(() => void values.push(value))
  ).pipe(
    Effect.map((point) => ({ point, values })),
    Effect.runSync
  )
}

/** A bowl, so many times as steep one way as another. */
const bowl = (centre: ReadonlyArray<number>, steepness: ReadonlyArray<number>) => (point: Float64Array) => ({
  value: point.reduce((sum, x, i) => sum + (steepness[i]! * (x - centre[i]!) ** 2) / 2, 0),
  gradient: point.map((x, i) => steepness[i]! * (x - centre[i]!))
})

test("it finds the lowest point of any bowl, and never goes up", () => {
  const dimension = fc.tuple(
    fc.double({ min: -9, max: 9, noNaN: true }),
    fc.double({ min: 0.01, max: 100, noNaN: true })
  )
  fc.assert(
    fc.property(fc.array(dimension, { minLength: 1, maxLength: 8 }), (dimensions) => {
      const centre = dimensions.map(([at]) => at)
      const { point, values } = lowest(
        bowl(
          centre,
          dimensions.map(([, steep]) => steep)
        ),
        centre.length
      )
      for (const [i, x] of point.entries()) expect(x).toBeCloseTo(centre[i]!, 4)
      for (const [step, value] of values.entries()) expect(value).toBeLessThanOrEqual(values[step - 1] ?? value)
    })
  )
})

test("it makes no more steps than it may", () => {
  expect(lowest(bowl([3, 4], [1, 50]), 2, 2).values).toHaveLength(2)
})

test("where nothing brings anything, it stays", () => {
  const { point, values } = lowest(() => ({ value: 1, gradient: Float64Array.of(1) }), 1)
  expect([...point]).toEqual([0])
  expect(values).toEqual([])
})
