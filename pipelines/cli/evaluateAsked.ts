import { Effect, Option } from "effect"
import { CliError } from "effect/cli"
import type { Dataset } from "../../src/classifier/dataset.ts"
import type { Way } from "../../src/classifier/evaluation/afar/ways.ts"
import { type PartOf, partsBy } from "../../src/classifier/evaluation/parts.ts"
import { compile } from "../../src/config/forms.ts"
import { backgroundOf } from "../../src/store/className.ts"
import { waysOf } from "./evaluateFlags.ts"

/** What evaluate is asked for beyond clips as they are. */
export interface Asked {
  /** What soundscapes are made on. */
  readonly field?: { readonly background: string }
  readonly afar?: { readonly ways: ReadonlyArray<Way>; readonly background: string | undefined }
  readonly unknown?: { readonly background: string; readonly kindOf: PartOf | undefined }
}

interface Options {
  readonly background: Option.Option<string>
  readonly field: boolean
  readonly keep: Option.Option<string>
  readonly afar: Option.Option<string>
  readonly unknown: boolean
  readonly kinds: Option.Option<string>
}

/** What these options ask for; refused in a sentence, before anything is trained, where these classes and keys do not allow it. */
export const askedOf = Effect.fn("askedOf")(function* ({ classes, samples }: Dataset, options: Options) {
  const given = Option.getOrUndefined(options.background)
  if (given !== undefined && !classes.includes(given)) {
    return yield* refuse(`There is no class "${given}": there are ${classes.join(", ")}.`)
  }
  const found = given ?? backgroundOf(classes)
  const needed = (option: string) =>
    found === undefined
      ? refuse(`${option} needs a class of background: name it clips or background, or say --background.`)
      : Effect.succeed(found)
  const asked: { -readonly [K in keyof Asked]: Asked[K] } = {}
  if (options.field || Option.isSome(options.keep)) asked.field = { background: yield* needed("--field") }
  if (Option.isSome(options.afar)) {
    const ways = waysOf(options.afar.value)!
    const mixed = ways.find(({ isMixed }) => isMixed)
    asked.afar = { ways, background: mixed && (yield* needed(`--afar ${mixed.name}`)) }
  }
  if (options.unknown || Option.isSome(options.kinds)) {
    const background = yield* needed(options.unknown ? "--unknown" : "--kinds")
    const kindOf = Option.getOrUndefined(Option.map(Option.flatMap(options.kinds, compile), partsBy))
    const keys = samples.flatMap(({ key, className }) => (className === background ? [key] : []))
    const [kind, ...others] = new Set(keys.map((key) => kindOf?.(key)).filter((own) => own !== undefined))
    if (kindOf !== undefined && others.length === 0) {
      const what = kind === undefined ? "finds nothing" : `finds nothing but ${kind}`
      return yield* refuse(
        `--kinds ${Option.getOrThrow(options.kinds)} ${what} in the keys of "${background}", which look like ${keys[0]}.`
      )
    }
    asked.unknown = { background, kindOf }
  }
  return asked satisfies Asked
})

const refuse = (cause: string) => Effect.fail(new CliError.UserError({ cause: new Error(cause) }))
