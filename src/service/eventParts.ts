import { Effect, Schema } from "effect"
import { Event } from "../classifier/events/event.ts"
export const decodeEventPart = (_key: string, bytes: Uint8Array) =>
  Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Array(Event)))(new TextDecoder().decode(bytes)).pipe(Effect.orDie)
