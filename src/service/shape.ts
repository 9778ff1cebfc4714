import { Result, Schema, type SchemaIssue } from "effect"

// Bodies, forms and queries are read strictly, all of them here: what is misspelt or said twice would else be passed over,
// and the less a request says, the more is done for it.

type Readable = Schema.ConstraintDecoder<unknown>

/** What a body, form or query must be. */
export interface Rules {
  /** All of it, in a sentence. */
  readonly whole: string
  /** What each member must be, where one sentence would be long. */
  readonly members?: Readonly<Record<string, string>>
}

/** What may stand beside a form's file: texts. */
export interface FormShape<S extends Readable> {
  readonly fields: S
  readonly rules: Rules
}

/** Reads what a client sent as this shape and nothing besides, or says in a sentence which member is wrong, and how. */
export const readShape = <S extends Readable>(
  schema: S,
  rules: Rules
): ((value: unknown) => Result.Result<S["Type"], string>) => {
  const decode = Schema.decodeUnknownResult(schema)
  return (value) =>
    decode(value, { onExcessProperty: "error", errors: "all" }).pipe(
      Result.mapError(({ issue }) => sentenceOn(faultsIn(issue, []), value, rules))
    )
}

/** The first of these names that comes again. */
export const repeatedIn = (names: Iterable<string>): string | undefined => {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) return name
    seen.add(name)
  }
  return undefined
}

/** What a client is told that sent a field, parameter or member twice. */
export const givenTwice = (name: string): string => `${quoted(name)} is given twice: send it once.`

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}]/gs

/** A member that an object in this JSON has twice: of two, parsers take the last without a word. */
export const repeatedMember = (json: string): string | undefined => {
  const open: Array<Set<string>> = []
  for (const [token, colon] of json.matchAll(TOKEN)) {
    if (token === "{") open.push(new Set())
    else if (token === "}") open.pop()
    else if (colon !== undefined) {
      const name = String(JSON.parse(token.slice(0, -colon.length)))
      if (open.at(-1)?.has(name)) return name
      open.at(-1)?.add(name)
    }
  }
  return undefined
}

interface Fault {
  readonly path: ReadonlyArray<PropertyKey>
  readonly kind: SchemaIssue.Leaf["_tag"]
}

const faultsIn = (issue: SchemaIssue.Issue, path: Fault["path"]): ReadonlyArray<Fault> => {
  switch (issue._tag) {
    case "Pointer":
      return faultsIn(issue.issue, [...path, ...issue.path])
    case "Filter":
    case "Encoding":
      return faultsIn(issue.issue, path)
    case "Composite":
      return issue.issues.flatMap((one) => faultsIn(one, path))
    case "AnyOf":
      // Which of several shapes was meant is not known.
      return issue.issues.length === 1 ? faultsIn(issue.issues[0]!, path) : [{ path, kind: "InvalidValue" }]
    case "InvalidType":
      // Where nothing may stand, what stands there is too much.
      return [{ path, kind: issue.ast._tag === "Never" ? "UnexpectedKey" : issue._tag }]
    default:
      return [{ path, kind: issue._tag }]
  }
}

const sentenceOn = (faults: ReadonlyArray<Fault>, value: unknown, { whole, members }: Rules): string => {
  // One that is misspelt is missing, too, and how it is written says more.
  const { path, kind } = faults.find((fault) => fault.kind === "UnexpectedKey") ?? faults[0]!
  if (path.length === 0) return whole
  const name = quoted(path.map(String).join("."))
  const rule = members?.[String(path[0])]
  const what = rule === undefined ? `: ${whole.replace(/^The /, "the ")}` : `: it must be ${rule}.`
  switch (kind) {
    case "UnexpectedKey":
      return `${name} is not known here${members === undefined ? what : `: known are ${Object.keys(members).join(", ")}.`}`
    case "MissingKey":
      return `${name} is missing${what}`
    default:
      return `${name} cannot be ${cut(JSON.stringify(valueAt(value, path)) ?? "left out")}${what}`
  }
}

const valueAt = (value: unknown, path: Fault["path"]): unknown =>
  path.reduce<unknown>((inside, key) => (inside as Readonly<Record<PropertyKey, unknown>> | undefined)?.[key], value)

const MOST_SHOWN = 60

const cut = (text: string): string => (text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text)

const quoted = (name: string): string => `\`${cut(name)}\``
