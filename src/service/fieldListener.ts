import { Effect, Exit, Layer, Schema, Scope } from "effect"
import { FetchHttpClient } from "effect/http"
import { Settings } from "../config/settings.ts"
import { engineLayer } from "../embedder/choose.ts"
import type { Embedder } from "../embedder/embedder.ts"
import { makeScanRecipe, type ScanRecipe } from "../embeddings/scans/scanRecipe.ts"
import { Scans } from "../embeddings/scans/scans.ts"
import { settleEvents } from "../runs/scan/eventOptions.ts"
import { listField, placeRecordings } from "../runs/scan/fieldRecordings.ts"
import { findAlike } from "../runs/scan/findAlike.ts"
import { KeptVectors } from "../runs/scan/firstVectors.ts"
import { hearOnce } from "../runs/scan/hearOnce.ts"
import { openWindowModel, type WindowModel } from "../runs/scan/windowModel.ts"
import { embedderOfVersion, settledEmbedder } from "../runs/services.ts"
import { findTime, formatClock } from "../sound/field/wallClock.ts"
import { Listeners } from "../stream/field/listeners.ts"
import { NoSound, type RecordingSpan } from "./spanSound.ts"
import type { Spooled } from "./spool.ts"

/** What is wrong with a recording, or that it is too long; the message is for who asks. */
class NoRecording extends Schema.TaggedError<NoRecording>()("NoRecording", { message: Schema.String }) {}
class NoEmbedder extends Schema.TaggedError<NoEmbedder>()("NoEmbedder", { message: Schema.String }) {}
class TooLong extends Schema.TaggedError<TooLong>()("TooLong", { message: Schema.String }) {}

/** Seconds of a recording that are heard at once: an hour. */
const MOST_SECONDS = 3600

/** What of field recordings needs the embedder: it is loaded for the first request that does, and an engine with it. */
export const fieldListener = Effect.gen(function* () {
  const settings = yield* Settings
  const scope = yield* Effect.scope
  const { engine, precision, maxRecordingMegabytes, alarmsPerHour } = settings
  const kept = new KeptVectors()
  const embedder = yield* Effect.cached(
    settledEmbedder({ allowUntrained: true }).pipe(Effect.provide(FetchHttpClient.layer), Effect.mapError(noEmbedder))
  )
  const enginesOf = (embedder: Embedder) =>
    Layer.build(
      Layer.merge(
        engineLayer({ engine, precision, embedder, threads: 1 }),
        Listeners.layer({ count: 1, maxWholeBytes: maxRecordingMegabytes * 1e6 })
      )
    )
  let engines: Kept<Effect.Success<ReturnType<typeof enginesOf>>> | undefined
  let open: Kept<{ readonly model: WindowModel; readonly recipe: ScanRecipe }> | undefined

  /** The version asked for last stays open, with the embedder that it was trained with and an engine. */
  const versionOf = Effect.fnUntraced(
    function* (runId: string) {
      if (open?.key !== runId || engines === undefined) {
        const embedder = yield* embedderOfVersion(runId, { allowUntrained: true }).pipe(
          Effect.provide(FetchHttpClient.layer),
          Effect.mapError(noEmbedder)
        )
        const recipe = makeScanRecipe(embedder, precision)
        const opening = Effect.map(openWindowModel(runId, recipe, false), (model) => ({ model, recipe }))
        engines = yield* keep(engines, embedder.hash, enginesOf(embedder))
        open = yield* keep(open, runId, opening)
      }
      return { ...open.value, engines: engines.value }
    },
    Effect.provideService(Scope.Scope, scope)
  )

  const hear = Effect.fn("fieldListener.hear")(function* (
    runId: string,
    recording: Spooled,
    tell: (seconds: number) => Effect.Effect<void>
  ) {
    const { recipe, model, engines } = yield* versionOf(runId)
    const blob = "path" in recording ? Bun.file(recording.path) : new Blob([recording as Uint8Array<ArrayBuffer>])
    const read = (from: number, to: number) => Effect.promise(() => blob.slice(from, to).bytes())
    const told = settleEvents({ alarms: alarmsPerHour, perClass: {} }, model)
    const options = { recipe, model, settings: told, size: blob.size, most: MOST_SECONDS, onSeconds: tell }
    return yield* hearOnce(read, options).pipe(
      Effect.provide(engines),
      Effect.catchTags({
        ListenError: ({ reason }) => Effect.fail(new NoRecording({ message: reason })),
        TooLong: () => Effect.fail(new TooLong({ message: TOO_LONG }))
      })
    )
  })

  const alike = Effect.fn("fieldListener.alike")(function* (span: typeof RecordingSpan.Type) {
    const began = performance.now()
    const recipe = makeScanRecipe(yield* embedder, precision)
    const known = yield* (yield* Scans).index(recipe)
    // The first vectors, by which sounds are alike, are stored of all.
    const listed = yield* listField({})
    const { placed, waiting } = placeRecordings(known, listed, {})
    const heard = [...placed, ...waiting]
    const object = listed.find(({ key }) => key === span.recording)
    const content = object && known.contentOf(object)
    // A copy was heard where its content is placed.
    const own = heard.find(({ recording, key }) => key === span.recording || recording.contentHash === content)
    if (own === undefined) return yield* new NoSound({ message: "Nothing was heard of such a field recording." })
    if (span.start >= own.recording.seconds) return yield* new NoSound({ message: "The recording ends before that." })
    const { found, searched } = yield* findAlike(recipe, known, heard, { ...span, recording: own.key }, kept)
    return {
      searched,
      seconds: (performance.now() - began) / 1000,
      windows: found.map(({ startedAt, ...one }) => ({
        ...one,
        at: clockAt(startedAt, one.start)
      }))
    }
  }, Effect.provide(Scans.layer))

  return { alike, hear }
})

const noEmbedder = ({ message }: { readonly message: string }) =>
  new NoEmbedder({ message: `Long recordings cannot be heard here: ${message}` })

/** What is open for the last one that asked, and what closes it. */
interface Kept<A> {
  readonly key: string
  readonly value: A
  readonly scope: Scope.Closeable
}

/** What is kept, where it is of this key; else another takes its place. */
const keep = Effect.fnUntraced(function* <A, E, R>(
  before: Kept<A> | undefined,
  key: string,
  open: Effect.Effect<A, E, R>
) {
  if (before?.key === key) return before
  const scope = yield* Scope.fork(yield* Effect.scope)
  const value = yield* Effect.onError(Scope.provide(open, scope), () => Scope.close(scope, Exit.void))
  if (before !== undefined) yield* Scope.close(before.scope, Exit.void)
  return { key, value, scope } satisfies Kept<A>
})

/** What the recorder's clock showed so many seconds into a recording. */
const clockAt = (startedAt: string | undefined, seconds: number): string | null => {
  const start = startedAt === undefined ? undefined : findTime(startedAt)
  return start === undefined ? null : formatClock(start, seconds)
}

const TOO_LONG =
  `The recording is longer than the ${MOST_SECONDS / 60} minutes that are heard at once: POST /scan hears recordings of any ` +
  "length, as a multipart form with the file and its site, or by its key in the store."
