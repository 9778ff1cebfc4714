import { Effect, Option, Schema } from "effect"
import { readSpan } from "../sound/field/readField.ts"
import { encodeWav } from "../sound/wav.ts"
import { isFieldRecording } from "../store/keys.ts"
import { Store } from "../store/store.ts"

/** A part of a field recording, in seconds from its beginning. */
export const RecordingSpan = Schema.Struct({
  recording: Schema.String,
  start: Schema.Finite,
  end: Schema.Finite
})

/** There is no such sound; the message is for who asks for it. */
export class NoSound extends Schema.TaggedError<NoSound>()("NoSound", { message: Schema.String }) {}

/** A part of a field recording as a WAV file, mono, at its own rate; read from the store as far as its format needs. */
export const spanSound = Effect.fn("spanSound")(function* ({ recording, start, end }: typeof RecordingSpan.Type) {
  const store = yield* Store
  const found = isFieldRecording({ key: recording }) ? yield* store.find(recording) : Option.none()
  if (Option.isNone(found)) return yield* new NoSound({ message: "There is no such field recording (any more)." })
  const read = (from: number, to: number) => store.getRange(recording, from, to)
  const { samples, rate } = yield* readSpan(read, found.value.size, { from: start, to: end }).pipe(
    Effect.catchTag("DecodeError", ({ reason }) => Effect.fail(new NoSound({ message: reason })))
  )
  if (samples.length === 0) return yield* new NoSound({ message: "The recording ends before that." })
  return encodeWav({ samples, sampleRate: rate }).bytes
})
