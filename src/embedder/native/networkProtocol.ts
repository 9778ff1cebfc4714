import { Schema } from "effect"
import type { Protocol } from "../../processes/protocol.ts"
import { NetworkModel } from "./network.ts"
import { SharedSlots } from "./slots.ts"

/** Milliseconds. To open a network takes some 100, a batch 30: what takes this long hangs. */
const PATIENCE = 60_000

/** What a process that runs a network is asked: to open it, and to embed what lies in a slot of shared memory. */
export const NetworkProtocol = {
  name: "embedding",
  about: Schema.Void,
  calls: {
    open: {
      payload: Schema.Struct({ network: NetworkModel, memory: SharedSlots }),
      event: Schema.Never,
      answer: Schema.Void,
      patience: PATIENCE
    },
    embed: {
      payload: Schema.Struct({ slot: Schema.Int, count: Schema.Int }),
      event: Schema.Never,
      answer: Schema.Void,
      patience: PATIENCE
    }
  },
  inTurn: true
} satisfies Protocol
