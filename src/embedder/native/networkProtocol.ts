import { Schema } from "effect"
import type { Protocol } from "../../processes/protocol.ts"
import { NetworkModel } from "./network.ts"
import { SharedSlots } from "./slots.ts"

/** What a process that runs a network is asked: to open it, and to embed what lies in a slot of shared memory. */
export const NetworkProtocol = {
  name: "embedding",
  about: Schema.Void,
  calls: {
    open: {
      payload: Schema.Struct({ network: NetworkModel, memory: SharedSlots }),
      event: Schema.Never,
      answer: Schema.Void
    },
    embed: {
      payload: Schema.Struct({ slot: Schema.Int, count: Schema.Int }),
      event: Schema.Never,
      answer: Schema.Void,
      // A batch takes some 30 ms: one that takes this long hangs.
      patience: 60_000
    }
  },
  inTurn: true
} satisfies Protocol
