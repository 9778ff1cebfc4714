import { Schema } from "effect"

/** What `uploads/<content>.json` says: where the recording with these bytes lies. */
export const Receipt = Schema.Struct({ key: Schema.String, class: Schema.String })
