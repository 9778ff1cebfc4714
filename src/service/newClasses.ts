import { Effect, Option } from "effect"
import { Settings } from "../config/settings.ts"
import { CLASS_NAME_RULE, isClassName } from "../store/className.ts"
import { isUploadName } from "../store/keys.ts"
import { Corpus } from "./corpus.ts"
import { Current } from "./current.ts"
import { refuse } from "./refusal.ts"

/**
 * Whether requests may name classes that have no recording yet: where ALLOW_NEW_CLASSES says so, and while a store is
 * being set up: it has no model yet, and nothing but what was uploaded to it.
 */
export const mayBeNew = Effect.gen(function* () {
  const { allowNewClasses } = yield* Settings
  if (allowNewClasses) return true
  const { objects } = yield* (yield* Corpus).snapshot
  return Option.isNone(yield* (yield* Current).model) && objects.every(({ key }) => isUploadName(key))
})

/** Refuses what is no class: neither one that is there, in the store or in the model, nor a name for one that may be new. */
export const checkClass = Effect.fn("checkClass")(function* (className: string) {
  const { classes } = yield* (yield* Corpus).snapshot
  const model = yield* (yield* Current).model
  const known = new Set([
    ...classes.keys(),
    ...Option.match(model, { onNone: () => [], onSome: ({ metadata }) => metadata.classes })
  ])
  if (known.has(className)) return
  if (!isClassName(className)) return yield* refuse(400, CLASS_NAME_RULE)
  if (yield* mayBeNew) return
  return yield* refuse(
    400,
    `There is no such class; known are ${[...known].sort().join(", ") || "none yet"}. Set ALLOW_NEW_CLASSES=1 for new ones.`
  )
})
