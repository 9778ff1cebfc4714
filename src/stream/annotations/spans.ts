/** Seconds that are heard at once: those of the shortest clip that is cut. */
export const WINDOW = 0.96

/** A stretch of a recording, in seconds. */
export interface Stretch {
  readonly start: number
  readonly end: number
}

/** A stretch in which one class is heard; without a class, something that is none of those trained on. */
export interface Labelled extends Stretch {
  readonly className: string | undefined
}

export interface CutOptions {
  /** Seconds that the embedder hears at once. */
  readonly window: number
  /** Seconds of a clip, at most. */
  readonly longest: number
  /** Seconds of the recording, where they are known. */
  readonly seconds?: number | undefined
}

/** What a recording's annotations come to. */
export interface Cut {
  /** Clips of one class each. */
  readonly clips: ReadonlyArray<Stretch & { readonly className: string }>
  /** Where several classes sound at once, which none is trained on. */
  readonly overlapping: ReadonlyArray<Stretch>
}

const lengthOf = ({ start, end }: Stretch): number => end - start

const common = (a: Stretch, b: Stretch): number => Math.min(a.end, b.end) - Math.max(a.start, b.start)

/**
 * Cuts a recording's annotations into clips: each as long as it is annotated, at least a window and at most `longest`.
 *
 * What several rows say of one class is said once. Where classes overlap, what is left of each counts if it is half a
 * window, or half of its own annotation, long; a window that holds as much of another class is left out as well.
 */
export const cutClips = (annotations: ReadonlyArray<Labelled>, { window, longest, seconds }: CutOptions): Cut => {
  const byClass = Map.groupBy(annotations, ({ className }) => className)
  const merged = [...byClass].flatMap(([className, own]) => union(own).map((stretch) => ({ ...stretch, className })))
  const clips: Array<Cut["clips"][number]> = []
  const overlapping: Array<Stretch> = []
  for (const annotation of merged) {
    const { className } = annotation
    const others = merged.filter((other) => other.className !== className && common(other, annotation) > -window)
    for (const other of others) {
      if (className !== undefined && common(other, annotation) > 0) {
        overlapping.push({
          start: Math.max(other.start, annotation.start),
          end: Math.min(other.end, annotation.end)
        })
      }
    }
    if (className === undefined) continue
    const least = Math.min(window, lengthOf(annotation)) / 2
    for (const left of without(annotation, others)) {
      if (lengthOf(left) < least) continue
      const heard = widened(left, window, seconds)
      if (others.some((other) => common(other, heard) >= window / 2)) continue
      clips.push(...pieces(heard, longest).map((piece) => ({ ...piece, className })))
    }
  }
  return { clips: clips.sort((a, b) => a.start - b.start), overlapping: union(overlapping) }
}

/**
 * Cuts what has been listened to, and is not annotated, into clips of up to `piece` seconds, half a window away from what
 * is annotated.
 */
export const cutBackground = (
  listened: ReadonlyArray<Stretch>,
  annotations: ReadonlyArray<Stretch>,
  { window, piece }: { readonly window: number; readonly piece: number }
): ReadonlyArray<Stretch> => {
  const margin = window / 2
  const sounding = annotations.map(({ start, end }) => ({ start: start - margin, end: end + margin }))
  return union(listened)
    .flatMap((stretch) => without(stretch, sounding))
    .filter((free) => lengthOf(free) >= window)
    .flatMap((free) => pieces(free, piece))
}

/** Stretches that overlap or touch as one, in their order. */
export const union = (stretches: ReadonlyArray<Stretch>): ReadonlyArray<Stretch> => {
  const merged: Array<{ start: number; end: number }> = []
  for (const { start, end } of [...stretches].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1)
    if (last !== undefined && start < last.end) last.end = Math.max(last.end, end)
    else merged.push({ start, end })
  }
  return merged
}

/** What is left of a stretch without others. */
const without = (stretch: Stretch, others: ReadonlyArray<Stretch>): ReadonlyArray<Stretch> => {
  let from = stretch.start
  const left: Array<Stretch> = []
  for (const { start, end } of union(others)) {
    if (end <= from) continue
    if (start >= stretch.end) break
    if (start > from) left.push({ start: from, end: start })
    from = end
  }
  // A point in time stays one, unless another class sounds there.
  const isPoint = stretch.start === stretch.end && from === stretch.start
  return from < stretch.end || isPoint ? [...left, { start: from, end: stretch.end }] : left
}

/** A stretch of at least a window, about the middle of the given one, within the recording. */
const widened = (stretch: Stretch, window: number, seconds = Number.POSITIVE_INFINITY): Stretch => {
  if (lengthOf(stretch) >= window) return stretch
  const start = Math.max(0, Math.min((stretch.start + stretch.end - window) / 2, seconds - window))
  return { start, end: start + window }
}

/** As few equal pieces as are no longer than `longest`. */
const pieces = (stretch: Stretch, longest: number): ReadonlyArray<Stretch> => {
  // A hair's breadth above is rounding.
  const count = Math.max(1, Math.ceil(lengthOf(stretch) / longest - 1e-6))
  const piece = lengthOf(stretch) / count
  return Array.from({ length: count }, (_, at) => ({
    start: stretch.start + at * piece,
    end: at === count - 1 ? stretch.end : stretch.start + (at + 1) * piece
  }))
}
