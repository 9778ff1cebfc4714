import type { ShardTask } from "./engineProtocol.ts"

/** A shard that takes this many times as long as those before it is given to another worker, too. */
const SLOW = 4
/** But none sooner than this, in milliseconds. */
const LEAST_PATIENCE = 20_000
/** Where no shard of the recipe has been answered yet. */
const FIRST_PATIENCE = 120_000
const REMEMBERED = 100

/** How long shards take, by recipe, and how long is too long. */
export const makePaces = () => {
  /** Seconds a recording: those of the last shards. */
  const paces = new Map<string, Array<number>>()
  return {
    answered: ({ recipe, from, to }: ShardTask, seconds: number) => {
      const last = [...(paces.get(recipe) ?? []), seconds / Math.max(1, to - from)]
      paces.set(recipe, last.slice(-REMEMBERED))
    },
    /** Milliseconds that a worker gets for the shard. */
    patience: ({ recipe, from, to }: ShardTask): number => {
      const last = paces.get(recipe)
      if (last === undefined) return FIRST_PATIENCE
      const middle = [...last].sort((a, b) => a - b)[last.length >> 1]!
      return Math.max(LEAST_PATIENCE, 1000 * SLOW * middle * (to - from))
    }
  }
}
