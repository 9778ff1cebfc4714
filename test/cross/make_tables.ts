/**
 * Writes events as tables of every format, and as they are, for check_tables.py to read in Python.
 *
 * Usage: bun test/cross/make_tables.ts FOLDER
 */
import { NodeServices } from "@effect/platform-node"
import { Effect } from "effect"
import type { Event } from "../../src/classifier/events/event.ts"
import { TABLE_FORMATS, writeTables } from "../../src/runs/scan/tables.ts"
import { seededRandom } from "../../src/sound/random.ts"

const folder = process.argv[2]
if (folder === undefined) throw new Error("Say which folder to write to.")

const random = seededRandom(1)
const events = ["ridge/20250612_050000.wav", "valley/a, b.wav"].flatMap((name) =>
  Array.from({ length: 100 }, (_, at): Event => {
    const windows = 1 + Math.floor(4 * random())
    const peak = random()
    return {
      recording: `field_audio/${name}`,
      start: 4.8 * at,
      end: 4.8 * at + 0.48 * (windows + 1),
      class: ["dog_bark", "gun_shot", 'say "bird", twice'][at % 3]!,
      peak,
      mean: peak * 0.75,
      windows,
      at: new Date(Date.UTC(2025, 5, 12, 5) + 4800 * at).toISOString().slice(0, -1)
    }
  })
)
await Effect.runPromise(writeTables(folder, TABLE_FORMATS, events).pipe(Effect.provide(NodeServices.layer)))
await Bun.write(`${folder}/events.json`, JSON.stringify(events))
