import { Clock, Effect, Stream } from "effect"
import { Settings } from "../../config/settings.ts"
import { Scans } from "../../embeddings/scans/scans.ts"
import { newRunId } from "../../registry/runRecord.ts"
import { shardKey } from "../../store/keys.ts"
import type { ObjectInfo } from "../../store/store.ts"
import type { FreshlyHeard } from "../scan/hearFresh.ts"
import type { Archive } from "../scan/judgePlaced.ts"
import { paceOf, type ScanCallbacks } from "../scan/scanProgress.ts"
import { attemptShard, workOff } from "./attempts.ts"
import { cutShards, estimateSeconds, type ShardLimits, type ShardRange } from "./cutShards.ts"
import { Dispatch } from "./dispatch.ts"
import { type HearResult, type ShardTally, shardName } from "./engineProtocol.ts"
import { makeForsaken } from "./forsaken.ts"
import { Journal } from "./journal.ts"
import { readShard, removeShards, writeShard } from "./shardFiles.ts"

/** What a worker hears at a time, at most: two hours, or one recording that is longer. */
const WHOLE: ShardLimits = { recordings: 128, bytes: 2e9, seconds: 7200 }
/** Shards that little is cut into, so that several workers have something to do, and what one has at least. */
const LEAST_SHARDS = 32
const LEAST_SECONDS = 120

/** Shards that are with workers, or wait for one, at once. */
const UNDER_WAY = 256
/** Milliseconds between two words on how far it is. */
const TELL = 1_000

const limitsFor = (fresh: ReadonlyArray<ObjectInfo>): ShardLimits => {
  const seconds = fresh.reduce((sum, object) => sum + estimateSeconds(object, Number.POSITIVE_INFINITY), 0)
  return { ...WHOLE, seconds: Math.min(WHOLE.seconds, Math.max(LEAST_SECONDS, seconds / LEAST_SHARDS)) }
}

/**
 * Does what `hearFresh` does but for judging, by shards on a cluster's workers.
 *
 * No shard's result is kept but what it has stored: whoever asks again, after a death of this process, asks for what is
 * missing then. A recording that every worker dies over is left out by name.
 */
export const hearOnCluster = Effect.fn("hearOnCluster")(function* (
  { recipe, known: before }: Archive,
  fresh: ReadonlyArray<ObjectInfo>,
  { onProgress, onSkip }: ScanCallbacks
) {
  const began = yield* Clock.currentTimeMillis
  const { maxRecordingMegabytes } = yield* Settings
  const dispatch = yield* Dispatch
  const journal = yield* Journal
  const scans = yield* Scans
  const scanId = yield* newRunId
  const skipped: Array<{ readonly key: string; readonly reason: string }> = []
  const done = { recordings: 0, bytes: 0, seconds: 0 }
  const answered = new Set<string>()

  const pace = yield* paceOf(fresh.reduce((sum, { size }) => sum + size, 0))
  let [bytes, seconds] = [0, 0]
  const tellForsaken = makeForsaken("scan")
  const tell = Effect.gen(function* () {
    const members = dispatch.members()
    const underWay = members
      .flatMap(({ shards }) => shards.filter(({ runId, name }) => runId === scanId && !answered.has(name)))
      .flatMap(({ heard }) => heard ?? [])
    const heard = [done, ...underWay].reduce(plus)
    // What was under way at a worker that died is begun again where it was stored.
    const more = { bytes: Math.max(0, heard.bytes - bytes), seconds: Math.max(0, heard.seconds - seconds) }
    bytes += more.bytes
    seconds += more.seconds
    const backlog = { stage: "stream", done: heard.recordings, total: fresh.length } as const
    yield* Effect.flatMap(pace(more), onProgress)
    yield* journal.append(scanId, backlog).pipe(Effect.timeout("5 seconds"), Effect.ignore({ log: "Debug" }))
    yield* tellForsaken(members.length)
  })

  const attempt = (range: ShardRange, tries: number, isSuspect: boolean) =>
    attemptShard(tries, isSuspect, ({ alone, attempt, avoid }) =>
      dispatch.hear({ runId: scanId, ...range, recipe: recipe.id, maxRecordingMegabytes, alone, attempt }, avoid)
    )
  const take = ({ heard, skipped: left }: HearResult, range: ShardRange) => {
    answered.add(shardName(range))
    Object.assign(done, plus(done, heard))
    return Effect.forEach(left, leave, { discard: true })
  }
  const leave = ({ key, reason }: { readonly key: string; readonly reason: string }) => {
    skipped.push({ key, reason })
    return onSkip(key, reason)
  }
  const leaveOut = Effect.fnUntraced(function* ({ file, from }: ShardRange, why: string) {
    const { key } = (yield* readShard(file))[from]!
    yield* leave({ key, reason: `It cannot be heard: ${why}` })
  })

  yield* Effect.gen(function* () {
    const sizes = yield* Stream.fromIterable(fresh).pipe(
      cutShards(limitsFor(fresh), Number.POSITIVE_INFINITY),
      Stream.zipWithIndex,
      Stream.mapEffect(([shard, i]) => writeShard(scanId, 0, i, shard), { concurrency: 16 }),
      Stream.runCollect
    )
    const shards = sizes.map((size, i): ShardRange => ({ file: shardKey(scanId, 0, i), from: 0, to: size }))
    yield* Effect.forkScoped(Effect.forever(Effect.delay(tell, TELL)))
    yield* Effect.forEach(shards, workOff({ attempt, take, leaveOut }), { concurrency: UNDER_WAY, discard: true })
    // What was left out, or is a copy, does not wait either.
    done.recordings = fresh.length
    yield* tell
  }).pipe(Effect.scoped, Effect.ensuring(Effect.ignore(removeShards(scanId), { log: "Warn" })))

  const known = yield* scans.index(recipe)
  const keys = new Set(fresh.map(({ key }) => key))
  const heard = [...known.recordings.values()].filter(
    ({ key, contentHash }) => keys.has(key) && !before.recordings.has(contentHash)
  )
  return { known, heard, skipped, seconds: ((yield* Clock.currentTimeMillis) - began) / 1000 } satisfies FreshlyHeard
})

const plus = (a: ShardTally, b: ShardTally): ShardTally => ({
  recordings: a.recordings + b.recordings,
  bytes: a.bytes + b.bytes,
  seconds: a.seconds + b.seconds
})
