import { hostname } from "node:os"
import { Clock, DateTime, Duration, Effect, Option, Ref, Schedule, Schema } from "effect"
import { readDocument, readDocumentIfWhole, unlessChanged, writeDocument } from "../store/documents.ts"
import { LEASE_KEY } from "../store/keys.ts"
import { type PutCondition, Store, type StoreError } from "../store/store.ts"

/** Another run is training on this store. */
export class LeaseHeld extends Schema.TaggedError<LeaseHeld>()("LeaseHeld", {
  runId: Schema.String,
  message: Schema.String
}) {}

/** This run's lease was taken over, because it could not be renewed in time: its results must not be published. */
export class LeaseLost extends Schema.TaggedError<LeaseLost>()("LeaseLost", {
  runId: Schema.String,
  message: Schema.String
}) {}

/** The lease object: who trains on the store, or did last. */
const Lease = Schema.Struct({
  runId: Schema.String,
  host: Schema.String,
  process: Schema.Int,
  renewedAt: Schema.String,
  renewals: Schema.Int,
  released: Schema.Boolean
})
type Lease = typeof Lease.Type

export interface LeaseSettings {
  /** How long a holder may stay silent before it counts as dead. */
  readonly expiry: Duration.Duration
}

/** A holder renews three times per expiry, so one lost renewal does not cost it the lease. */
const DEFAULTS: LeaseSettings = { expiry: Duration.seconds(30) }

/**
 * Runs `effect` as the only training on this store, across processes and machines.
 *
 * The lease is one object that only conditional writes change. A holder on this machine whose process is gone is
 * replaced at once; any other only after its object has stayed unchanged for a whole expiry, measured on this machine's
 * clock alone, so clocks that disagree cannot make two runs train.
 */
export const withLease =
  (runId: string, settings: LeaseSettings = DEFAULTS) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const etag = yield* Ref.make(yield* acquire(runId, settings))
      return yield* effect.pipe(
        Effect.raceFirst(keepRenewing(runId, etag, settings)),
        Effect.ensuring(release(runId, etag))
      )
    })

/** The lease as it is, and its version; none where there is none that can be read. */
const readLease = readDocumentIfWhole(LEASE_KEY, Lease)

/** How long a machine may be silent before its run counts as gone, for those who only ask. */
const SILENCE = Duration.minutes(2)

/**
 * The same for a process on this machine that is there. An epoch of training, which holds everything else up, may be
 * long; but the number may belong to another process by now, as in a container that is started again.
 */
const BUSY = Duration.minutes(10)

/**
 * The run that holds the store's lease, unless its process is gone, or its machine has been silent for long.
 *
 * An answer for people and planners: that clocks disagree makes it wrong, but never makes two runs train.
 */
export const runningRun = Effect.gen(function* () {
  const found = yield* readLease
  if (Option.isNone(found) || found.value.value.released) return undefined
  const { host, process, renewedAt, runId } = found.value.value
  if (host === hostname() && !isRunning(process)) return undefined
  const silence = (yield* Clock.currentTimeMillis) - Date.parse(renewedAt)
  return silence > Duration.toMillis(host === hostname() ? BUSY : SILENCE) ? undefined : runId
})

const acquire = Effect.fn("Lease.acquire")(function* (runId: string, settings: LeaseSettings) {
  const held = yield* readDocument(LEASE_KEY, Lease).pipe(
    Effect.catchTag("DocumentError", ({ key }) =>
      Effect.fail(heldBy("unknown", `${key} cannot be read: remove it if no training is under way.`))
    )
  )
  if (Option.isNone(held)) return yield* take(runId, unlessChanged(held))
  const { value: lease, etag } = held.value
  // A run that goes on in another process takes its own lease over; the process that had it finds it lost.
  if (!lease.released && lease.runId !== runId && !(yield* isDead(lease, etag, settings))) {
    return yield* heldBy(
      lease.runId,
      `Run ${lease.runId} is training on this store already (on ${lease.host}, process ${lease.process}, last seen ${lease.renewedAt}).`
    )
  }
  return yield* take(runId, unlessChanged(held))
})

/** Whether another process has taken this run over, so that what becomes of it is for that one to say. */
export const resumedElsewhere = (runId: string) =>
  Effect.map(
    readLease,
    Option.exists(({ value: lease }) => lease.runId === runId && !isOwn(lease, runId))
  )

/** Whether this process wrote the lease for this run. */
const isOwn = (lease: Lease, runId: string): boolean =>
  lease.runId === runId && lease.host === hostname() && lease.process === process.pid

const heldBy = (runId: string, message: string) => new LeaseHeld({ runId, message })

const take = (runId: string, condition: PutCondition) =>
  write({ runId, renewals: 0, released: false }, condition).pipe(
    Effect.mapError((error) =>
      error.reason === "conflict" ? heldBy("unknown", "Another run has just started training on this store.") : error
    )
  )

const write = Effect.fnUntraced(function* (
  lease: Pick<Lease, "runId" | "renewals" | "released">,
  condition: PutCondition
) {
  const renewedAt = DateTime.formatIso(yield* DateTime.now)
  const whole = { ...lease, host: hostname(), process: process.pid, renewedAt }
  return (yield* writeDocument(LEASE_KEY, Lease, whole, condition)).etag
})

const isDead = Effect.fnUntraced(function* (lease: Lease, etag: string, { expiry }: LeaseSettings) {
  const isHere = lease.host === hostname()
  if (isHere && !isRunning(lease.process)) return true
  const silence = (yield* Clock.currentTimeMillis) - Date.parse(lease.renewedAt)
  if (silence < Duration.toMillis(isHere ? BUSY : expiry)) return false
  yield* Effect.logInfo(
    `Run ${lease.runId} on ${lease.host} seems dead: watching its lease for ${Duration.format(expiry)}.`
  )
  yield* Effect.sleep(expiry)
  const store = yield* Store
  const after = yield* store.find(LEASE_KEY)
  return Option.isSome(after) && after.value.etag === etag
})

/** Whether there is a process of this number on this machine. */
// Signal 0 only asks: EPERM means that the process is there, and somebody else's.
export const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

const keepRenewing = Effect.fn("Lease.keepRenewing")(function* (
  runId: string,
  etag: Ref.Ref<string>,
  { expiry }: LeaseSettings
) {
  const lost = (why: string) =>
    new LeaseLost({ runId, message: `Run ${runId} lost its lease (${why}), so it stops and publishes nothing.` })
  for (let renewals = 1; ; renewals++) {
    yield* Effect.sleep(Duration.divideUnsafe(expiry, 3))
    const condition = { ifMatch: yield* Ref.get(etag) }
    const renewed = yield* write({ runId, renewals, released: false }, condition).pipe(
      Effect.retry({
        while: (error: StoreError) => error.reason === "unreachable",
        schedule: Schedule.spaced(Duration.divideUnsafe(expiry, 10))
      }),
      Effect.timeoutOrElse({
        duration: Duration.divideUnsafe(expiry, 3),
        orElse: () => Effect.fail(lost("the store did not answer in time"))
      }),
      Effect.catchTag("StoreError", (error) => Effect.fail(lost(error.message)))
    )
    yield* Ref.set(etag, renewed)
  }
})

const release = (runId: string, etag: Ref.Ref<string>) => {
  const giveBack = (ifMatch: string) => write({ runId, renewals: 0, released: true }, { ifMatch })
  return Ref.get(etag).pipe(
    Effect.flatMap(giveBack),
    Effect.catchIf(
      ({ reason }) => reason === "conflict",
      // A renewal that the end of the run cut short may have been written all the same; it was taken over otherwise.
      () =>
        Effect.flatMap(readLease, (found) =>
          Option.isSome(found) && isOwn(found.value.value, runId) ? giveBack(found.value.etag) : Effect.void
        )
    ),
    Effect.catchTag("StoreError", (error) => Effect.logWarning(`The lease was not given back: ${error.message}`)),
    Effect.asVoid
  )
}
