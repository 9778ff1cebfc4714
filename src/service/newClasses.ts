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

/** The classes that there are, in the store or in the model in use. */
export const knownClasses = Effect.gen(function* () {
  const { classes } = yield* (yield* Corpus).snapshot
  const model = yield* (yield* Current).model
  const inModel = Option.match(model, { onNone: () => [], onSome: ({ metadata }) => metadata.classes })
  return [...new Set([...classes.keys(), ...inModel])].sort()
})

/** Refuses what is no class: neither one that is there nor a name for one that may be new. */
export const checkClass = Effect.fn("checkClass")(function* (className: string) {
  const known = yield* knownClasses
  if (known.includes(className)) return
  if (!isClassName(className)) return yield* refuse(400, CLASS_NAME_RULE)
  if (yield* mayBeNew) return
  return yield* refuse(
    400,
    `There is no such class; known are ${known.join(", ") || "none yet"}. Set ALLOW_NEW_CLASSES=1 for new ones.`
  )
})
