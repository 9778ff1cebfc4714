import { Effect, Option } from "effect"
import type { Dataset } from "../../classifier/dataset.ts"
import { type PartOf, partsBy } from "../../classifier/evaluation/parts.ts"
import { compile } from "../../config/forms.ts"
import { backgroundOf } from "../../store/className.ts"
import { type EvaluateOptions, refuse } from "./options.ts"

/** The classes of background, and the kinds of it, that options beyond clips as they are need; absent where not asked for. */
export interface Asked {
  /** What soundscapes are made on. */
  readonly field?: { readonly background: string }
  /** What is mixed into it; undefined where nothing is. */
  readonly afar?: { readonly background: string | undefined }
  readonly unknown?: { readonly background: string; readonly kindOf: PartOf | undefined }
}

/** What these options need; refused in a sentence, before anything is trained, where these classes and keys do not have it. */
export const askedOf = Effect.fn("askedOf")(function* ({ classes, samples }: Dataset, options: EvaluateOptions) {
  const { background: given, field, afar, unknown, kinds } = options
  for (const name of [...(given === undefined ? [] : [given]), ...(field?.named ?? [])]) {
    if (!classes.includes(name)) {
      return yield* refuse(`There is no class "${name}": there are ${classes.join(", ")}.`)
    }
  }
  const found = given ?? backgroundOf(classes)
  const needed = (option: string) =>
    found === undefined
      ? refuse(`${option} needs a class of background: name it clips or background, or say --background.`)
      : Effect.succeed(found)
  const asked: { -readonly [K in keyof Asked]: Asked[K] } = {}
  if (field !== undefined) asked.field = { background: yield* needed("--field") }
  if (afar !== undefined) {
    const mixed = afar.find(({ isMixed }) => isMixed)
    asked.afar = { background: mixed && (yield* needed(`--afar ${mixed.name}`)) }
  }
  if (unknown || kinds !== undefined) {
    const background = yield* needed(unknown ? "--unknown" : "--kinds")
    const kindOf = kinds === undefined ? undefined : Option.getOrUndefined(Option.map(compile(kinds), partsBy))
    const keys = samples.flatMap(({ key, className }) => (className === background ? [key] : []))
    const [kind, ...others] = new Set(keys.map((key) => kindOf?.(key)).filter((own) => own !== undefined))
    if (kindOf !== undefined && others.length === 0) {
      const what = kind === undefined ? "finds nothing" : `finds nothing but ${kind}`
      return yield* refuse(`--kinds ${kinds} ${what} in the keys of "${background}", which look like ${keys[0]}.`)
    }
    asked.unknown = { background, kindOf }
  }
  return asked satisfies Asked
})
