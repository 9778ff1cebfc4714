import { Effect } from "effect"
import { type JudgedEvent, judgementOf } from "../../src/review/judge.ts"
import type { Annotations } from "../../src/stream/annotations/annotation.ts"
import { WRITERS, type WriterName } from "../../src/stream/annotations/formats.ts"
import { Problems } from "../../src/stream/annotations/problems.ts"
import { readSaid } from "../../src/stream/annotations/said.ts"

/** What a person says that an event is: a class, or nothing (the empty text); undefined where nobody has said anything. */
export type JudgedAs = (event: JudgedEvent & { readonly recording: string }) => string | undefined

/** Reads what the store's tables of annotations say of events, where one of these formats has a place for it. */
export const readJudgements = Effect.fn("readJudgements")(function* (formats: ReadonlyArray<WriterName>) {
  if (!formats.some((format) => WRITERS[format].tellsJudged)) return (() => undefined) satisfies JudgedAs
  // What cannot be used of a table is told by a training.
  const { said } = yield* readSaid(new Problems())
  const byRecording = new Map(
    said.map(({ recording, annotations, complete, isComplete }): readonly [string, Annotations] => [
      recording.key,
      { annotations, complete: isComplete ? [...complete, undefined] : complete }
    ])
  )
  const judgedAs: JudgedAs = (event) => {
    const own = byRecording.get(event.recording)
    return own && judgementOf(event, own)
  }
  return judgedAs
})
