import { totalmem } from "node:os"

/** Bytes of memory that this machine, or the container that this runs in, has. */
export const machineMemory = (): number => {
  // Systems that know no limit say so in various ways.
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}
