import { ecosight } from "../cli/ecosight.ts"
import { provideNativeParts } from "./nativeParts.ts"

// Where the one file begins. It starts itself for the programs that it has beside (`programPath`): their path comes first.

const given = process.argv.slice(2)
if (given[0]?.startsWith("/$bunfs/root/")) {
  process.argv.splice(1, 1)
  await import(given[0])
} else {
  try {
    await ecosight("ecosight", given, provideNativeParts)
  } catch (cause) {
    console.error(`\nERROR\n  ${cause instanceof Error ? cause.message : cause}`)
    process.exitCode = 1
  }
}
