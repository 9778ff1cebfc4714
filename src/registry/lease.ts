import { Clock, DateTime, Duration, Effect, Option, Ref, Schedule, Schema } from "effect"
import { readDocumentOrVersion, unlessChanged, writeDocument } from "../store/documents.ts"
import { LEASE_KEY } from "../store/keys.ts"
import { type PutCondition, Store } from "../store/store.ts"
import { Holder, livenessOf, thisProcess } from "./holder.ts"
import { RunName, recordInterruption } from "./runRecord.ts"

/** Another run is training on this store. */
export class LeaseHeld extends Schema.TaggedError<LeaseHeld>()("LeaseHeld", {
  runId: Schema.String,
  message: Schema.String
}) {}

/** This run's lease was taken over, because it seemed dead to another: its results must not be published. */
export class LeaseLost extends Schema.TaggedError<LeaseLost>()("LeaseLost", {
  runId: Schema.String,
  message: Schema.String
}) {}

/** The lease object: who trains on the store, or did last. */
const Lease = Schema.Struct({
  runId: RunName,
  ...Holder.fields,
  /** By the holder's own clock: for people, who know how wrong that may be. */
  renewedAt: Schema.String,
  renewals: Schema.Int,
  released: Schema.Boolean
})
type Lease = typeof Lease.Type

export interface LeaseSettings {
  /** How long a holder of which nothing else is known may stay silent before it counts as dead. */
  readonly expiry: Duration.Duration
}

const DEFAULTS: LeaseSettings = { expiry: Duration.seconds(30) }

/** A holder renews ten times per expiry: every 3 s. */
const pace = ({ expiry }: LeaseSettings) => Duration.divideUnsafe(expiry, 10)

/**
 * How long a lease is watched. On a host of our own name, whose process we cannot see, it is most likely of a container
 * that was started again, and that should not wait. Programs from before renew every 10 s, and are given all of it.
 */
const patience = (lease: Lease | undefined, { expiry }: LeaseSettings) =>
  lease?.instance !== undefined && lease.host === thisProcess.host ? Duration.divideUnsafe(expiry, 4) : expiry

/**
 * How long a process that is known to be there may stay silent. An epoch of training, which holds everything else up, may
 * be long; but a process may live on after it failed to give its lease back.
 */
const BUSY = Duration.minutes(10)

/** The runs of this process that hold a lease. */
const holding = new Set<string>()

const livenessHere = (lease: Lease) =>
  lease.instance !== thisProcess.instance ? livenessOf(lease) : holding.has(lease.runId) ? "alive" : "dead"

/**
 * Runs `effect` as the only training on this store, across processes and machines.
 *
 * The lease is one object that only conditional writes change. A holder whose process is known to be gone is replaced at
 * once, and one whose process is known to be there keeps it; any other loses it once its object has stayed unchanged for as long as
 * `patience` says, while we watched, by our own steady clock: what clocks say of the time of day counts nowhere. A holder
 * that is slow to renew goes on until another takes over; then it stops, and `requireLease` keeps it from publishing.
 */
export const withLease =
  (runId: string, settings: LeaseSettings = DEFAULTS) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const version = yield* Ref.make<PutCondition>({ ifMatch: yield* acquire(runId, settings) })
      holding.add(runId)
      return yield* effect.pipe(
        Effect.raceFirst(keepRenewing(runId, version, settings)),
        Effect.ensuring(release(runId, version)),
        Effect.ensuring(Effect.sync(() => holding.delete(runId)))
      )
    })

/** The lease as it was found; `lease` is undefined where it is damaged. */
interface Found {
  readonly etag: string
  readonly lease: Lease | undefined
}

/** The lease as it is; none where there is none. One that is damaged says nothing, but may be renewed. */
const readLease = Effect.map(
  readDocumentOrVersion(LEASE_KEY, Lease),
  Option.map(({ etag, value }): Found => ({ etag, lease: value }))
)

/** Since when, by this process's steady clock in milliseconds, a store's lease has been seen unchanged. */
const seen = new WeakMap<Store["Service"], { readonly etag: string; readonly since: number }>()

const silenceOf = Effect.fnUntraced(function* (etag: string) {
  const store = yield* Store
  const now = Number((yield* Clock.monotonicTimeNanos) / 1_000_000n)
  const before = seen.get(store)
  if (before?.etag === etag) return Duration.millis(now - before.since)
  seen.set(store, { etag, since: now })
  return Duration.zero
})

/**
 * The run that holds the store's lease, unless it is known to be gone. Never waits: what a holder's silence tells is known
 * only to who asks again (or `clearDead`); until then, it counts as there.
 */
export const runningRun = Effect.gen(function* () {
  const found = yield* readLease
  if (Option.isNone(found)) return undefined
  const { etag, lease } = found.value
  if (lease === undefined || lease.released) return undefined
  const liveness = livenessHere(lease)
  if (liveness === "dead") return undefined
  const enough = liveness === "alive" ? BUSY : patience(lease, DEFAULTS)
  return Duration.isLessThan(yield* silenceOf(etag), enough) ? lease.runId : undefined
})

/** Whether the holder of a lease is gone; watches it where that is not known. */
const isGone = Effect.fnUntraced(function* ({ etag, lease }: Found, settings: LeaseSettings) {
  const liveness = lease === undefined ? "unknown" : livenessHere(lease)
  if (liveness === "dead") return true
  if (liveness === "alive") return Duration.isGreaterThanOrEqualTo(yield* silenceOf(etag), BUSY)
  const enough = patience(lease, settings)
  const whose = lease === undefined ? `${LEASE_KEY} is damaged` : `Run ${lease.runId} on ${lease.host} may be dead`
  if (Duration.isLessThan(yield* silenceOf(etag), enough)) {
    yield* Effect.logInfo(`${whose}: watching whether its lease is renewed, for ${Duration.format(enough)} at most.`)
  }
  const store = yield* Store
  while (true) {
    const now = yield* store.find(LEASE_KEY)
    if (Option.isNone(now) || now.value.etag !== etag) return false
    if (Duration.isGreaterThanOrEqualTo(yield* silenceOf(etag), enough)) return true
    yield* Effect.sleep(Duration.divideUnsafe(pace(settings), 3))
  }
})

/**
 * Where the holder of the lease is gone, says so in its run's record and gives the lease back, so that the next run begins
 * at once; watches it for some seconds where that is not known. For programs that start, in the background.
 */
export const clearDead = Effect.fn("Lease.clearDead")(function* () {
  const found = yield* readLease
  if (Option.isNone(found) || found.value.lease?.released === true) return
  const { etag, lease } = found.value
  if (lease === undefined || !(yield* isGone(found.value, DEFAULTS))) return
  yield* recordInterruption(lease.runId, describe(lease))
  yield* writeDocument(LEASE_KEY, Lease, { ...lease, released: true }, { ifMatch: etag }).pipe(
    // Somebody else was faster.
    Effect.catchIf(
      ({ reason }) => reason === "conflict",
      () => Effect.void
    )
  )
})

const acquire = Effect.fn("Lease.acquire")(function* (runId: string, settings: LeaseSettings) {
  const held = yield* readLease
  if (Option.isNone(held)) return yield* take(runId, unlessChanged(held))
  const { lease } = held.value
  // A run that goes on in another process takes its own lease over; the process that had it finds it lost.
  if (lease?.released !== true && lease?.runId !== runId) {
    if (!(yield* isGone(held.value, settings))) return yield* heldBy(lease)
    if (lease !== undefined) yield* recordInterruption(lease.runId, describe(lease))
  }
  return yield* take(runId, unlessChanged(held))
})

const describe = ({ host, process }: Lease): string => `on ${host}, process ${process}`

const heldBy = (lease: Lease | undefined) =>
  new LeaseHeld(
    lease === undefined
      ? { runId: "unknown", message: `Another run is training on this store already.` }
      : {
          runId: lease.runId,
          message: `Run ${lease.runId} is training on this store already (${describe(lease)}, last seen ${lease.renewedAt}).`
        }
  )

/** Whether another process has taken this run over, so that what becomes of it is for that one to say. */
export const resumedElsewhere = (runId: string) =>
  Effect.map(
    readLease,
    Option.exists(({ lease }) => lease?.runId === runId && !isOwn(lease, runId))
  )

/** Fails where another run has taken the lease over, also if its holder has not noticed yet; for what must not be done twice. */
export const requireLease = Effect.fn("requireLease")(function* (runId: string) {
  const found = yield* readLease
  // One that is missing or damaged was taken by nobody.
  if (Option.isNone(found) || found.value.lease === undefined) return
  const { lease } = found.value
  if (lease.runId !== runId) return yield* lostTo(runId, lease)
})

/** Whether this process wrote the lease for this run. */
const isOwn = (lease: Lease, runId: string): boolean => lease.runId === runId && lease.instance === thisProcess.instance

const lostTo = (runId: string, lease: Lease) =>
  new LeaseLost({
    runId,
    message: `Run ${runId} lost its lease to ${lease.runId} (${describe(lease)}), so it stops and publishes nothing more.`
  })

const take = (runId: string, condition: PutCondition) =>
  write({ runId, renewals: 0, released: false }, condition).pipe(
    Effect.catchIf(
      ({ reason }) => reason === "conflict",
      Effect.fnUntraced(function* () {
        // A write whose answer was lost counts.
        const found = yield* readLease
        if (Option.isSome(found) && found.value.lease && isOwn(found.value.lease, runId)) return found.value.etag
        const message = "Another run has just started training on this store."
        return yield* new LeaseHeld({ runId: "unknown", message })
      })
    )
  )

const write = Effect.fnUntraced(function* (
  lease: Pick<Lease, "runId" | "renewals" | "released">,
  condition: PutCondition
) {
  const renewedAt = DateTime.formatIso(yield* DateTime.now)
  return (yield* writeDocument(LEASE_KEY, Lease, { ...lease, ...thisProcess, renewedAt }, condition)).etag
})

/** Renews the lease until it is lost: a store that does not answer takes it from nobody. */
const keepRenewing = Effect.fn("Lease.keepRenewing")(function* (
  runId: string,
  version: Ref.Ref<PutCondition>,
  settings: LeaseSettings
) {
  for (let renewals = 1; ; renewals++) {
    yield* Effect.sleep(pace(settings))
    const ifMatch = yield* write({ runId, renewals, released: false }, yield* Ref.get(version)).pipe(
      Effect.retry({ while: ({ reason }) => reason !== "conflict", schedule: Schedule.spaced(pace(settings)) }),
      Effect.option
    )
    if (Option.isSome(ifMatch)) {
      yield* Ref.set(version, { ifMatch: ifMatch.value })
      continue
    }
    const found = yield* readLease.pipe(Effect.retry({ schedule: Schedule.spaced(pace(settings)) }))
    const lease = Option.getOrUndefined(found)?.lease
    if (lease !== undefined && !isOwn(lease, runId)) return yield* lostTo(runId, lease)
    // Our own write, whose answer was lost; or one that a crash has damaged or removed: the next renewal replaces it.
    yield* Ref.set(version, unlessChanged(found))
  }
})

const release = (runId: string, version: Ref.Ref<PutCondition>) => {
  const giveBack = (condition: PutCondition) => write({ runId, renewals: 0, released: true }, condition)
  return Ref.get(version).pipe(
    Effect.flatMap(giveBack),
    Effect.catchIf(
      ({ reason }) => reason === "conflict",
      // A renewal that the end of the run cut short may have been written all the same; it was taken over otherwise.
      () =>
        Effect.flatMap(readLease, (found) =>
          Option.isSome(found) && found.value.lease && isOwn(found.value.lease, runId)
            ? giveBack({ ifMatch: found.value.etag })
            : Effect.void
        )
    ),
    Effect.catchTag("StoreError", (error) => Effect.logWarning(`The lease was not given back: ${error.message}`)),
    Effect.asVoid
  )
}
