/** What encoding met: samples cut, and the largest absolute one before rounding. */
@unmanaged
export class Encoded {
  clipped: i32
  peak: f32
}

/**
 * Writes singles as 16-bit steps, full scale being 2^15 of them: to the nearest, halves to the even one; what is beyond
 * 16 bits is cut. `length` is a multiple of eight.
 */
export function encode(samples: usize, length: usize, out: usize, encoded: Encoded): void {
  const scale = f32x4.splat(32768)
  let peak = f32x4.splat(0)
  let clipped = i32x4.splat(0)
  for (const end = samples + 4 * length; samples < end; samples += 32, out += 16) {
    const a = v128.load(samples)
    const b = v128.load(samples, 16)
    peak = f32x4.max(peak, f32x4.max(f32x4.abs(a), f32x4.abs(b)))
    const aSteps = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(a, scale)))
    const bSteps = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(b, scale)))
    clipped = i32x4.sub(clipped, beyond(aSteps))
    clipped = i32x4.sub(clipped, beyond(bSteps))
    v128.store(out, i16x8.narrow_i32x4_s(aSteps, bSteps))
  }
  encoded.clipped =
    i32x4.extract_lane(clipped, 0) +
    i32x4.extract_lane(clipped, 1) +
    i32x4.extract_lane(clipped, 2) +
    i32x4.extract_lane(clipped, 3)
  encoded.peak = max(
    max(f32x4.extract_lane(peak, 0), f32x4.extract_lane(peak, 1)),
    max(f32x4.extract_lane(peak, 2), f32x4.extract_lane(peak, 3))
  )
}

/** -1 in each lane that 16 bits do not hold. */
@inline
function beyond(steps: v128): v128 {
  return v128.or(i32x4.gt_s(steps, i32x4.splat(32767)), i32x4.lt_s(steps, i32x4.splat(-32768)))
}
