import { Effect, Schema, Stream } from "effect"
import { Activity } from "effect/workflow"
import { Embeddings } from "../../embeddings/embeddings.ts"
import { shardKey, spanOf } from "../../store/keys.ts"
import {
  type Noted,
  type Skipped,
  type StreamResult,
  type StreamSettings,
  TooManySkipped
} from "../../stream/corpusPass.ts"
import { RunEvents } from "../../stream/events.ts"
import { corpus } from "../../stream/recordings.ts"
import { attemptShard, ClusterFailed, workOff } from "./attempts.ts"
import { cutShards, limitsFor, type ShardRange } from "./cutShards.ts"
import { Dispatch } from "./dispatch.ts"
import { ShardOutcome } from "./engineProtocol.ts"
import { ShardFailed } from "./shardEntity.ts"
import { contentsKey, readShard, writeContents, writeShard } from "./shardFiles.ts"

/** Shards that are with workers, or wait for one, at once. */
const UNDER_WAY = 256
/** Milliseconds between two words on how far it is. */
const TELL = 1_000

/** Lists what is to be embedded and writes it down as shards; how many recordings each has. */
const writeShards = Effect.fn("Cluster.writeShards")(function* (
  runId: string,
  round: number,
  { objects, known, count, clipMaxSeconds }: StreamSettings
) {
  if (!known.isEmpty) yield* writeContents(runId, round, known.contents())
  return yield* (objects ?? corpus).pipe(
    Stream.filter((object) => known.storedContentOf(object) === undefined),
    cutShards(limitsFor(count.recordings - count.stored), clipMaxSeconds),
    Stream.zipWithIndex,
    Stream.mapEffect(
      ([shard, i]) =>
        writeShard(
          runId,
          round,
          i,
          shard.map(({ key, etag, size }) => ({ key, etag, size }))
        ),
      { concurrency: 16 }
    ),
    Stream.runCollect
  )
})

const read = (file: string) => Effect.mapError(readShard(file), ({ message }) => new ClusterFailed({ message }))

/**
 * The first stage of a run on the cluster: does what `embedCorpus` does, by shards on the workers.
 *
 * Every shard is an activity of the run's workflow, so a run that goes on elsewhere repeats none that was answered. A
 * recording that every worker dies over is left out by name.
 */
export const embedOnCluster = Effect.fn("embedOnCluster")(function* (
  runId: string,
  round: number,
  settings: StreamSettings
) {
  const embeddings = yield* Embeddings
  const emit = yield* RunEvents
  const { recipe, known, count, clipMaxSeconds, maxRecordingMegabytes, augmentations, variants = [], audit } = settings

  const live = new Map<string, string>()
  yield* (settings.objects ?? corpus).pipe(
    Stream.runForEachArray((page) =>
      Effect.sync(() => {
        for (const object of page) {
          const contentHash = known.storedContentOf(object)
          if (contentHash !== undefined) live.set(object.key, contentHash)
        }
      })
    )
  )
  const contents = known.isEmpty ? null : contentsKey(runId, round)

  const sizes = yield* Activity.make({
    name: `plan/${round}`,
    success: Schema.Array(Schema.Int),
    error: ClusterFailed,
    execute: writeShards(runId, round, settings).pipe(Effect.mapError(({ message }) => new ClusterFailed({ message })))
  })
  const total = sizes.reduce((sum, size) => sum + size, 0)

  const dispatch = yield* Dispatch
  const skipped: Array<Skipped> = []
  const noted: Array<Noted> = []
  const unread: Array<string> = []
  const moved = new Map<string, string>()
  let done = 0
  let embedded = 0
  let patches = 0

  const tell = Effect.suspend(() => {
    const members = dispatch.members()
    const ours = members.flatMap(({ shards }) => shards.filter((shard) => shard.runId === runId))
    const underWay = ours.reduce((sum, shard) => sum + shard.done, 0)
    const workers = members.map(({ address: name, rate }) => ({ name, rate }))
    return emit({ stage: "stream", done: Math.min(total, done + underWay), total, workers })
  })
  yield* Effect.forkScoped(Effect.forever(Effect.delay(tell, TELL)))

  const take = Effect.fnUntraced(function* (outcome: Pick<ShardOutcome, "skipped"> & Partial<ShardOutcome>) {
    done += (outcome.embedded ?? 0) + outcome.skipped.length
    embedded += outcome.embedded ?? 0
    patches += outcome.patches ?? 0
    for (const key of outcome.unread ?? []) unread.push(key)
    for (const one of outcome.noted ?? []) noted.push(one)
    for (const [key, contentHash] of Object.entries(outcome.moved ?? {})) moved.set(key, contentHash)
    for (const { key, reason } of outcome.skipped) {
      skipped.push({ key, reason })
      yield* emit({ stage: "skip", key, reason })
    }
    if (skipped.filter(({ key }) => spanOf(key) === undefined).length > settings.maxSkipped * count.recordings) {
      return yield* TooManySkipped.of(skipped, settings)
    }
  })

  const attempt = (range: ShardRange, tries: number, isSuspect: boolean) =>
    Activity.make({
      name: `embed/${range.file.slice(range.file.lastIndexOf("/") + 1)}/${range.from}-${range.to}`,
      success: ShardOutcome,
      error: ShardFailed,
      execute: attemptShard(tries, isSuspect, ({ alone, attempt, avoid }) =>
        dispatch.embed(
          {
            runId,
            ...range,
            contents,
            recipe: recipe.id,
            clipMaxSeconds,
            maxRecordingMegabytes,
            augmentations,
            variants,
            audit,
            alone,
            attempt
          },
          avoid
        )
      )
    })

  const leaveOut = Effect.fnUntraced(function* ({ file, from }: ShardRange, why: string) {
    const { key } = (yield* read(file))[from]!
    yield* take({ skipped: [{ key, reason: `It cannot be embedded: ${why}` }] })
  })

  const files = sizes.map((size, i): ShardRange => ({ file: shardKey(runId, round, i), from: 0, to: size }))
  yield* Effect.forEach(files, workOff({ attempt, take, leaveOut }), { concurrency: UNDER_WAY, discard: true })

  const left = new Set([...skipped.map(({ key }) => key), ...unread])
  const index = yield* embeddings.index(recipe)
  yield* Effect.forEach(
    files,
    ({ file }) =>
      Effect.flatMap(read(file), (objects) =>
        Effect.forEach(
          objects.filter(({ key }) => !left.has(key)),
          Effect.fnUntraced(function* (object) {
            const contentHash = moved.get(object.key) ?? index.contentOf(object)
            if (contentHash !== undefined) return void live.set(object.key, contentHash)
            return yield* new ClusterFailed({
              message: `What was embedded of ${object.key} is not in the store any more.`
            })
          }),
          { discard: true }
        )
      ),
    { concurrency: 16, discard: true }
  )
  yield* emit({ stage: "stream", done: total, total })
  return { live, moved, embedded, patches, skipped, noted, unread } satisfies StreamResult
}, Effect.scoped)
