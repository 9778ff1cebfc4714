import { existsSync } from "node:fs"
import { dirname } from "node:path"

// Chromium brings a software Vulkan driver and, beside it, the loader that Dawn looks for; another may be named.
const driver = process.env.VK_ICD_FILENAMES ?? "/usr/lib/chromium/vk_swiftshader_icd.json"

/** Whether WebGPU can run on this machine's processor. */
export const hasSoftwareAdapter = existsSync(driver)

/** For the names of tests that need it. */
export const needsSoftwareAdapter = hasSoftwareAdapter
  ? ""
  : ` (skipped: no Vulkan driver at ${driver}; Debian's chromium has one)`

/** Runs a program whose WebGPU adapter is the software one, and returns the JSON of its last line. */
export const runOnSoftwareAdapter = async <Report>(program: string): Promise<Report> => {
  const { LD_LIBRARY_PATH: libraries = "" } = process.env
  const child = Bun.spawn([process.execPath, program], {
    env: { ...process.env, VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH: `${libraries}:${dirname(driver)}` },
    stdout: "pipe",
    stderr: "pipe"
  })
  const [output, complaints] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  if ((await child.exited) !== 0) throw new Error(complaints)
  return JSON.parse(output.trim().split("\n").at(-1)!) as Report
}
