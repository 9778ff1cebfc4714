import { expect, test } from "bun:test"
import fc from "fast-check"
import { solveInPlace } from "../../../src/classifier/train/cholesky.ts"

const numbers = (length: number) =>
  fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: length, maxLength: length })

test("what it solves, multiplied out, is the right side again", () => {
  const system = fc
    .integer({ min: 1, max: 13 })
    .chain((size) => fc.tuple(fc.constant(size), numbers(size * size), numbers(size), numbers(size)))
  fc.assert(
    fc.property(system, ([size, root, ...right]) => {
      const at = (row: number, column: number) =>
        Array.from({ length: size }, (_, k) => root[row * size + k]! * root[column * size + k]!).reduce(
          (sum, product) => sum + product,
          row === column ? 1 : 0
        )
      const matrix = Float64Array.from({ length: size * size }, (_, i) => at(Math.floor(i / size), i % size))
      const solutions = solveInPlace(
        matrix.slice(),
        size,
        right.map((side) => Float64Array.from(side))
      )
      for (const [which, solution] of solutions.entries()) {
        for (let row = 0; row < size; row++) {
          const product = solution.reduce((sum, x, k) => sum + matrix[row * size + k]! * x, 0)
          expect(product).toBeCloseTo(right[which]![row]!, 6)
        }
      }
    })
  )
})
