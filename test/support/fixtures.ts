import { existsSync } from "node:fs"
import { dirname, resolve } from "node:path"

const besideTheCheckout = resolve(import.meta.dir, "../../..")

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

/** A software Vulkan driver: the one named, else the one that Debian's chromium brings. */
const driver = process.env.VK_ICD_FILENAMES ?? "/usr/lib/chromium/vk_swiftshader_icd.json"
export const hasDriver = existsSync(driver)
export const needsDriver = hasDriver ? "" : ` (skipped: no Vulkan driver at ${driver}; Debian's chromium has one)`

/** Runs a program of the tests on the driver, in a process of its own, and reads the JSON of its last line. */
export const runOnDriver = async (program: string): Promise<unknown> => {
  const child = Bun.spawn([process.execPath, program], {
    // Chromium's Vulkan loader lies beside its driver, where a machine may have no other.
    env: { LD_LIBRARY_PATH: dirname(driver), ...process.env, VK_ICD_FILENAMES: driver },
    stdout: "pipe",
    stderr: "pipe"
  })
  const [output, complaints] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  if ((await child.exited) !== 0) throw new Error(complaints)
  return JSON.parse(output.trim().split("\n").at(-1)!)
}
