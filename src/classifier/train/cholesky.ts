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

/** Rows of the factor that are made together, and columns of them: as many sums as registers hold. */
const [ROWS, COLUMNS] = [4, 2]

/**
 * The lower triangle L of `matrix` = L Lᵀ, in its place. What lies left of the diagonal's blocks is made block by block, so that
 * each number that is read counts for several: a quarter of the time.
 */
const factorise = (matrix: Float64Array, size: number): void => {
  const blocked = size - (size % ROWS)
  for (let row = 0; row < blocked; row += ROWS) {
    for (let column = 0; column < row; column += COLUMNS) factoriseBlock(matrix, size, row, column)
    for (let own = row; own < row + ROWS; own++) factoriseRow(matrix, size, own, row)
  }
  for (let row = blocked; row < size; row++) factoriseRow(matrix, size, row, 0)
}

/** Four rows of two columns. The columns before these are made, and so are all rows above. */
const factoriseBlock = (matrix: Float64Array, size: number, row: number, column: number): void => {
  const [left, right] = [column * size, (column + 1) * size]
  const first = row * size
  const [second, third, fourth] = [first + size, first + 2 * size, first + 3 * size]
  let a0 = matrix[first + column]!
  let a1 = matrix[second + column]!
  let a2 = matrix[third + column]!
  let a3 = matrix[fourth + column]!
  let b0 = matrix[first + column + 1]!
  let b1 = matrix[second + column + 1]!
  let b2 = matrix[third + column + 1]!
  let b3 = matrix[fourth + column + 1]!
  for (let k = 0; k < column; k++) {
    const x = matrix[left + k]!
    const y = matrix[right + k]!
    const v0 = matrix[first + k]!
    const v1 = matrix[second + k]!
    const v2 = matrix[third + k]!
    const v3 = matrix[fourth + k]!
    a0 -= v0 * x
    a1 -= v1 * x
    a2 -= v2 * x
    a3 -= v3 * x
    b0 -= v0 * y
    b1 -= v1 * y
    b2 -= v2 * y
    b3 -= v3 * y
  }
  const [own, beside, below] = [matrix[left + column]!, matrix[right + column]!, matrix[right + column + 1]!]
  a0 /= own
  a1 /= own
  a2 /= own
  a3 /= own
  matrix[first + column] = a0
  matrix[second + column] = a1
  matrix[third + column] = a2
  matrix[fourth + column] = a3
  matrix[first + column + 1] = (b0 - a0 * beside) / below
  matrix[second + column + 1] = (b1 - a1 * beside) / below
  matrix[third + column + 1] = (b2 - a2 * beside) / below
  matrix[fourth + column + 1] = (b3 - a3 * beside) / below
}

/** The columns of a row from this one on, up to the diagonal. */
const factoriseRow = (matrix: Float64Array, size: number, row: number, from: number): void => {
  const own = row * size
  for (let column = from; column <= row; column++) {
    const other = column * size
    let rest = matrix[own + column]!
    for (let k = 0; k < column; k++) rest -= matrix[own + k]! * matrix[other + k]!
    matrix[own + column] = row === column ? Math.sqrt(rest) : rest / matrix[other + column]!
  }
}
