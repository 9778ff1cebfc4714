import { Effect } from "effect"
import type { Soundscape } from "../../classifier/evaluation/field/soundscape.ts"
import type { ScoredRecording } from "../../classifier/evaluation/field/sweep.ts"
import type { WindowClassifier } from "../../classifier/evaluation/field/windowClassifier.ts"
import { Engine, embedPatches } from "../../embedder/engine.ts"
import type { FrontEnd } from "../../embedder/frontEnd.ts"
import { codeVectors } from "../../embeddings/scans/coding.ts"
import { levelling } from "../../stream/field/levelling.ts"
import { CHUNK_WINDOWS } from "../../stream/field/windowCutter.ts"
import { type HeardPiece, siteColumns } from "./correctSites.ts"

/** Chunks at once: one is rendered, the others keep every process of an engine busy. */
const CHUNKS_IN_HAND = 3

/** What is heard of a soundscape. */
export type Scene = Pick<Soundscape, "seconds" | "events" | "bed" | "render">

/**
 * Hears a scene window by window, as a scan does, and gives what each classifier made of it. It is rendered in pieces, so
 * memory does not grow with its length but for the probabilities, and what a site is learnt by.
 */
export const hearScene = Effect.fn("hearScene")(function* (scene: Scene, classifiers: ReadonlyArray<WindowClassifier>) {
  const { frontEnd } = yield* Engine
  const windows = countWindows(scene, frontEnd)
  const probabilities = classifiers.map(({ classes }) => new Float32Array(windows * classes.length))
  const pieces = yield* embedScene(scene, (rows, first) => {
    const coded = codeVectors(rows, Object.values(frontEnd.vectors))
    return Effect.as(
      Effect.forEach(classifiers, ({ classes, score }, which) =>
        Effect.map(score(coded), (own) => probabilities[which]!.set(own, first * classes.length))
      ),
      siteColumns(coded, frontEnd)
    )
  })
  const { seconds, events, bed } = scene
  return {
    scored: probabilities.map(
      (own, which): ScoredRecording => ({
        seconds,
        events,
        bed,
        probabilities: own,
        lasting: classifiers[which]!.lasting
      })
    ),
    site: SOUNDSCAPE,
    pieces
  } satisfies HeardPiece
})

/** All soundscapes of a part are one site. */
const SOUNDSCAPE = ""

/**
 * Renders a scene chunk by chunk and uses the rows [count * rowSize] of the windows from `first` on of each; gives what came of
 * them, in order. The engine has a chunk to embed while the next one is rendered.
 */
export const embedScene = Effect.fnUntraced(function* <A, E, R>(
  scene: Pick<Scene, "seconds" | "render">,
  use: (rows: Float32Array, first: number, count: number) => Effect.Effect<A, E, R>
) {
  const { frontEnd } = yield* Engine
  const windows = countWindows(scene, frontEnd)
  return yield* Effect.forEach(
    Array.from({ length: Math.ceil(windows / CHUNK_WINDOWS) }, (_, chunk) => chunk * CHUNK_WINDOWS),
    (first) => {
      const count = Math.min(CHUNK_WINDOWS, windows - first)
      return embedWindows(scene.render(first * frontEnd.hop, samplesOf(count, frontEnd)), count).pipe(
        Effect.flatMap((rows) => use(rows, first, count))
      )
    },
    { concurrency: CHUNKS_IN_HAND }
  )
})

/** Windows of a whole scene; the last one may go beyond its end. */
export const countWindows = ({ seconds }: Pick<Scene, "seconds">, { sampleRate, window, hop }: FrontEnd): number =>
  1 + Math.ceil(Math.max(0, Math.round(seconds * sampleRate) - window) / hop)

/** Samples that so many consecutive windows cover. */
const samplesOf = (windows: number, { window, hop }: FrontEnd): number => (windows - 1) * hop + window

/** The rows [count * rowSize] of the windows that these samples hold, as a scan makes those of a chunk. */
const embedWindows = Effect.fnUntraced(function* (samples: Float32Array, count: number) {
  const engine = yield* Engine
  const { prepare, patchSize } = levelling(engine.frontEnd)
  return yield* embedPatches(engine, prepare(samples).subarray(0, count * patchSize))
})
