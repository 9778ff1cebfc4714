import { Context, Effect, Layer, Option, Schedule, Stream } from "effect"
import { counted } from "../config/inWords.ts"
import { type Change, carryOut, isChangeId, readChange, writeChange } from "../review/changes.ts"
import { finishMoves } from "../review/moves.ts"
import { CHANGES_PREFIX, isRecording } from "../store/keys.ts"
import { Store, type StoreError } from "../store/store.ts"
import { Corpus } from "./corpus.ts"
import { type Refusal, refuse } from "./refusal.ts"

/** How far the change under way is. */
export interface ChangeProgress {
  readonly id: string
  readonly done: number
  readonly total: number
}

/** Changes that are told of. */
const SHOWN = 10

/** Changes of many recordings: one at a time, each gone on with by the next service where this one dies. */
export class Changes extends Context.Service<
  Changes,
  {
    /** Writes down what is planned, and begins. */
    readonly start: (change: Change) => Effect.Effect<void, Refusal | StoreError>
    /** Begins to put back what a change has moved. */
    readonly undo: (id: string) => Effect.Effect<Change, Refusal | StoreError>
    readonly progress: () => ChangeProgress | undefined
    /** The latest, newest first. */
    readonly latest: Effect.Effect<ReadonlyArray<Change>, StoreError>
  }
>()("ecosight/service/Changes") {
  static readonly layer = Layer.effect(
    Changes,
    Effect.gen(function* () {
      const store = yield* Store
      const corpus = yield* Corpus
      const scope = yield* Effect.scope
      const withStore = Effect.provideService(Store, store)
      let progress: ChangeProgress | undefined

      const moved = Effect.fnUntraced(function* ({ from, to }: { readonly from: string; readonly to: string }) {
        yield* corpus.removed([from])
        const there = yield* Effect.orElseSucceed(store.find(to), () => Option.none())
        if (Option.isSome(there) && isRecording({ key: to })) yield* corpus.added(there.value)
        if (progress !== undefined) progress = { ...progress, done: progress.done + 1 }
      })

      const work = (change: Change) =>
        Effect.suspend(() => {
          progress = { id: change.id, done: 0, total: change.moves.length }
          return carryOut(change, moved)
        }).pipe(
          Effect.flatMap(writeChange),
          // A store that is away comes back, mostly; what was moved by then is passed over.
          Effect.retry({ schedule: Schedule.spaced("5 seconds"), times: 60 }),
          Effect.ignore({ log: "Warn" }),
          Effect.ensuring(
            Effect.sync(() => {
              progress = undefined
            })
          ),
          withStore
        )

      /** One at a time; what is planned lies in the store before anything moves. */
      const begin = Effect.fnUntraced(function* (change: Change) {
        if (progress !== undefined) return yield* refuse(409, "Another change is under way: wait until it is done.")
        progress = { id: change.id, done: 0, total: change.moves.length }
        yield* writeChange(change).pipe(
          withStore,
          Effect.onError(() =>
            Effect.sync(() => {
              progress = undefined
            })
          )
        )
        yield* Effect.forkIn(work(change), scope, { startImmediately: true })
      })

      const latestIds = store.list(CHANGES_PREFIX).pipe(
        Stream.map(({ key }) => key.slice(CHANGES_PREFIX.length, -".json".length)),
        Stream.filter(isChangeId),
        Stream.runCollect,
        Effect.map((ids) => ids.toReversed().slice(0, SHOWN))
      )
      const read = (id: string) =>
        readChange(id).pipe(
          Effect.catchTag("DocumentError", ({ message }) =>
            Effect.as(Effect.logWarning(message), Option.none<Change>())
          ),
          withStore
        )
      const latest = latestIds.pipe(
        Effect.flatMap((ids) => Effect.forEach(ids, read, { concurrency: SHOWN })),
        Effect.map((found) => found.filter(Option.isSome).map(({ value }) => value))
      )

      const goOn = Effect.gen(function* () {
        const open = (yield* latest).filter(
          ({ id, state }) => (state === "begun" || state === "undoing") && id !== progress?.id
        )
        if (open.length === 0) return
        // An undo of what is about to be gone on with would run against it.
        const next = open.at(-1)!
        progress ??= { id: next.id, done: 0, total: next.moves.length }
        yield* finishMoves.pipe(
          withStore,
          Effect.onError(() =>
            Effect.sync(() => {
              progress = undefined
            })
          )
        )
        for (const change of open.toReversed()) {
          yield* Effect.logInfo(
            `Going on with the change ${change.id} of ${counted(change.moves.length, "recording")}.`
          )
          yield* work(change)
        }
      })
      yield* Effect.forkScoped(Effect.ignore(goOn, { log: "Warn" }))

      return Changes.of({
        start: begin,
        undo: Effect.fn("Changes.undo")(function* (id: string) {
          const found = isChangeId(id) ? yield* read(id) : Option.none<Change>()
          if (Option.isNone(found)) return yield* refuse(404, "There is no such change.")
          if (found.value.state === "undone") return yield* refuse(409, "This change is undone already.")
          const undoing: Change = { ...found.value, state: "undoing" }
          yield* begin(undoing)
          return undoing
        }),
        progress: () => progress,
        latest
      })
    })
  )
}
