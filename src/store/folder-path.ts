import { join, sep } from "node:path"
import { Effect } from "effect"
import { OWN } from "./folder-list.ts"
import { refuseKey, StoreError } from "./store.ts"

/** Where a folder store has the object with this key; fails for one that no file can have. */
export const pathOf = Effect.fn("pathOf")(function* (root: string, key: string) {
  yield* refuseKey(key)
  const names = key.split("/")
  if (names.includes("") || names.at(-1)!.startsWith(OWN) || (sep === "\\" && key.includes("\\"))) {
    return yield* new StoreError({ reason: "invalid", key, message: `"${key}" cannot be the key of a file.` })
  }
  return join(root, ...names)
})
