import { Effect, Stream } from "effect"
import type { ScoredRecording } from "../../classifier/evaluation/field/sweep.ts"
import type { WindowClassifier } from "../../classifier/evaluation/field/windowClassifier.ts"
import { Engine, embedPatches } from "../../embedder/engine.ts"
import { type CodedVectors, codeVectors } from "../../embeddings/scans/coding.ts"
import { fieldPieces } from "../../sound/field/readField.ts"
import { concatenate } from "../../sound/floats.ts"
import { siteOf } from "../../store/keys.ts"
import { isAbsence, whyMisnamed } from "../../store/store.ts"
import { levelling } from "../../stream/field/levelling.ts"
import { type PatchChunk, WindowCutter } from "../../stream/field/windowCutter.ts"
import { type HeardPiece, siteColumns } from "./correctSites.ts"
import type { Listened } from "./listened.ts"

/**
 * Hears stretches of field recordings window by window, as a scan does, and gives what each classifier made of each. What
 * is gone or cannot be read is left out, a sentence each.
 */
export const hearListened = Effect.fn("hearListened")(function* (
  listened: ReadonlyArray<Listened>,
  classifiers: ReadonlyArray<WindowClassifier>,
  onHeard: (done: number, total: number) => Effect.Effect<void> = () => Effect.void
) {
  const unheard: Array<string> = []
  const leaveOut = ({ recording: { key } }: Listened, reason: string) =>
    Effect.sync(() => {
      unheard.push(`${key} judges nothing: ${reason}`)
      return []
    })
  const heard = yield* Effect.forEach(listened, (one, at) =>
    hearStretch(one, classifiers).pipe(
      Effect.map((own) => [own]),
      Effect.catchTag("DecodeError", ({ reason }) => leaveOut(one, reason)),
      Effect.catchTag("StoreError", (error) =>
        isAbsence(error) ? leaveOut(one, whyMisnamed(one.recording.key) ?? "It vanished.") : Effect.fail(error)
      ),
      Effect.tap(() => onHeard(at + 1, listened.length))
    )
  )
  return { heard: heard.flat(), unheard }
})

const hearStretch = Effect.fnUntraced(function* (
  { store, recording: { key, size }, start, end, source, events }: Listened,
  classifiers: ReadonlyArray<WindowClassifier>
) {
  const engine = yield* Engine
  const { frontEnd } = engine
  const sizes = Object.values(frontEnd.vectors)
  const scored = classifiers.map((): Array<Float32Array> => [])
  const pieces: Array<CodedVectors> = []
  let cutter: WindowCutter | undefined
  let [samplesHeard, seconds] = [0, 0]
  const judge = Effect.fnUntraced(function* ({ patches }: PatchChunk) {
    const windows = codeVectors(yield* embedPatches(engine, patches), sizes)
    for (const [which, { score }] of classifiers.entries()) scored[which]!.push(yield* score(windows))
    pieces.push(siteColumns(windows, frontEnd))
  })
  const read = (from: number, to: number) => store.getRange(key, from, to)
  yield* fieldPieces(read, { size, span: { from: start, to: end } }).pipe(
    Stream.runForEach(
      Effect.fnUntraced(function* ({ samples, rate }) {
        cutter ??= new WindowCutter(levelling(frontEnd), rate)
        const own = samples.subarray(0, Math.max(0, Math.round((end - start) * rate) - samplesHeard))
        samplesHeard += own.length
        seconds = samplesHeard / rate
        for (const chunk of cutter.push(own)) yield* judge(chunk)
      })
    )
  )
  for (const chunk of cutter?.end() ?? []) yield* judge(chunk)
  // Where only decoding tells how long a recording is, tables may go on behind it.
  const within = events.filter((event) => event.start < seconds)
  return {
    scored: scored.map(
      (own, which): ScoredRecording => ({
        seconds,
        events: within,
        bed: [{ start: 0, source }],
        probabilities: concatenate(own),
        lasting: classifiers[which]!.lasting
      })
    ),
    site: siteOf(key),
    pieces
  } satisfies HeardPiece
})
