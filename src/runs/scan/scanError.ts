import { Effect, Schema } from "effect"
import type { KnownScans } from "../../embeddings/scans/knownScans.ts"
import { siteOf } from "../../store/keys.ts"
import type { EventRequest } from "./eventOptions.ts"
import type { Selection } from "./fieldRecordings.ts"
import type { WindowModel } from "./windowModel.ts"

/** What there is nothing to do with; `message` is one sentence. */
export class ScanError extends Schema.TaggedError<ScanError>()("ScanError", { message: Schema.String }) {}

/** Thresholds of classes that a model does not tell would change nothing, so somebody has mistyped them. */
export const checkThresholds = Effect.fnUntraced(function* (
  { runId, classes }: WindowModel,
  events: Pick<EventRequest, "perClass">
) {
  const unknown = Object.keys(events.perClass).find((name) => !classes.includes(name))
  if (unknown === undefined) return
  return yield* new ScanError({
    message: `${runId} knows no class ${unknown}, which a threshold is given for; it knows ${classes.join(", ")}.`
  })
})

/** That nothing lies there is no failure where something was heard before, or may have been before `since`. */
export const checkMeant = (location: string, { site, since }: Selection, known: KnownScans) => {
  const recordings = [...known.recordings.values(), ...known.recordingsBefore]
  const isKnown = recordings.some(({ key }) => site === undefined || siteOf(key) === site)
  if (isKnown || (since !== undefined && recordings.length > 0)) return Effect.void
  const [which, where] = site === undefined ? ["", "<site>"] : [` of a site ${site}`, site]
  return Effect.fail(
    new ScanError({ message: `${location} holds no field recordings${which}: put them into field_audio/${where}/.` })
  )
}

/** A recording's events are another scan's by now: these settings do not tell them any more. */
export const judgedAnew = (key: string) =>
  new ScanError({
    message: `Another scan, which began after this one, has judged ${key} and more by other thresholds: repeat this one once that has ended.`
  })
