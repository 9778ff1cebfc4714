import { homedir } from "node:os"
import { join } from "node:path"

/** Where programs keep what they can make again: by XDG's rules, which hold on any system where the variable is set. */
export const userCache = () => join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "ecosight")
