import { Effect, Schema } from "effect"
import { judge } from "../review/judge.ts"
import { lengthOf } from "../stream/annotations/lengthOf.ts"
import { asKept, wrongAnnotation, wrongPart } from "../stream/annotations/rules.ts"
import { Field } from "./field.ts"
import { fieldRecordingAt } from "./fieldRecordingAt.ts"
import { checkClass } from "./newClasses.ts"
import { refuse } from "./refusal.ts"

/** An event, and what a person says of it. */
export const Judging = Schema.Struct({
  recording: Schema.String,
  start: Schema.Finite,
  end: Schema.Finite,
  class: Schema.String,
  answer: Schema.Literals(["yes", "no", "other", "none"]),
  /** The class that it is instead. */
  other: Schema.optionalKey(Schema.String)
})

/** Writes down what a person says of an event; `eventRoutes` says where that is asked. */
export const judgeEvent = Effect.fnUntraced(function* ({ recording, answer, other, ...event }: typeof Judging.Type) {
  const times = asKept(event)
  if (!(times.start >= 0 && times.end > times.start)) {
    return yield* refuse(422, "start must be 0 or later, and end after start.")
  }
  if (answer === "other" && other === undefined) return yield* refuse(422, "Name the class that it is in `other`.")
  const label = { yes: event.class, no: "", other: other ?? "", none: null }[answer]
  // What an older model heard may be of a class that is gone: there may still be nothing.
  if (answer === "yes" || answer === "other") yield* checkClass(label!)
  const seconds = yield* lengthOf(yield* fieldRecordingAt(recording))
  const wrong = label === "" ? wrongPart(times, seconds) : label && wrongAnnotation({ ...times, label }, seconds)
  if (wrong) return yield* refuse(422, wrong)
  const field = yield* Field
  if (label && seconds === undefined) {
    const known = (yield* field.recordings).find((one) => one.recording.key === recording)
    if (known?.heard === undefined) {
      return yield* refuse(
        422,
        "Nothing was heard of this recording yet: a scan hears it, or says why it cannot be read."
      )
    }
  }
  const judged = yield* judge({ ...event, recording }, label, yield* field.said(recording)).pipe(
    Effect.catchTag("AnnotationError", ({ message }) => Effect.fail(refuse(409, message)))
  )
  yield* field.forget
  return { success: true, message: MESSAGES[answer](judged), judged: judged ?? null }
})

const MESSAGES = {
  yes: (judged: string | undefined) => `It is ${judged}: the next training hears it.`,
  no: () => "Nothing is there: the next training hears that.",
  other: (judged: string | undefined) => `It is ${judged}: the next training hears it.`,
  none: (judged: string | undefined) =>
    judged === undefined
      ? "Taken back."
      : `Taken back; what is annotated besides says ${judged === "" ? "that nothing is there" : judged}.`
}
