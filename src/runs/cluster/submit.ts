import { Cause, Clock, Effect, Option, Schedule, Schema } from "effect"
import packageJson from "../../../package.json"
import { Settings } from "../../config/settings.ts"
import { type RunEvent, RunEvents } from "../../stream/events.ts"
import type { RetrainOptions } from "../planRun.ts"
import { makeForsaken } from "./forsaken.ts"
import { Journal } from "./journal.ts"
import { RETRAIN, type RunRequest } from "./retrainRun.ts"
import { mismatch, Roster } from "./roster.ts"
import { runSettings } from "./runSettings.ts"

/** The cluster cannot take the run. */
export class ClusterUnfit extends Schema.TaggedError<ClusterUnfit>()("ClusterUnfit", { message: Schema.String }) {}

/** Between two looks at how far the run is. */
const LOOK = "500 millis"
/** A database that is away is asked again for so long; the run waits for it likewise. */
const WAIT = "15 minutes"
/** Milliseconds of silence of a run's coordinator after which the workers are asked for instead. */
const SILENCE = 2_000
/** Milliseconds that workers get to say that they are there after the database was away, for them as well. */
const REJOIN = 10_000

/** Waits for workers, and sees that they can do runs of this store. */
const findWorkers = Effect.fnUntraced(function* (store: string) {
  const roster = yield* Roster
  let members = yield* roster.members
  if (members.length === 0) yield* Effect.logWarning("No worker is there yet: start one with `bun run worker`.")
  while (members.length === 0) members = yield* Effect.delay(roster.members, LOOK)
  const refusal = mismatch({ version: packageJson.version, store, weights: members[0]!.weights }, members)
  if (refusal !== undefined) return yield* new ClusterUnfit({ message: refusal })
  return members
})

/** The hash of the weights that all workers have. */
export const workersWeights = (store: string) => Effect.map(findWorkers(store), (members) => members[0]!.weights)

/**
 * Has the cluster do a run, and follows it: its events come as those of a run here do. Interrupting this cancels the
 * run; a death of this process does not.
 */
export const retrainOnCluster = Effect.fn("retrainOnCluster")(function* (
  runId: string,
  store: string,
  options: RetrainOptions & { readonly reason?: string }
) {
  const settings = yield* Settings
  const journal = yield* Journal
  const roster = yield* Roster
  const emit = yield* RunEvents
  const members = yield* findWorkers(store)
  // Training on a graphics card, where there is one.
  const workflow = RETRAIN[members.some(({ engine }) => engine === "webgpu") ? "webgpu" : "native"]
  const request: RunRequest = { runId, store, settings: runSettings(settings), options }
  yield* workflow.execute(request, { discard: true })
  // It may go over to the workers with another engine.
  const executions = yield* Effect.forEach([RETRAIN.native, RETRAIN.webgpu], (either) =>
    Effect.map(either.executionId(request), (id) => ({
      poll: either.poll(id),
      interrupt: either.interrupt(id)
    }))
  )

  let last = 0
  let warned = false
  let latest: RunEvent | undefined
  let heardAt = 0
  const tellForsaken = makeForsaken("run")
  // A run that goes on elsewhere tells again what it left out.
  const skipped = new Set<string>()
  const tell = Effect.gen(function* () {
    for (const { id, event } of yield* journal.after(runId, last)) {
      last = id
      if (event.stage === "skip" && skipped.has(event.key)) continue
      if (event.stage === "skip") skipped.add(event.key)
      else latest = event
      heardAt = yield* Clock.currentTimeMillis
      // Workers alone tell of a run: there is one.
      yield* tellForsaken(1)
      yield* emit(event)
    }
  })
  /** The coordinator may have died, and every worker with it: what it said of them last is not true any more. */
  const tellOfWorkers = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    if (warned) heardAt = now + REJOIN
    if (now - heardAt < SILENCE) return
    heardAt = now
    const there = yield* roster.members
    if (latest?.stage === "stream") {
      yield* emit({ ...latest, workers: there.map(({ address: name, rate }) => ({ name, rate })) })
    }
    yield* tellForsaken(there.length)
  })
  const look = Effect.gen(function* () {
    const results = yield* Effect.forEach(executions, ({ poll }) => poll)
    yield* tell
    const result = Option.firstSomeOf(results.map(Option.filter(({ _tag }) => _tag === "Complete")))
    if (Option.isNone(result)) yield* tellOfWorkers
    warned = false
    return result
  }).pipe(
    Effect.sandbox,
    Effect.tapError((cause) => {
      if (warned) return Effect.void
      warned = true
      return Effect.logWarning(`The run cannot be followed (${firstLine(cause)}); trying again.`, cause)
    }),
    Effect.retry({ schedule: Schedule.spaced("2 seconds").pipe(Schedule.upTo({ duration: WAIT })) }),
    Effect.mapError(
      (cause) => new ClusterUnfit({ message: `The database has been away for ${WAIT}: ${firstLine(cause)}` })
    )
  )
  const follow = Effect.gen(function* () {
    while (true) {
      const result = yield* look
      if (Option.isSome(result) && result.value._tag === "Complete") return yield* result.value.exit
      yield* Effect.sleep(LOOK)
    }
  })
  return yield* follow.pipe(
    Effect.onInterrupt(() =>
      Effect.forEach(executions, ({ interrupt }) => interrupt).pipe(
        Effect.andThen(Effect.logInfo(`The run ${runId} is cancelled.`)),
        Effect.timeout("10 seconds"),
        Effect.ignore
      )
    )
  )
})

const firstLine = (cause: Cause.Cause<unknown>): string => String(Cause.squash(cause)).split("\n")[0]!
