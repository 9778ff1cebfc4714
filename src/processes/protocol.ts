import { Effect, Schema } from "effect"

// What two processes say to each other: requests by number, their events and answers. Messages go as structured clones,
// so that bytes and maps stay what they are.

/** A kind of request: what it brings, what is told of it while it is worked on, and what answers it. */
export interface Call<Payload = unknown, Event = unknown, Answer = unknown> {
  readonly payload: Schema.ConstraintCodec<Payload, unknown>
  readonly event: Schema.ConstraintCodec<Event, unknown>
  readonly answer: Schema.ConstraintCodec<Answer, unknown>
  /** Milliseconds without an event or an answer after which the process counts as hung, and is killed. */
  readonly patience?: number
}

/** Everything that may be said between a process and its owner. */
export interface Protocol {
  /** The process's name in sentences: "predictor". */
  readonly name: string
  /** What the process says of itself once it is ready. */
  readonly about: Schema.ConstraintCodec<unknown, unknown>
  readonly calls: Readonly<Record<string, Call>>
  /** Whether requests are worked on one after another, in their order, rather than all at once. */
  readonly inTurn: boolean
}

export type About<P extends Protocol> = P["about"]["Type"]
export type Kind<P extends Protocol> = keyof P["calls"] & string
export type Payload<P extends Protocol, K extends Kind<P>> = P["calls"][K]["payload"]["Type"]
export type Event<P extends Protocol, K extends Kind<P>> = P["calls"][K]["event"]["Type"]
export type Answer<P extends Protocol, K extends Kind<P>> = P["calls"][K]["answer"]["Type"]

/** A message that is not what the protocol allows: the other side is of another version, or wrong. */
export class ProtocolError extends Schema.TaggedError<ProtocolError>()("ProtocolError", { message: Schema.String }) {}

/** What goes to a process. */
export const ToProcess = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("request"), id: Schema.Int, call: Schema.String, payload: Schema.Unknown }),
  Schema.Struct({ kind: Schema.Literal("cancel"), id: Schema.Int })
])
export type ToProcess = typeof ToProcess.Type

/** What comes from a process. */
export const FromProcess = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("ready"), about: Schema.Unknown }),
  Schema.Struct({ kind: Schema.Literal("unusable"), message: Schema.String }),
  Schema.Struct({ kind: Schema.Literal("event"), id: Schema.Int, event: Schema.Unknown }),
  Schema.Struct({ kind: Schema.Literal("answer"), id: Schema.Int, answer: Schema.Unknown }),
  Schema.Struct({ kind: Schema.Literal("failure"), id: Schema.Int, tag: Schema.String, message: Schema.String })
])
export type FromProcess = typeof FromProcess.Type

/** Decodes a part of a message; `what` begins the sentence where that fails: "The predictor's answer". */
export const decodeMessage = <A>(
  what: string,
  schema: Schema.ConstraintCodec<A, unknown>,
  message: unknown
): Effect.Effect<A, ProtocolError> =>
  Schema.decodeUnknownEffect(schema)(message).pipe(
    Effect.mapError((cause) => new ProtocolError({ message: `${what} is not what it should be: ${cause.message}` }))
  )
