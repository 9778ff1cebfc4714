import { isFolderName } from "../../store/className.ts"
import type { Annotation } from "./annotation.ts"
import { type Stretch, WINDOW } from "./spans.ts"

// What may be said of a recording, whoever says it: a table's row, a request, an answer to what a model heard.

/** Seconds that no recording lasts: eleven days. Of compressed ones no header says how long they are. */
const LATEST = 1e6

/** Characters of a label. */
const LONGEST_LABEL = 200

/** A row with this for its label says that all from its start to its end has been listened to. */
export const COMPLETE = /^#?\s*complete$/i

/** What a program writes that found nothing, or nothing that has a name. */
export const NOTHING = /^no ?(call|id)$/i

/** Control characters, those that break a line or turn its direction, and halves of pairs. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu

export const NO_CLASS = "It names no class."

/** Why nothing in a recording can have these times, as a sentence. */
export const wrongTimes = ({ start, end }: Stretch): string | undefined => {
  if (start < 0) return `It starts before the recording does, at ${start} s.`
  if (end < start) return `It ends at ${end} s, before it starts, at ${start} s.`
  return end > LATEST ? `It ends at ${end} s, later than any recording: are its times in seconds?` : undefined
}

/** Why nothing can be labelled so, as a sentence. */
export const wrongLabel = (label: string): string | undefined => {
  if (label === "") return NO_CLASS
  if (label.length > LONGEST_LABEL) return `Its label is longer than ${LONGEST_LABEL} characters.`
  const shown = label.replace(UNPRINTABLE, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`)
  if (shown !== label) return `Its label, "${shown}", holds characters that cannot be written, such as a line break.`
  if (isFolderName(label)) return undefined
  return `Its label, "${label}", cannot be a class's, which is a folder's name: write it with a letter or digit, without / and \\, and without a point in front.`
}

interface Measures {
  readonly confidence?: number | undefined
  readonly low?: number | undefined
  readonly high?: number | undefined
}

/** Why nothing can be so sure, or lie in such a band, as a sentence. */
export const wrongMeasures = ({ confidence, low, high }: Measures): string | undefined => {
  if (confidence !== undefined && !(confidence >= 0 && confidence <= 1)) {
    return `Its confidence, ${confidence}, is not from 0 to 1.`
  }
  if (low === undefined || high === undefined || low <= high) return undefined
  return `Its low frequency, ${low} Hz, is above its high one, ${high} Hz.`
}

/** Whether something ends behind its recording, by more than what is rounding, or a window that was filled up. */
const isBehind = ({ end }: Stretch, seconds: number): boolean => end > seconds + WINDOW / 2

/** What to say of something that ends behind its recording, of which it lies in part or altogether. */
export const beyondEnd = (times: Stretch, seconds: number): string | undefined => {
  if (!isBehind(times, seconds)) return undefined
  return times.start >= seconds
    ? `It lies behind ${endingAt(seconds)}: is it another's table?`
    : `It goes on behind ${endingAt(seconds)}, and is used up to there.`
}

/** A recording whose length is known, as sentences name it. */
const endingAt = (seconds: number): string => `the recording, which ends at ${Number(seconds.toFixed(3))} s`

/** What says of a point in time that it was listened to, and how all of the recording is said to be. */
export const pointHeard = (at: number, whole: string): string =>
  `It says of a point in time, at ${at} s, that it was listened to: give it an end, or ${whole} for all of the recording.`

/** Times as they are kept: to the millisecond. */
export const asKept = ({ start, end }: Stretch): Stretch => ({
  start: Number(start.toFixed(3)),
  end: Number(end.toFixed(3))
})

/** Why an annotation, as it is kept, would not be read again as one of its recording, whose length may be known. */
export const wrongAnnotation = (
  { label, confidence, low, high, ...times }: Annotation,
  seconds?: number
): string | undefined => {
  const reason =
    wrongTimes(times) ?? behind(times, seconds) ?? wrongMeasures({ confidence, low, high }) ?? wrongLabel(label)
  if (reason !== undefined) return reason
  if (COMPLETE.test(label)) return `Its label, "${label}", is no class: it says that a span was listened to.`
  return NOTHING.test(label) ? `Its label, "${label}", is no class: it says that nothing was found.` : undefined
}

/** Why a span, as it is kept, cannot be one that was listened to. */
export const wrongPart = (span: Stretch, seconds?: number): string | undefined =>
  wrongTimes(span) ?? (span.end > span.start ? behind(span, seconds) : pointHeard(span.start, "null"))

const behind = (times: Stretch, seconds: number | undefined): string | undefined =>
  seconds !== undefined && isBehind(times, seconds)
    ? `It ends at ${times.end} s, behind ${endingAt(seconds)}.`
    : undefined
