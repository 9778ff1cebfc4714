import { Schema } from "effect"
import type { Protocol } from "../../src/processes/protocol.ts"

const number = { payload: Schema.Number, event: Schema.Number, answer: Schema.Number }

const protocol = <const InTurn extends boolean>(inTurn: InTurn, patience: number) =>
  ({
    name: "echo",
    about: Schema.Struct({ pid: Schema.Int, knowsToken: Schema.Boolean }),
    calls: {
      double: { ...number, patience },
      /** Tells so many events, then answers how many they were. */
      count: number,
      /** Never answers, and says when it is given up. */
      linger: { ...number, answer: Schema.Never },
      measure: { ...number, payload: Schema.Uint8Array }
    },
    inTurn
  }) satisfies Protocol

/** One request after another. */
export const InTurn = protocol(true, 30_000)
/** All at once. */
export const AtOnce = protocol(false, 30_000)
/** One that hangs for a second is killed. */
export const Impatient = protocol(true, 1_000)
