import { Cause, Clock, Deferred, Effect, type Exit, Fiber } from "effect"
import { EntityId, Sharding } from "effect/cluster"
import { EMBED_GROUP } from "./layers.ts"
import { type Member, Roster } from "./roster.ts"
import { ShardFailed, ShardWork } from "./shardWork.ts"
import type { ShardOutcome, ShardTask } from "./tasks.ts"

/** Milliseconds between two looks at who is there, and what they are at. */
const LOOK = 500
/** A shard that takes this many times as long as those before it is given to another worker, too. */
const SLOW = 4
/** But none sooner than this, in milliseconds. */
const LEAST_PATIENCE = 20_000

interface Seeker {
  readonly avoid: ReadonlySet<string>
  readonly take: (member: Member) => void
}

/**
 * Gives shards to workers that have a place free, so that a fast worker gets more of them than a slow one.
 *
 * A shard goes to an entity of effect/cluster that lives on the chosen worker; if the worker dies, the entity lives on
 * elsewhere. Besides, a shard of a worker that has gone silent, or is far slower than the others, is given to another
 * one at once; the first answer counts, and both write the same parts.
 */
export const makeDispatch = Effect.gen(function* () {
  const roster = yield* Roster
  const sharding = yield* Sharding.Sharding
  const client = yield* ShardWork.client
  const scope = yield* Effect.scope
  let members: ReadonlyArray<Member> = []
  let sent = 0
  const busy = new Map<string, number>()
  const seekers: Array<Seeker> = []
  const paces: Array<number> = []

  const room = ({ id, capacity }: Member): number => capacity - (busy.get(id) ?? 0)
  const choose = (avoid: ReadonlySet<string>): Member | undefined => {
    const ready = members.filter(({ status, lanes }) => status === "ready" && lanes.length > 0)
    const others = ready.filter(({ address }) => !avoid.has(address))
    return (others.length > 0 ? others : ready)
      .filter((member) => room(member) > 0)
      .sort((a, b) => room(b) - room(a))[0]
  }
  const pump = () => {
    for (let i = 0; i < seekers.length; ) {
      const member = choose(seekers[i]!.avoid)
      if (member === undefined) i++
      else {
        busy.set(member.id, (busy.get(member.id) ?? 0) + 1)
        seekers.splice(i, 1)[0]!.take(member)
      }
    }
  }

  const look = Effect.gen(function* () {
    members = yield* roster.members
    pump()
  }).pipe(Effect.timeout("5 seconds"), Effect.ignore)
  yield* look
  yield* Effect.forkScoped(Effect.forever(Effect.delay(look, LOOK)))

  const acquire = (avoid: ReadonlySet<string>) =>
    Effect.callback<Member>((resume) => {
      const seeker: Seeker = { avoid, take: (member) => resume(Effect.succeed(member)) }
      seekers.push(seeker)
      pump()
      return Effect.sync(() => {
        const at = seekers.indexOf(seeker)
        if (at >= 0) seekers.splice(at, 1)
      })
    })
  const release = ({ id }: Member) =>
    Effect.sync(() => {
      busy.set(id, (busy.get(id) ?? 1) - 1)
      pump()
    })

  /** An entity's id that effect/cluster places on this worker. */
  const entityOn = ({ lanes }: Member, name: string): string => {
    const isThere = new Set(lanes)
    for (let i = 0; ; i++) {
      const id = `${name}/${i}`
      if (isThere.has(sharding.getShardId(EntityId.make(id), EMBED_GROUP).id)) return id
    }
  }

  const giveTo = Effect.fnUntraced(function* (member: Member, task: ShardTask) {
    const name = `${task.file}/${task.from}-${task.to}/${task.attempt}/${Date.now().toString(36)}${sent++}`
    const outcome = yield* client(entityOn(member, name)).embed(task)
    paces.push(outcome.seconds / Math.max(1, task.to - task.from))
    if (paces.length > 100) paces.shift()
    return outcome
  })

  const patience = (task: ShardTask): number => {
    const middle = [...paces].sort((a, b) => a - b)[paces.length >> 1]
    return middle === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(LEAST_PATIENCE, 1000 * SLOW * middle * (task.to - task.from))
  }

  /** Waits until the worker has gone silent or is far too slow. */
  const untilDoubtful = Effect.fnUntraced(function* (member: Member, task: ShardTask) {
    const began = yield* Clock.currentTimeMillis
    while (members.some(({ id }) => id === member.id) && (yield* Clock.currentTimeMillis) - began < patience(task)) {
      yield* Effect.sleep(LOOK)
    }
  })

  /** Has a worker embed the shard, preferably none of those to avoid. */
  const embed = Effect.fn("Dispatch.embed")(function* (task: ShardTask, avoid: ReadonlySet<string>) {
    const answered = yield* Deferred.make<ShardOutcome, ShardFailed>()
    const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
    const attempt: (avoid: ReadonlySet<string>) => Effect.Effect<void> = Effect.fnUntraced(function* (avoid) {
      const member = yield* acquire(avoid)
      const giving = giveTo(member, task).pipe(
        Effect.ensuring(release(member)),
        Effect.catchCause((cause) => Effect.failCause(Cause.map(cause, (error) => toFailure(member, error)))),
        Effect.onExit((exit: Exit.Exit<ShardOutcome, ShardFailed>) => Deferred.done(answered, exit))
      )
      fibers.push(yield* Effect.forkIn(giving, scope))
      yield* untilDoubtful(member, task)
      yield* attempt(new Set([...avoid, member.address]))
    })
    const attempts = yield* Effect.forkIn(attempt(avoid), scope)
    return yield* Deferred.await(answered).pipe(
      // Not waited for: a worker that is frozen does not answer that it has stopped.
      Effect.ensuring(
        Effect.suspend(() =>
          Effect.forEach([attempts, ...fibers], (fiber) => Effect.forkIn(Fiber.interrupt(fiber), scope), {
            discard: true
          })
        )
      )
    )
  })

  return {
    embed,
    /** The workers that are there, as last seen. */
    members: () => members
  }
})

const toFailure = (member: Member, error: { readonly _tag: string; readonly message: string }): ShardFailed =>
  error instanceof ShardFailed
    ? error
    : new ShardFailed({ reason: "store", worker: member.address, message: `The cluster failed: ${error.message}` })
