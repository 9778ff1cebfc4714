import { resolve } from "node:path"

const besideTheCheckout = resolve(import.meta.dir, "../..")

/** A folder that `variable` names, else one called `name` in any folder beside the checkout, if it holds `marker`. */
const findFolder = (variable: string, name: string, marker: string): string | undefined => {
  const named = process.env[variable]
  const [found] = new Bun.Glob(named === undefined ? `*/${name}/${marker}` : marker).scanSync({
    cwd: named ?? besideTheCheckout,
    absolute: true,
    onlyFiles: false
  })
  return found?.slice(0, -marker.length - 1)
}

/** YAMNet as a TensorFlow.js model folder; its licence would allow to carry it, its 15 MB do not. */
export const yamnetFolder = findFolder("ECOSIGHT_YAMNET", "yamnet", "model.json")

/** Field recordings laid out as a store; their licence forbids to carry them. */
export const recordingsFolder = findFolder("ECOSIGHT_REAL_AUDIO", "real-audio", "extracted_audio")

/** For the names of tests that need them. */
export const needsYamnet = yamnetFolder === undefined ? " (skipped: set ECOSIGHT_YAMNET to a YAMNet model folder)" : ""
export const needsRecordings =
  recordingsFolder === undefined ? " (skipped: set ECOSIGHT_REAL_AUDIO to a folder of field recordings)" : ""
