import { Context, Effect, type Option } from "effect"

/** What a row of the table holds: a quantity, measured again and again. */
export interface Measurement {
  readonly row: string
  /** What exactly: the variant, the batch, the store. */
  readonly what: string
  readonly unit: string
  /** Whether a smaller figure is the better one. */
  readonly lowerIsBetter: boolean
  readonly median: number
  /** The tenth and the ninetieth percentile. */
  readonly low: number
  readonly high: number
  readonly samples: number
  /** What there is to say beside the figure. */
  readonly note?: string
}

/** A sound to measure with, as it lies in a store. */
export interface Sound {
  readonly name: string
  readonly bytes: Uint8Array
}

/** What the rows measure with. */
export class Bench extends Context.Service<
  Bench,
  {
    /** How long each figure is measured. */
    readonly seconds: number
    readonly threads: number
    readonly sounds: ReadonlyArray<Sound>
    /** A folder store that holds `sounds`. */
    readonly folder: string
    /** What an hour of this machine costs, where somebody said. */
    readonly price: Option.Option<number>
  }
>()("ecosight/bench/Bench") {}

/** Between the two nearest values where the share falls between them. */
const percentile = (sorted: ReadonlyArray<number>, share: number): number => {
  const place = share * (sorted.length - 1)
  const below = sorted[Math.floor(place)]!
  return below + (place % 1) * (sorted[Math.ceil(place)]! - below)
}

/** Median and spread of a quantity that was measured so often. */
export const summarise = (
  row: string,
  what: string,
  { unit, lowerIsBetter, note }: { readonly unit: string; readonly lowerIsBetter: boolean; readonly note?: string },
  values: ReadonlyArray<number>
): Measurement => {
  const sorted = values.toSorted((a, b) => a - b)
  return {
    row,
    what,
    unit,
    lowerIsBetter,
    median: percentile(sorted, 0.5),
    low: percentile(sorted, 0.1),
    high: percentile(sorted, 0.9),
    samples: sorted.length,
    ...(note === undefined ? {} : { note })
  }
}

/** Milliseconds of each call of `work`, for so many seconds and at least five calls, after a quarter of it to warm up. */
export const timeCalls = Effect.fnUntraced(function* <A, E, R>(seconds: number, work: Effect.Effect<A, E, R>) {
  const times: Array<number> = []
  const warm = performance.now() + 250 * seconds
  for (let calls = 0; calls < 3 || performance.now() < warm; calls++) yield* work
  const end = performance.now() + 1000 * seconds
  while (times.length < 5 || performance.now() < end) {
    const called = performance.now()
    yield* work
    times.push(performance.now() - called)
  }
  return times
})
