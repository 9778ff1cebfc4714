/**
 * Adds rows of a matrix of singles to a row of doubles, each times a value of its own: for each of `count` rows,
 * `out[j] += values[i] * matrix[rows[i], j]`, in doubles and in the order of `rows`.
 */
export function addRows(matrix: usize, width: usize, rows: usize, values: usize, count: usize, out: usize): void {
  const whole = count & ~3
  for (let i: usize = 0; i < whole; i += 4) addFour(matrix, width, rows + 4 * i, values + 8 * i, out)
  for (let i = whole; i < count; i++) {
    const row = matrix + 4 * width * <usize>load<u32>(rows + 4 * i)
    const value = load<f64>(values + 8 * i)
    for (let j: usize = 0; j < width; j++) {
      store<f64>(out + 8 * j, load<f64>(out + 8 * j) + value * <f64>load<f32>(row + 4 * j))
    }
  }
}

/** Four rows, so that what they are added to is read and written once for all of them. */
function addFour(matrix: usize, width: usize, rows: usize, values: usize, out: usize): void {
  let a = matrix + 4 * width * <usize>load<u32>(rows)
  let b = matrix + 4 * width * <usize>load<u32>(rows, 4)
  let c = matrix + 4 * width * <usize>load<u32>(rows, 8)
  let d = matrix + 4 * width * <usize>load<u32>(rows, 12)
  const first = v128.load64_splat(values)
  const second = v128.load64_splat(values, 8)
  const third = v128.load64_splat(values, 16)
  const fourth = v128.load64_splat(values, 24)
  const pairs = out + 8 * (width & ~1)
  for (; out < pairs; out += 16, a += 8, b += 8, c += 8, d += 8) {
    let sum = f64x2.add(v128.load(out), f64x2.mul(first, pair(a)))
    sum = f64x2.add(sum, f64x2.mul(second, pair(b)))
    sum = f64x2.add(sum, f64x2.mul(third, pair(c)))
    v128.store(out, f64x2.add(sum, f64x2.mul(fourth, pair(d))))
  }
  if (width & 1) {
    let sum = load<f64>(out) + f64x2.extract_lane(first, 0) * <f64>load<f32>(a)
    sum += f64x2.extract_lane(second, 0) * <f64>load<f32>(b)
    sum += f64x2.extract_lane(third, 0) * <f64>load<f32>(c)
    store<f64>(out, sum + f64x2.extract_lane(fourth, 0) * <f64>load<f32>(d))
  }
}

/** Two singles as doubles. */
@inline
function pair(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(at))
}
