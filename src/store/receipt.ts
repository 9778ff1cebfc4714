import { Schema } from "effect"
import { isRecordingPlace } from "./keys.ts"

/** The key of a recording, in a document that says where one lies or goes: nothing else is moved or written over for it. */
export const RecordingPlace = Schema.String.check(Schema.makeFilter(isRecordingPlace))

/** What `uploads/<content>.json` says: where the recording with these bytes lies. */
export const Receipt = Schema.Struct({ key: RecordingPlace, class: Schema.String })
