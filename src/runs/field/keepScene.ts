import { dirname, join } from "node:path"
import { DateTime, Effect, FileSystem } from "effect"
import type { Soundscape, TrueEvent } from "../../classifier/evaluation/field/soundscape.ts"
import { encodeWav } from "../../sound/wav.ts"

/** When soundscapes begin, by their recorder's clock. */
const START = DateTime.makeUnsafe("2025-06-12T05:00:00Z")

/**
 * Writes a soundscape into a folder, laid out as a store: `field_audio/<site>/<time>.wav`, 16-bit mono, and beside it
 * `annotations/<site>/<time>.txt`, a Raven selection table of its events with their ratios.
 */
export const keepScene = Effect.fn("keepScene")(function* (
  folder: string,
  scene: Soundscape,
  { site, at, sampleRate }: { readonly site: string; readonly at: number; readonly sampleRate: number }
) {
  const { makeDirectory, writeFile, writeFileString } = yield* FileSystem.FileSystem
  const started = DateTime.add(START, { minutes: 30 * at })
  const time = DateTime.formatIso(started).slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "_")
  const path = `${site.replaceAll(/[^\p{L}\p{N}._-]+/gu, "_")}/${time}`
  const [sound, table] = [join(folder, "field_audio", `${path}.wav`), join(folder, "annotations", `${path}.txt`)]
  yield* Effect.forEach([sound, table], (file) => makeDirectory(dirname(file), { recursive: true }))
  const samples = scene.render(0, Math.round(scene.seconds * sampleRate))
  yield* writeFile(sound, encodeWav({ samples, sampleRate }).bytes)
  yield* writeFileString(table, ravenTable(scene.events, sampleRate))
})

/** A Raven selection table of known events. */
export const ravenTable = (events: ReadonlyArray<TrueEvent>, sampleRate: number): string => {
  const titles =
    "Selection,View,Channel,Begin Time (s),End Time (s),Low Freq (Hz),High Freq (Hz),Species,SNR (dB)".split(",")
  const rows = events.map(({ start, end, class: species, snr }, at) =>
    [
      at + 1,
      "Spectrogram 1",
      1,
      start.toFixed(3),
      end.toFixed(3),
      0,
      sampleRate / 2,
      species,
      snr?.toFixed(1) ?? ""
    ].join("\t")
  )
  return `${[titles.join("\t"), ...rows].join("\n")}\n`
}
