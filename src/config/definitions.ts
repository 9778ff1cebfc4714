import { runDefinitions } from "./runDefinitions.ts"
import { serviceDefinitions } from "./serviceDefinitions.ts"
import { storeDefinitions } from "./storeDefinitions.ts"

/** Every setting, in the order in which to describe them. */
export const definitions = { ...storeDefinitions, ...runDefinitions, ...serviceDefinitions }
