import { Cause, Clock, Context, Deferred, Effect, type Fiber, Layer } from "effect"
import { Entity, EntityId, Sharding } from "effect/cluster"
import { EMBED_GROUP } from "./connections.ts"
import type { HearResult, Shard, ShardOutcome, ShardTask } from "./engineProtocol.ts"
import { makePaces } from "./paces.ts"
import { makePlaces } from "./places.ts"
import { type Member, Roster } from "./roster.ts"
import { ShardEntity, ShardFailed } from "./shardEntity.ts"

/** Milliseconds between two looks at who is there, and what they are at. */
const LOOK = 500
/**
 * Gives shards to workers that have a place free, so that a fast worker gets more of them than a slow one.
 *
 * A shard goes to an entity of effect/cluster that lives on the chosen worker; if the worker dies, the entity lives on
 * elsewhere. Besides, a shard of a worker that has gone silent, or is far slower than the others, is given to another
 * one at once; the first answer counts, and both write the same parts. Not so one to hear, which takes far longer: the
 * entity goes on elsewhere by itself, once its worker's lanes have passed on, from what is stored.
 *
 * One for all runs that a worker coordinates, and as long-lived as the worker: when a run leaves a worker and comes
 * back, effect/workflow may go on with an activity of its first stay.
 */
export class Dispatch extends Context.Service<
  Dispatch,
  {
    /** Has a worker embed the shard, preferably none of those to avoid. */
    readonly embed: (task: ShardTask, avoid: ReadonlySet<string>) => Effect.Effect<ShardOutcome, ShardFailed>
    /** Has a worker hear the shard, likewise. */
    readonly hear: (task: Shard, avoid: ReadonlySet<string>) => Effect.Effect<HearResult, ShardFailed>
    /** The workers that are there, as last seen. */
    readonly members: () => ReadonlyArray<Member>
  }
>()("ecosight/runs/cluster/Dispatch") {
  static readonly layer = Layer.effect(
    Dispatch,
    Effect.gen(function* () {
      const roster = yield* Roster
      const sharding = yield* Sharding.Sharding
      const client = yield* ShardEntity.client
      const scope = yield* Effect.scope
      const places = makePlaces()
      const paces = makePaces()
      let underWay = 0
      let sent = 0

      const look = roster.members.pipe(Effect.map(places.see), Effect.timeout("5 seconds"), Effect.ignore)
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

      /** The entity of a shard, on this worker. */
      const entityFor = (member: Member, { file, from, to, attempt }: Shard) =>
        client(entityOn(member, `${file}/${from}-${to}/${attempt}/${Date.now().toString(36)}${sent++}`))

      const embedOn = (member: Member, task: ShardTask) =>
        Effect.tap(entityFor(member, task).embed(task), ({ seconds }) =>
          Effect.sync(() => paces.answered(task, seconds))
        )

      /** Waits until the worker has gone silent or is far too slow. */
      const untilDoubtful = Effect.fnUntraced(function* (member: Member, task: ShardTask) {
        const began = yield* Clock.currentTimeMillis
        while (
          places.members().some(({ id }) => id === member.id) &&
          (yield* Clock.currentTimeMillis) - began < paces.patience(task)
        ) {
          yield* Effect.sleep(LOOK)
        }
      })

      /** Has a worker that has a place do something. */
      const give = <A, E extends Failure>(
        avoid: ReadonlySet<string>,
        giveTo: (member: Member) => Effect.Effect<A, E>
      ) =>
        Effect.acquireUseRelease(
          Effect.sync(() => places.enter(avoid)),
          (place) =>
            Deferred.await(place.member).pipe(
              Effect.flatMap((member) =>
                Effect.catchCause(giveTo(member), (cause) =>
                  Effect.failCause(Cause.map(cause, (error) => toFailure(member, error)))
                )
              )
            ),
          (place) => Effect.sync(() => places.leave(place))
        )

      /** A copy of the shard, for whichever worker has a place; after a while, another copy beside it. */
      const copies = (
        task: ShardTask,
        avoid: ReadonlySet<string>,
        answered: Deferred.Deferred<ShardOutcome, ShardFailed>,
        fibers: Array<Fiber.Fiber<unknown, unknown>>
      ): Effect.Effect<void> =>
        Effect.gen(function* () {
          const chosen = yield* Deferred.make<Member>()
          const giveTo = (member: Member) => Effect.andThen(Deferred.succeed(chosen, member), embedOn(member, task))
          const copy = Effect.onExit(give(avoid, giveTo), (exit) => Deferred.done(answered, exit))
          yield* Effect.uninterruptible(Effect.map(Effect.forkIn(copy, scope), (fiber) => fibers.push(fiber)))
          const member = yield* Deferred.await(chosen)
          yield* untilDoubtful(member, task)
          yield* copies(task, new Set([...avoid, member.address]), answered, fibers)
        })

      /**
       * Asks, but not in the run's name: of a run that leaves its worker, effect/cluster tells nobody that it does not
       * wait any more, as if it would find its questions again. It asks others.
       */
      const asNobody = <A>(asking: Effect.Effect<A>): Effect.Effect<A> =>
        Effect.updateContext(asking, (context: Context.Context<never>) => Context.omit(Entity.CurrentAddress)(context))

      /** Starts what gives a shard out, and waits until it is answered. */
      const untilAnswered = <A>(
        begin: (
          answered: Deferred.Deferred<A, ShardFailed>,
          fibers: Array<Fiber.Fiber<unknown, unknown>>
        ) => Effect.Effect<unknown>
      ) =>
        Effect.acquireUseRelease(
          Effect.gen(function* () {
            const isFirst = underWay++ === 0
            // What was known of the workers may be long past.
            if (isFirst) places.see([])
            const answered = yield* Deferred.make<A, ShardFailed>()
            const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
            fibers.push(yield* Effect.forkIn(asNobody(begin(answered, fibers)), scope))
            return { isFirst, answered, fibers }
          }),
          ({ isFirst, answered }) => Effect.andThen(isFirst ? look : Effect.void, Deferred.await(answered)),
          ({ fibers }) =>
            Effect.sync(() => {
              underWay--
              // Not waited for: a worker that is frozen does not answer that it has stopped.
              for (const fiber of fibers) fiber.interruptUnsafe()
            })
        )

      return Dispatch.of({
        embed: (task, avoid) =>
          untilAnswered<ShardOutcome>((answered, fibers) => copies(task, avoid, answered, fibers)).pipe(
            Effect.withSpan("Dispatch.embed")
          ),
        hear: (task, avoid) =>
          untilAnswered<HearResult>((answered) =>
            Effect.onExit(
              give(avoid, (member) => entityFor(member, task).hear(task)),
              (exit) => Deferred.done(answered, exit)
            ).pipe(Effect.ignore)
          ).pipe(Effect.withSpan("Dispatch.hear")),
        members: places.members
      })
    })
  )
}

interface Failure {
  readonly _tag: string
  readonly message: string
}

const toFailure = (member: Member, error: Failure): ShardFailed =>
  error instanceof ShardFailed
    ? error
    : new ShardFailed({ reason: "store", worker: member.address, message: `The cluster failed: ${error.message}` })
