import { existsSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

// Where Vulkan's loader looks for drivers, and what else tells of a card on Linux.
const DRIVER_FOLDERS = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"]
const DEVICES = ["/dev/dri", "/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg"]

/** Runs a program and gives what it prints, or undefined where it is missing or fails. */
const ask = (...command: ReadonlyArray<string>): string | undefined => {
  if (Bun.which(command[0]!) === null) return undefined
  const { success, stdout } = Bun.spawnSync([...command], { stdout: "pipe", stderr: "ignore" })
  return success ? stdout.toString().trim() : undefined
}

/** What this machine shows of a graphics card and its driver before WebGPU is asked. */
export interface Sight {
  /** One line for each thing that was looked for. */
  readonly lines: ReadonlyArray<string>
  /** What Dawn's environment needs for it to find the driver. */
  readonly environment: Readonly<Record<string, string>>
}

/**
 * Looks for a card, its driver and Vulkan's.
 *
 * NVIDIA's driver is often there without the file that tells Vulkan of it, as in containers: it is then written to
 * `folder`, and named in the environment.
 */
export const lookForCard = (folder: string): Sight => {
  const devices = DEVICES.filter((device) => existsSync(device))
  const named = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES
  const manifests = DRIVER_FOLDERS.filter((path) => existsSync(path)).flatMap((path) =>
    readdirSync(path).map((name) => join(path, name))
  )
  const libraries = ask("ldconfig", "-p") ?? ask("/sbin/ldconfig", "-p") ?? ""
  const library = (name: string) => new RegExp(`${name.replaceAll(".", "\\.")}\\b.*=> (\\S+)`).exec(libraries)?.[1]
  const nvidia = library("libGLX_nvidia.so.0") ?? library("libEGL_nvidia.so.0")
  const smi = ask("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")
  const lines = [
    `devices: ${devices.join(" ") || `none of ${DEVICES.join(" ")}`}`,
    `nvidia-smi: ${smi ?? "not there, or it fails"}`,
    `Vulkan loader: ${library("libvulkan.so.1") ?? `not installed; LD_LIBRARY_PATH is ${process.env.LD_LIBRARY_PATH ?? "empty"}`}`,
    `Vulkan drivers: ${named ?? (manifests.join(" ") || `none in ${DRIVER_FOLDERS.join(" ")}`)}`,
    `NVIDIA's Vulkan driver: ${nvidia ?? "not there"}`
  ]
  if (smi !== undefined && nvidia === undefined) {
    lines.push("The container has NVIDIA's driver without graphics: start it with NVIDIA_DRIVER_CAPABILITIES=all.")
  }
  const isToldOf = named !== undefined || manifests.some((path) => path.includes("nvidia"))
  if (nvidia === undefined || isToldOf) return { lines, environment: {} }
  const manifest = join(folder, "nvidia_icd.json")
  writeFileSync(
    manifest,
    JSON.stringify({ file_format_version: "1.0.0", ICD: { library_path: nvidia, api_version: "1.3.0" } })
  )
  return { lines: [...lines, `told Vulkan of ${nvidia} by ${manifest}`], environment: { VK_ICD_FILENAMES: manifest } }
}
