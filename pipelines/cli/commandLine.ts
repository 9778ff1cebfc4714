import { CliError, CliOutput } from "effect/cli"

/**
 * How a command tells what it was asked wrongly: each mistake is a sentence that says what is wrong and what to do. All
 * else is told as Effect does it.
 */
export const plainErrors = (): CliOutput.Formatter => {
  const formatter = CliOutput.defaultFormatter()
  return {
    ...formatter,
    formatErrors: (errors) =>
      formatter.formatErrors(errors.map((error) => new CliError.ValidationError({ message: sentenceOf(error) })))
  }
}

const sentenceOf = (error: CliError.CliError): string => {
  switch (error._tag) {
    case "InvalidValue": {
      const name = error.kind === "flag" ? `--${error.option}` : `<${error.option}>`
      return `${name} takes ${inWords(error.expected)}${error.value === "" ? "." : `, not "${error.value}".`}`
    }
    case "UnrecognizedOption":
      return `There is no flag ${error.option}${perhaps(error.suggestions)}`
    case "UnknownSubcommand":
      return `There is no "${error.subcommand}" here${perhaps(error.suggestions)}`
    case "MissingOption":
      return `--${error.option} is missing: the command needs it.`
    case "MissingArgument":
      return `<${error.argument}> is missing: the command needs it.`
    case "UnexpectedArgument":
      return `The command does not take ${error.arguments.map((value) => `"${value}"`).join(", ")}; what it takes is told above.`
    default:
      return error.message
  }
}

const perhaps = (suggestions: ReadonlyArray<string>): string =>
  suggestions.length === 0 ? "; those there are stand above." : `: did you mean ${suggestions.join(" or ")}?`

/** What is expected, without the ways of a schema: flags' own checks say it in words. */
const inWords = (expected: string): string => {
  const what = expected.replace(/^(Schema validation failed: )?(Expected:? )?/, "")
  if (what.includes("integer")) return "a whole number"
  if (what.includes("finite number")) return "a number"
  return what.includes(`" | "`) ? `one of ${what.replaceAll(`" | "`, ", ").replaceAll(`"`, "")}` : what
}
