/** Four streams of sfc32 side by side, the generator of `seededIntegers`. */
@unmanaged
class Streams {
  a: v128
  b: v128
  c: v128
  counter: v128
}

/**
 * Draws which units dropout keeps: 1 where an integer of 32 bits is not below the unit's threshold, else 0.
 *
 * `drawn`, the number of thresholds, is a multiple of 16. Of each visit's drawn bytes the first `units` stay, for the
 * next visit's begin behind them; so up to 15 bytes too many are written in the end.
 */
export function keep(
  streams: Streams,
  thresholds: usize,
  drawn: usize,
  units: usize,
  visits: usize,
  out: usize
): void {
  const one = i8x16.splat(1)
  for (; visits > 0; visits--, out += units) {
    for (let unit: usize = 0; unit < drawn; unit += 16) {
      const limits = thresholds + 4 * unit
      const low = i16x8.narrow_i32x4_s(
        i32x4.ge_u(next(streams), v128.load(limits)),
        i32x4.ge_u(next(streams), v128.load(limits, 16))
      )
      const high = i16x8.narrow_i32x4_s(
        i32x4.ge_u(next(streams), v128.load(limits, 32)),
        i32x4.ge_u(next(streams), v128.load(limits, 48))
      )
      v128.store(out + unit, v128.and(i8x16.narrow_i16x8_s(low, high), one))
    }
  }
}

@inline
function next(streams: Streams): v128 {
  const b = streams.b
  const c = streams.c
  const result = i32x4.add(i32x4.add(streams.a, b), streams.counter)
  streams.counter = i32x4.add(streams.counter, i32x4.splat(1))
  streams.a = v128.xor(b, i32x4.shr_u(b, 9))
  streams.b = i32x4.add(c, i32x4.shl(c, 3))
  streams.c = i32x4.add(v128.or(i32x4.shl(c, 21), i32x4.shr_u(c, 11)), result)
  return result
}
