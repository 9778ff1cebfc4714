import { Effect, Exit, Layer, Schema, Scope } from "effect"
import { FetchHttpClient } from "effect/http"
import { Settings } from "../config/settings.ts"
import { engineLayer } from "../embedder/choose.ts"
import { makeScanRecipe } from "../embeddings/scans/scanRecipe.ts"
import { Scans } from "../embeddings/scans/scans.ts"
import { EVENT_DEFAULTS } from "../runs/scan/eventOptions.ts"
import { listField, placeRecordings } from "../runs/scan/fieldRecordings.ts"
import { findAlike } from "../runs/scan/findAlike.ts"
import { KeptVectors } from "../runs/scan/firstVectors.ts"
import { hearOnce } from "../runs/scan/hearOnce.ts"
import { openWindowModel, type WindowModel } from "../runs/scan/windowModel.ts"
import { settledEmbedder } from "../runs/services.ts"
import { findTime, formatClock } from "../sound/field/wallClock.ts"
import { Listeners } from "../stream/field/listeners.ts"
import type { RecordingSpan } from "./spanSound.ts"
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
  const { engine, precision, maxRecordingMegabytes } = settings
  const kept = new KeptVectors()
  const embedder = yield* Effect.cached(
    settledEmbedder({ allowUntrained: true }).pipe(
      Effect.provide(FetchHttpClient.layer),
      Effect.mapError(({ message }) => new NoEmbedder({ message: `Long recordings cannot be heard here: ${message}` }))
    )
  )
  const engines = yield* Effect.cached(
    Effect.flatMap(embedder, (loaded) =>
      Layer.buildWithScope(
        Layer.merge(
          engineLayer({ engine, precision, embedder: loaded, threads: 1 }),
          Listeners.layer({ count: 1, maxWholeBytes: maxRecordingMegabytes * 1e6 })
        ),
        scope
      )
    )
  )
  let open: { readonly model: WindowModel; readonly scope: Scope.Closeable } | undefined
  /** The version asked for last stays open. */
  const modelOf = Effect.fnUntraced(function* (runId: string, recipe: ReturnType<typeof makeScanRecipe>) {
    if (open?.model.runId === runId) return open.model
    const own = yield* Scope.make()
    const model = yield* Scope.provide(openWindowModel(runId, recipe), own)
    if (open !== undefined) yield* Scope.close(open.scope, Exit.void)
    open = { model, scope: own }
    return model
  })

  const hear = Effect.fn("fieldListener.hear")(function* (
    runId: string,
    recording: Spooled,
    tell: (seconds: number) => Effect.Effect<void>
  ) {
    const recipe = makeScanRecipe(yield* embedder, precision)
    const model = yield* modelOf(runId, recipe)
    const blob = "path" in recording ? Bun.file(recording.path) : new Blob([recording as Uint8Array<ArrayBuffer>])
    const read = (from: number, to: number) => Effect.promise(() => blob.slice(from, to).bytes())
    const options = { recipe, model, settings: EVENT_DEFAULTS, size: blob.size, most: MOST_SECONDS, onSeconds: tell }
    return yield* hearOnce(read, options).pipe(
      Effect.provide(yield* engines),
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
    const { placed } = placeRecordings(known, yield* listField({}), {})
    const { found, searched } = yield* findAlike(recipe, known, placed, span, kept)
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

/** What the recorder's clock showed so many seconds into a recording. */
const clockAt = (startedAt: string | undefined, seconds: number): string | null => {
  const start = startedAt === undefined ? undefined : findTime(startedAt)
  return start === undefined ? null : formatClock(start, seconds)
}

const TOO_LONG =
  `The recording is longer than the ${MOST_SECONDS / 60} minutes that are heard at once: POST /scan hears recordings of any ` +
  "length, as a multipart form with the file and its site, or by its key in the store."
