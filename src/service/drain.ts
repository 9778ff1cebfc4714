import { Effect } from "effect"

/** Milliseconds in which requests that were on their way are still taken. */
const STRAGGLERS = 1_000
/** Milliseconds that requests under way have to be answered; then their connections are closed. */
const PATIENCE = 20_000
/** Milliseconds without a request after which no more is expected, and the last answers have been sent. */
const QUIET = 100

/** Knows which requests are under way, so that a service that is to end answers them first. */
export const makeDrain = () => {
  let underWay = 0
  let lastAt = 0
  let isEnding = false
  return {
    /** Whether new requests are to go elsewhere. */
    isEnding: () => isEnding,
    /** Answers a request. */
    answer: async (respond: () => Promise<Response>): Promise<Response> => {
      underWay++
      try {
        return await respond()
      } finally {
        underWay--
        lastAt = performance.now()
      }
    },
    /** Ends once all are answered, or have taken too long. */
    drained: Effect.gen(function* () {
      const began = performance.now()
      lastAt = began
      const isQuiet = () => underWay === 0 && performance.now() - lastAt > QUIET
      while (!isQuiet() && performance.now() - began < PATIENCE) {
        yield* Effect.sleep(20)
        isEnding = performance.now() - began > STRAGGLERS
      }
    })
  }
}
