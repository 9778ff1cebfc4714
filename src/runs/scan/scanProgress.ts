import { Clock, Effect } from "effect"

/** How far a scan is. */
export interface ScanProgress {
  /** Hours of sound heard so far in this scan, and about how many there are to hear. */
  readonly hours: number
  readonly totalHours: number
  /** Hours heard in an hour. */
  readonly speed: number
  readonly secondsLeft: number
}

/** Who is told how a scan goes. */
export interface ScanCallbacks {
  readonly onProgress: (progress: ScanProgress) => Effect.Effect<void>
  readonly onSkip: (key: string, reason: string) => Effect.Effect<void>
}

/** Tells from what was heard of so many bytes how far a scan is. */
export const paceOf = Effect.fnUntraced(function* (totalBytes: number) {
  const began = yield* Clock.currentTimeMillis
  let [bytes, seconds] = [0, 0]
  return Effect.fnUntraced(function* (more: { readonly bytes: number; readonly seconds: number }) {
    bytes += more.bytes
    seconds += more.seconds
    const elapsed = ((yield* Clock.currentTimeMillis) - began) / 1000
    return {
      hours: seconds / 3600,
      // As many hours in the bytes to come as in those that came.
      totalHours: bytes === 0 ? 0 : (seconds / 3600) * (totalBytes / bytes),
      speed: elapsed > 0 ? seconds / elapsed : 0,
      secondsLeft: bytes === 0 ? 0 : (elapsed * (totalBytes - bytes)) / bytes
    } satisfies ScanProgress
  })
})
