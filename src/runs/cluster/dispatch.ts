import { Cause, Clock, Context, Deferred, Effect, type Exit, type Fiber, Layer } from "effect"
import { EntityId, Sharding } from "effect/cluster"
import { EMBED_GROUP } from "./connections.ts"
import { type Member, Roster } from "./roster.ts"
import { ShardFailed, ShardWork } from "./shardWork.ts"
import type { ShardOutcome, ShardTask } from "./tasks.ts"

/** Milliseconds between two looks at who is there, and what they are at. */
const LOOK = 500
/** A shard that takes this many times as long as those before it is given to another worker, too. */
const SLOW = 4
/** But none sooner than this, in milliseconds. */
const LEAST_PATIENCE = 20_000
/** Where no shard of the recipe has been answered yet. */
const FIRST_PATIENCE = 120_000

/** A place at a worker: waited for, then had. */
interface Place {
  readonly avoid: ReadonlySet<string>
  readonly member: Deferred.Deferred<Member>
  at: string | undefined
}

/**
 * Gives shards to workers that have a place free, so that a fast worker gets more of them than a slow one.
 *
 * A shard goes to an entity of effect/cluster that lives on the chosen worker; if the worker dies, the entity lives on
 * elsewhere. Besides, a shard of a worker that has gone silent, or is far slower than the others, is given to another
 * one at once; the first answer counts, and both write the same parts.
 *
 * One for all runs that a worker coordinates, and as long-lived as the worker: when a run leaves a worker and comes
 * back, effect/workflow may go on with an activity of its first stay.
 */
export class Dispatch extends Context.Service<
  Dispatch,
  {
    /** Has a worker embed the shard, preferably none of those to avoid. */
    readonly embed: (task: ShardTask, avoid: ReadonlySet<string>) => Effect.Effect<ShardOutcome, ShardFailed>
    /** The workers that are there, as last seen. */
    readonly members: () => ReadonlyArray<Member>
  }
>()("ecosight/runs/cluster/Dispatch") {
  static readonly layer = Layer.effect(
    Dispatch,
    Effect.gen(function* () {
      const roster = yield* Roster
      const sharding = yield* Sharding.Sharding
      const client = yield* ShardWork.client
      const scope = yield* Effect.scope
      let members: ReadonlyArray<Member> = []
      let underWay = 0
      let sent = 0
      const waiting: Array<Place> = []
      const busy = new Map<string, number>()
      /** Seconds a recording, by recipe: those of the last shards. */
      const paces = new Map<string, Array<number>>()

      const room = ({ id, capacity }: Member): number => capacity - (busy.get(id) ?? 0)
      const choose = (avoid: ReadonlySet<string>): Member | undefined => {
        const ready = members.filter(({ status, lanes }) => status === "ready" && lanes.length > 0)
        const others = ready.filter(({ address }) => !avoid.has(address))
        return (others.length > 0 ? others : ready)
          .filter((member) => room(member) > 0)
          .sort((a, b) => room(b) - room(a))[0]
      }
      const pump = () => {
        for (let i = 0; i < waiting.length; ) {
          const place = waiting[i]!
          const member = choose(place.avoid)
          if (member === undefined) i++
          else {
            waiting.splice(i, 1)
            place.at = member.id
            busy.set(member.id, (busy.get(member.id) ?? 0) + 1)
            Deferred.doneUnsafe(place.member, Effect.succeed(member))
          }
        }
      }
      const enter = (place: Place) => {
        waiting.push(place)
        pump()
      }
      const leave = (place: Place) => {
        const i = waiting.indexOf(place)
        if (i >= 0) waiting.splice(i, 1)
        if (place.at !== undefined) busy.set(place.at, busy.get(place.at)! - 1)
        pump()
      }

      const look = Effect.gen(function* () {
        members = yield* roster.members
        pump()
      }).pipe(Effect.timeout("5 seconds"), Effect.ignore)
      yield* Effect.suspend(() => (underWay > 0 ? look : Effect.void)).pipe(
        Effect.delay(LOOK),
        Effect.forever,
        Effect.forkScoped
      )

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
        const last = paces.get(task.recipe) ?? []
        last.push(outcome.seconds / Math.max(1, task.to - task.from))
        paces.set(task.recipe, last.slice(-100))
        return outcome
      })

      const patience = (task: ShardTask): number => {
        const last = paces.get(task.recipe)
        if (last === undefined) return FIRST_PATIENCE
        const middle = [...last].sort((a, b) => a - b)[last.length >> 1]!
        return Math.max(LEAST_PATIENCE, 1000 * SLOW * middle * (task.to - task.from))
      }

      /** Waits until the worker has gone silent or is far too slow. */
      const untilDoubtful = Effect.fnUntraced(function* (member: Member, task: ShardTask) {
        const began = yield* Clock.currentTimeMillis
        while (
          members.some(({ id }) => id === member.id) &&
          (yield* Clock.currentTimeMillis) - began < patience(task)
        ) {
          yield* Effect.sleep(LOOK)
        }
      })

      /** A copy of the shard, for whichever worker has a place; after a while, another copy beside it. */
      const copies = (
        task: ShardTask,
        avoid: ReadonlySet<string>,
        answered: Deferred.Deferred<ShardOutcome, ShardFailed>,
        fibers: Array<Fiber.Fiber<unknown, unknown>>
      ): Effect.Effect<void> =>
        Effect.gen(function* () {
          const place: Place = { avoid, member: yield* Deferred.make<Member>(), at: undefined }
          const giving = Effect.flatMap(Deferred.await(place.member), (member) =>
            giveTo(member, task).pipe(
              Effect.catchCause((cause) => Effect.failCause(Cause.map(cause, (error) => toFailure(member, error))))
            )
          ).pipe(Effect.onExit((exit: Exit.Exit<ShardOutcome, ShardFailed>) => Deferred.done(answered, exit)))
          const held = Effect.acquireUseRelease(
            Effect.sync(() => enter(place)),
            () => giving,
            () => Effect.sync(() => leave(place))
          )
          yield* Effect.uninterruptible(Effect.map(Effect.forkIn(held, scope), (fiber) => fibers.push(fiber)))
          const member = yield* Deferred.await(place.member)
          yield* untilDoubtful(member, task)
          yield* copies(task, new Set([...avoid, member.address]), answered, fibers)
        })

      const embed = (task: ShardTask, avoid: ReadonlySet<string>) =>
        Effect.acquireUseRelease(
          Effect.gen(function* () {
            const isFirst = underWay++ === 0
            // What was known of the workers may be long past.
            if (isFirst) members = []
            const answered = yield* Deferred.make<ShardOutcome, ShardFailed>()
            const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
            fibers.push(yield* Effect.forkIn(copies(task, avoid, answered, fibers), scope))
            return { isFirst, answered, fibers }
          }),
          ({ isFirst, answered }) => Effect.andThen(isFirst ? look : Effect.void, Deferred.await(answered)),
          ({ fibers }) =>
            Effect.sync(() => {
              underWay--
              // Not waited for: a worker that is frozen does not answer that it has stopped.
              for (const fiber of fibers) fiber.interruptUnsafe()
            })
        ).pipe(Effect.withSpan("Dispatch.embed"))

      return Dispatch.of({ embed, members: () => members })
    })
  )
}

const toFailure = (member: Member, error: { readonly _tag: string; readonly message: string }): ShardFailed =>
  error instanceof ShardFailed
    ? error
    : new ShardFailed({ reason: "store", worker: member.address, message: `The cluster failed: ${error.message}` })
