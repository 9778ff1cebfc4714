const MOST_CLIENTS = 10_000

/** How often clients may do something. Times are in seconds. */
export interface Limiter {
  /** How long this client has to wait until it may; 0 where it may now. */
  readonly wait: (client: string, now: number) => number
  /** Counts one time, where it may: gives 0 then, else how long to wait. */
  readonly take: (client: string, now: number) => number
}

/** A token bucket per client, a minute's worth deep. */
export const makeLimiter = (perMinute: number): Limiter => {
  const buckets = new Map<string, { left: number; at: number }>()
  const leftOf = (client: string, now: number): number => {
    const bucket = buckets.get(client) ?? { left: perMinute, at: now }
    return Math.min(perMinute, bucket.left + ((now - bucket.at) * perMinute) / 60)
  }
  const wait = (client: string, now: number): number =>
    Math.ceil((Math.max(0, 1 - leftOf(client, now)) * 60) / perMinute)
  return {
    wait,
    take: (client, now) => {
      const left = leftOf(client, now)
      if (left < 1) return wait(client, now)
      // Deleted first, so that the map stays in the order of use, and forgets whoever has been quiet the longest.
      buckets.delete(client)
      buckets.set(client, { left: left - 1, at: now })
      if (buckets.size > MOST_CLIENTS) buckets.delete(buckets.keys().next().value!)
      return 0
    }
  }
}
