/*
 * A vector holds one number of each of four frames: what is computed for one is computed for all four, and nothing
 * needs shuffling but where frames are read and written.
 */

/** Bytes of a complex element: four real parts, then four imaginary ones. */
export const ELEMENT: usize = 32

/** The single at `at`, four times. */
@inline
export function splat(at: usize): v128 {
  return v128.load_splat<f32>(at)
}

/** Stores four vectors as columns: at each of the four places, one lane of every vector. */
@inline
export function storeColumns(
  at0: usize,
  at1: usize,
  at2: usize,
  at3: usize,
  a: v128,
  b: v128,
  c: v128,
  d: v128
): void {
  const abLow = v128.shuffle<f32>(a, b, 0, 4, 1, 5)
  const abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7)
  const cdLow = v128.shuffle<f32>(c, d, 0, 4, 1, 5)
  const cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7)
  v128.store(at0, v128.shuffle<f64>(abLow, cdLow, 0, 2))
  v128.store(at1, v128.shuffle<f64>(abLow, cdLow, 1, 3))
  v128.store(at2, v128.shuffle<f64>(abHigh, cdHigh, 0, 2))
  v128.store(at3, v128.shuffle<f64>(abHigh, cdHigh, 1, 3))
}

/** Reads `length` windowed samples (a multiple of four) of four frames into elements: even samples, then odd ones. */
export function pack(
  frame0: usize,
  frame1: usize,
  frame2: usize,
  frame3: usize,
  window: usize,
  length: usize,
  x: usize
): void {
  for (const end = window + 4 * length; window < end; window += 16) {
    const weights = v128.load(window)
    storeColumns(
      x,
      x + 16,
      x + 32,
      x + 48,
      f32x4.mul(v128.load(frame0), weights),
      f32x4.mul(v128.load(frame1), weights),
      f32x4.mul(v128.load(frame2), weights),
      f32x4.mul(v128.load(frame3), weights)
    )
    frame0 += 16
    frame1 += 16
    frame2 += 16
    frame3 += 16
    x += 64
  }
}
