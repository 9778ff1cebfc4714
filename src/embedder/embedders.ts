import type { FrontEnd } from "./frontEnd.ts"
import { frontEnd as yamnet } from "./yamnet/frontEnd.ts"
import { findYamnet } from "./yamnet/yamnet.ts"

/** How an embedder comes by its weights: they are kept in `folder`. */
type Find = typeof findYamnet

/** Every embedder by its id; a new one is a folder beside `yamnet/` and a line here. */
export const EMBEDDERS: Readonly<Record<string, { readonly frontEnd: FrontEnd; readonly find: Find }>> = {
  yamnet: { frontEnd: yamnet, find: findYamnet }
}
