import { dlopen } from "bun:ffi"

/** The C library, where onnxruntime has telemetry of its own. */
const LIBC: Partial<Record<NodeJS.Platform, string>> = { linux: "libc.so.6", darwin: "libSystem.B.dylib" }

/**
 * Microsoft's builds send it what models are named and made of, unless this variable is set before they are loaded. It must be set
 * in the C library: what Bun's `process.env` is given reaches child processes alone.
 */
const silence = () => {
  const libc = LIBC[process.platform]
  if (libc === undefined) return
  const { symbols, close } = dlopen(libc, { setenv: { args: ["ptr", "ptr", "int"], returns: "int" } })
  symbols.setenv(Buffer.from("ORT_DISABLE_TELEMETRY\0"), Buffer.from("1\0"), 0)
  close()
}

const load = async () => {
  silence()
  return await import("onnxruntime-node")
}

let loading: ReturnType<typeof load> | undefined

/**
 * onnxruntime, which tells nobody what it runs. Load it by this alone, and not before it is needed: a machine may lack its
 * libraries, and most commands do without.
 */
export const loadOnnxruntime = () => {
  loading ??= load()
  return loading
}
