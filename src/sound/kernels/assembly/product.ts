import { splat } from "./lanes"

/**
 * Rows [count, inner] times a matrix [inner, columns], added to `out` [count, columns]; `columns` is a multiple of eight. Each
 * sum is in the order of `inner`, whichever rows are beside it.
 */
export function addProduct(rows: usize, count: usize, inner: usize, matrix: usize, columns: usize, out: usize): void {
  const wide: usize = 4 * inner
  const far: usize = 4 * columns
  let row: usize = 0
  for (; row + 4 <= count; row += 4) fourRows(rows + row * wide, inner, matrix, far, out + row * far)
  for (; row < count; row++) oneRow(rows + row * wide, inner, matrix, far, out + row * far)
}

/** So that a row of the matrix is read once for four, and eight sums are on their way at once. */
function fourRows(rows: usize, inner: usize, matrix: usize, far: usize, out: usize): void {
  const wide: usize = 4 * inner
  for (let column: usize = 0; column < far; column += 32) {
    const at0 = out + column
    const at1 = at0 + far
    const at2 = at1 + far
    const at3 = at2 + far
    let a0 = v128.load(at0)
    let b0 = v128.load(at0, 16)
    let a1 = v128.load(at1)
    let b1 = v128.load(at1, 16)
    let a2 = v128.load(at2)
    let b2 = v128.load(at2, 16)
    let a3 = v128.load(at3)
    let b3 = v128.load(at3, 16)
    let own = matrix + column
    for (let i = rows; i < rows + wide; i += 4, own += far) {
      const left = v128.load(own)
      const right = v128.load(own, 16)
      let value = splat(i)
      a0 = f32x4.add(a0, f32x4.mul(value, left))
      b0 = f32x4.add(b0, f32x4.mul(value, right))
      value = splat(i + wide)
      a1 = f32x4.add(a1, f32x4.mul(value, left))
      b1 = f32x4.add(b1, f32x4.mul(value, right))
      value = splat(i + 2 * wide)
      a2 = f32x4.add(a2, f32x4.mul(value, left))
      b2 = f32x4.add(b2, f32x4.mul(value, right))
      value = splat(i + 3 * wide)
      a3 = f32x4.add(a3, f32x4.mul(value, left))
      b3 = f32x4.add(b3, f32x4.mul(value, right))
    }
    v128.store(at0, a0)
    v128.store(at0, b0, 16)
    v128.store(at1, a1)
    v128.store(at1, b1, 16)
    v128.store(at2, a2)
    v128.store(at2, b2, 16)
    v128.store(at3, a3)
    v128.store(at3, b3, 16)
  }
}

function oneRow(row: usize, inner: usize, matrix: usize, far: usize, out: usize): void {
  for (let column: usize = 0; column < far; column += 32) {
    let a = v128.load(out + column)
    let b = v128.load(out + column, 16)
    let own = matrix + column
    for (let i = row; i < row + 4 * inner; i += 4, own += far) {
      const value = splat(i)
      a = f32x4.add(a, f32x4.mul(value, v128.load(own)))
      b = f32x4.add(b, f32x4.mul(value, v128.load(own, 16)))
    }
    v128.store(out + column, a)
    v128.store(out + column, b, 16)
  }
}

/** The cosines of so many turns (a multiple of four), each times `amplitude`, in place: within 2e-7 of the amplitude. */
export function cosTurns(turns: usize, length: usize, amplitude: f32): void {
  const pi = f32x4.splat(<f32>Math.PI)
  const one = f32x4.splat(1)
  const scale = f32x4.splat(amplitude)
  for (const end = turns + 4 * length; turns < end; turns += 16) {
    const turn = v128.load(turns)
    // cos 2x = 1 - 2 sin² x, with x within a quarter of a turn: the sine's series to x^13.
    const x = f32x4.mul(pi, f32x4.sub(turn, f32x4.nearest(turn)))
    const z = f32x4.mul(x, x)
    let series = f32x4.splat(<f32>(1.0 / 6227020800.0))
    series = f32x4.add(f32x4.splat(<f32>(-1.0 / 39916800.0)), f32x4.mul(z, series))
    series = f32x4.add(f32x4.splat(<f32>(1.0 / 362880.0)), f32x4.mul(z, series))
    series = f32x4.add(f32x4.splat(<f32>(-1.0 / 5040.0)), f32x4.mul(z, series))
    series = f32x4.add(f32x4.splat(<f32>(1.0 / 120.0)), f32x4.mul(z, series))
    series = f32x4.add(f32x4.splat(<f32>(-1.0 / 6.0)), f32x4.mul(z, series))
    const sine = f32x4.mul(x, f32x4.add(one, f32x4.mul(z, series)))
    const square = f32x4.mul(sine, sine)
    v128.store(turns, f32x4.mul(scale, f32x4.sub(one, f32x4.add(square, square))))
  }
}
