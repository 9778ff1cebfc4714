import { Effect } from "effect"
import { Store, StoreError } from "./store.ts"

/** The same store for who only looks: whatever would change it is refused, as `why` says. */
export const readOnly = (store: Store["Service"], why: string): Store["Service"] => {
  const refuse = (key: string) => Effect.fail(new StoreError({ reason: "denied", key, message: why }))
  const { stage: _, folder: __, ...others } = store
  return Store.of({ ...others, put: refuse, remove: refuse })
}
