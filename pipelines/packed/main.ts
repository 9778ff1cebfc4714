import { ecosight } from "../cli/ecosight.ts"
import { provideNativeParts } from "./nativeParts.ts"

// Where the one file begins. It starts itself for the programs that it has beside (`programPath`): their path comes first.

const [, , first = "", ...rest] = process.argv
if (first.startsWith("/$bunfs/root/")) {
  process.argv.splice(1, 1)
  await import(first)
} else {
  try {
    await ecosight(
      "ecosight",
      [first, ...rest].filter((word, place) => place > 0 || word !== ""),
      provideNativeParts
    )
  } catch (cause) {
    console.error(`\nERROR\n  ${cause instanceof Error ? cause.message : cause}`)
    process.exitCode = 1
  }
}
