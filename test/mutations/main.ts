import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ffmpegBases, ownBases } from "./bases.ts"
import { type Row, watch } from "./watch.ts"

// Decodes damaged recordings by the thousand: `bun test/mutations/main.ts [COUNT] [FIRST SEED] [RESULTS]`. Results are
// appended to a file, if one is named, and those that it has are not made again: a run that was stopped goes on.

const [, , count = "10000", first = "0", results] = process.argv
/** Files that one process decodes, unless it is stopped. */
const CHUNK = 250

const rows = new Map<number, Row>()
if (results !== undefined && existsSync(results)) {
  for (const line of readFileSync(results, "utf8").split("\n").filter(Boolean)) {
    const row: Row = JSON.parse(line)
    rows.set(row.seed, row)
  }
}
const keep = (row: Row): void => {
  rows.set(row.seed, row)
  if (results !== undefined) appendFileSync(results, `${JSON.stringify(row)}\n`)
}

const folder = mkdtempSync(join(tmpdir(), "mutated-"))
const bases = [...ownBases(), ...ffmpegBases()]

/** A file that breaks a limit is decoded again, alone: what others left in the process is not its fault. */
const confirm = async (row: Row): Promise<Row> => {
  console.log(`${row.base}, seed ${row.seed}: ${row.fault}; once more, alone`)
  for await (const again of watch(bases, folder, row.seed, row.seed + 1)) return again
  return row
}

try {
  for (const { name, bytes } of bases) writeFileSync(join(folder, name), bytes)
  const end = Number(first) + Number(count)
  for (let seed = Number(first); seed < end; ) {
    if (rows.has(seed)) {
      seed++
      continue
    }
    for await (const row of watch(bases, folder, seed, Math.min(end, seed + CHUNK))) {
      keep(row.fault === "" ? row : await confirm(row))
      seed = row.seed + 1
    }
    console.log(`${seed - Number(first)} of ${count}`)
  }
  const table = bases.map(({ name }) => {
    const own = [...rows.values()].filter(({ base, seed }) => base === name && seed >= Number(first) && seed < end)
    return {
      base: name,
      read: own.filter(({ isRead }) => isRead).length,
      refused: own.filter(({ isRead }) => !isRead).length,
      seconds: own.reduce((most, { seconds }) => Math.max(most, seconds), 0).toFixed(1),
      MB: Math.round(own.reduce((most, { megabytes }) => Math.max(most, megabytes), 0)),
      faults: own.filter(({ fault }) => fault !== "").length
    }
  })
  console.table(table)
  const faults = [...rows.values()].filter(({ fault }) => fault !== "")
  for (const { base, seed, mutation, fault } of faults) console.log(`${base}, seed ${seed} (${mutation}): ${fault}`)
  process.exitCode = faults.length > 0 ? 1 : 0
} finally {
  rmSync(folder, { recursive: true })
}
