import { isIP } from "node:net"
import { Option, Schema, SchemaTransformation } from "effect"

// What settings are written as, and what they mean.

export const matching = (pattern: RegExp) => Schema.String.check(Schema.isPattern(pattern))

/** How numbers are written: in decimal digits, and neither as `0x1` nor `1e3`, as JavaScript would read them. */
export const WHOLE = /^\d+$/
export const DECIMAL = /^\d+(\.\d+)?$/

export const wholeNumber = (minimum: number, maximum: number) =>
  matching(WHOLE).pipe(Schema.decodeTo(Schema.NumberFromString.check(Schema.isBetween({ minimum, maximum }))))

export const seconds = matching(DECIMAL).pipe(
  Schema.decodeTo(Schema.NumberFromString.check(Schema.isBetween({ minimum: 1, maximum: 3600 })))
)

export const share = matching(/^\d+(\.\d+)?%?$/).pipe(
  Schema.decodeTo(
    Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
    SchemaTransformation.transform({
      decode: (text) => Number.parseFloat(text) / (text.endsWith("%") ? 100 : 1),
      encode: String
    })
  )
)

// Unicode mode for \p{...}; without it where it is too strict, as for the common but needless escape in "\-".
export const compile = (text: string): Option.Option<RegExp> =>
  Option.orElse(compileUnicode(text), () => compilePlain(text))
export const splitList = (text: string): ReadonlyArray<string> =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")

const compileUnicode = Option.liftThrowable((text: string) => new RegExp(text, "u"))
const compilePlain = Option.liftThrowable((text: string) => new RegExp(text))

export const yesOrNo = Schema.Literals(["1", "0", "true", "false"]).pipe(
  Schema.decodeTo(
    Schema.Boolean,
    SchemaTransformation.transform({
      decode: (text) => text === "1" || text === "true",
      encode: (value) => (value ? ("1" as const) : ("0" as const))
    })
  )
)

const isWebAddress = (url: URL | null): url is URL => url !== null && /^https?:$/.test(url.protocol)

export const webAddress = Schema.String.check(
  Schema.makeFilter((text) => {
    const url = URL.parse(text)
    return isWebAddress(url) && url.username === "" && url.password === ""
  })
)

const decodePercent = Option.liftThrowable(decodeURIComponent)

/** An address that a user and a password may stand in. */
export const guardedAddress = Schema.String.check(
  Schema.makeFilter((text) => {
    const url = URL.parse(text)
    return isWebAddress(url) && Option.isSome(decodePercent(url.username + url.password))
  })
)

export const address = { allowed: "an address such as http://localhost:9000", schema: webAddress }

/**
 * A text for people, such as a message, with the user and the password of any address in it left out; also where its scheme was
 * forgotten or mistyped.
 */
export const withoutCredentials = (text: string): string =>
  text.replaceAll(/(?<=:\/\/)[^\s/?#"']*@|(?<=^|\/)[^\s/?#"':]+:[^\s/?#"']*@/g, "***@")

/** Whether this is an address, or a network such as `10.0.0.0/8`. */
export const isNetwork = (text: string): boolean => {
  const [address = "", length, ...others] = text.split("/")
  const most = { 4: 32, 6: 128 }[isIP(address)]
  return (
    most !== undefined &&
    others.length === 0 &&
    (length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= most))
  )
}

/** What PRECISION may be. */
export const PRECISION_NAMES = ["float32", "float16", "int8"] as const

/** Variants that are made of recordings only where VARIANTS asks for them; src/augment/ has what they are. */
export const FURTHER_NAMES = ["low_pass"] as const
export type FurtherVariant = (typeof FURTHER_NAMES)[number]

/** Names of such variants in a list, in a fixed order, none of them twice, or `none`; undefined where one of them is none. */
export const furtherVariants = (text: string): ReadonlyArray<FurtherVariant> | undefined => {
  const asked = splitList(text)
  if (asked.length === 1 && asked[0] === "none") return []
  const known = FURTHER_NAMES.filter((name) => asked.includes(name))
  return known.length === new Set(asked).size ? known : undefined
}
