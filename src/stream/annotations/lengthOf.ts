import { Effect } from "effect"
import { readLength } from "../../sound/field/readLength.ts"
import { isNoFile, type ObjectInfo, Store } from "../../store/store.ts"

/** How many seconds a field recording has, where that can be told without decoding it. */
export const lengthOf = Effect.fn("lengthOf")(function* ({ key, size }: Pick<ObjectInfo, "key" | "size">) {
  const store = yield* Store
  return yield* readLength((from, to) => store.getRange(key, from, to), size).pipe(
    // No file at all: whoever reads it says so.
    Effect.catchIf(isNoFile, () => Effect.succeed(undefined))
  )
})
