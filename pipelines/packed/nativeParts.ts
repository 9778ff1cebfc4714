import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { userCache } from "../../src/config/userCache.ts"
import { checksumOf } from "./checksum.ts"
import { NATIVE_PARTS, NATIVE_VERSION } from "./embedded.ts"

// The system's loader opens native libraries by path and where they may be run from, which a file within a file is not: they
// are unpacked once, into a folder that is named by their content.

/** The native parts cannot be used; the message is a sentence that says what to do. */
class NativePartsError extends Error {
  override toString() {
    return this.message
  }
}

const cache = process.env.MODEL_CACHE || userCache()
const folder = join(cache, `native-${NATIVE_VERSION}`)

const nativePart = (name: string): string => join(folder, name)

const require = createRequire("file:///")

/** What a native part that has been unpacked exports; throws a `NativePartsError`. */
export const loadNativePart = (name: string): unknown => {
  try {
    return require(nativePart(name))
  } catch (cause) {
    throw new NativePartsError(whyNotLoaded(nativePart(name), String(cause)))
  }
}

/** What the system's loader says, as a sentence. */
const whyNotLoaded = (path: string, said: string): string => {
  const version = /(GLIBC\w*_[\d.]+)'? not found/.exec(said)?.[1]
  if (version !== undefined)
    return `this system is too old, for it lacks ${version}; use a newer one, or the container.`
  const library = /(lib[\w.+-]+): cannot open/.exec(said)?.[1]
  if (library !== undefined) return `the library ${library} is missing; install it (libstdc++6 on Debian).`
  return `${path} is damaged, or not for this system; remove it, and it is unpacked anew.`
}

/** Whether it is there, byte for byte: a library that is damaged may end the process that loads it, without a word. */
const isWhole = ({ name, size, checksum }: (typeof NATIVE_PARTS)[number]): boolean =>
  statSync(nativePart(name), { throwIfNoEntry: false })?.size === size &&
  // Read, not mapped: Bun maps files to be written, which a read-only folder does not allow.
  checksumOf(readFileSync(nativePart(name))) === checksum

const ASK = "set MODEL_CACHE to a folder of yours with 70 MB free that programs may be run from."

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "it may not be written",
  EPERM: "it may not be written",
  EROFS: "it is read-only",
  ENOSPC: "no space is left",
  EDQUOT: "no space is left to this user",
  ENOENT: "it cannot be made",
  ENOTDIR: "it is not a folder",
  EEXIST: "it is not a folder"
}

const refuse = (cause: unknown): never => {
  const code = (cause as { readonly code?: string }).code ?? "unknown"
  throw new NativePartsError(`The native parts cannot be unpacked into ${cache} (${REASONS[code] ?? code}): ${ASK}`)
}

const unpackDamaged = () => {
  let draft: string | undefined
  try {
    if (NATIVE_PARTS.every(isWhole)) return
    // Written beside and renamed, since others may start at the same time.
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    draft = mkdtempSync(`${folder}-`)
    for (const { name, path } of NATIVE_PARTS) {
      writeFileSync(join(draft, name), Bun.zstdDecompressSync(readFileSync(path)))
      chmodSync(join(draft, name), 0o755)
      if (statSync(nativePart(name), { throwIfNoEntry: false })?.isDirectory())
        rmSync(nativePart(name), { recursive: true })
      renameSync(join(draft, name), nativePart(name))
    }
  } catch (cause) {
    refuse(cause)
  } finally {
    if (draft !== undefined) rmSync(draft, { recursive: true })
  }
}

/** Unpacks the native parts, where they are not yet, or are not what they were; throws a `NativePartsError`. */
export const provideNativeParts = (): void => {
  unpackDamaged()
  try {
    // Linux says so of a file on a file system that is mounted noexec.
    for (const { name } of NATIVE_PARTS) accessSync(nativePart(name), constants.X_OK)
  } catch {
    throw new NativePartsError(`The native parts in ${folder} may not be run (a folder mounted noexec?): ${ASK}`)
  }
}
