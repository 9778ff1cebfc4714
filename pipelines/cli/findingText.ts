import { counted } from "../../src/config/inWords.ts"
import type { Finding } from "../../src/runs/doctor/finding.ts"
import { printable } from "./terminal.ts"

const WORDS = { ok: "ok", note: "note", wrong: "mend" } as const

/** A finding as a line: whether it is in order, what was looked at, and what was found. */
export const describeFinding = ({ check, state, says }: Finding): string =>
  printable(`${WORDS[state].padEnd(4)}  ${check.padEnd(10)}  ${says}`)

/** How many there are to mend, in a sentence. */
export const countWrong = (wrong: number): string =>
  wrong === 0 ? "Nothing has to be mended." : `${counted(wrong, "thing has", "things have")} to be mended: see above.`
