// What detections found of the events that are known to be in recordings, from Raven's tables of both:
//
//   bun bench/experiments/fieldScores.ts TRUTH DETECTIONS --minutes 30
//
// TRUTH and DETECTIONS are folders of tables, one a recording and in the same folders below; each recording lasts so many
// minutes. Detections have a column Confidence or Score; truth may have one of signal-to-noise ratios, SNR (dB). So models of
// any make are measured as `evaluate --field` measures its own.
import { readdir, readFile } from "node:fs/promises"
import { join, relative } from "node:path"
import { parseArgs } from "node:util"
import { table } from "../../pipelines/cli/summaryText.ts"
import { bandsOf, measureSweep, sweepDetections } from "../../src/classifier/evaluation/field/sweep.ts"
import { ALARM_RATES } from "../../src/config/alarmRates.ts"

/** A row of a table. */
export interface Selection {
  readonly start: number
  readonly end: number
  readonly class: string
  readonly score: number
  readonly snr?: number
}

const START = ["begin time (s)", "start (s)"]
const END = ["end time (s)", "end (s)"]
const CLASS = ["species", "annotation", "class", "common name", "label"]
const SCORE = ["confidence", "score"]
const RATIO = ["snr (db)"]

/** The rows of a Raven table; without a column of scores, all have 1. */
export const readSelections = (text: string): ReadonlyArray<Selection> => {
  const [head = "", ...lines] = text.split(/\r?\n/)
  const titles = head.split("\t").map((title) => title.trim().toLowerCase())
  const column = (names: ReadonlyArray<string>) => titles.findIndex((title) => names.includes(title))
  const [start, end, kind, score, ratio] = [START, END, CLASS, SCORE, RATIO].map(column) as [number, ...Array<number>]
  if (start < 0 || end! < 0 || kind! < 0) {
    throw new Error(`A table needs the columns ${START[0]}, ${END[0]} and ${CLASS[0]}, but has ${titles.join(", ")}.`)
  }
  return lines
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const cells = line.split("\t")
      return {
        start: Number(cells[start]),
        end: Number(cells[end!]),
        class: cells[kind!]!.trim(),
        score: score! < 0 ? 1 : Number(cells[score!]),
        ...(ratio! < 0 ? {} : { snr: Number(cells[ratio!]) })
      }
    })
}

/** A recording's events and what was detected in it. */
export interface Scored {
  readonly truth: ReadonlyArray<Selection>
  readonly detections: ReadonlyArray<Selection>
}

/** A class, or those of its events in a band of ratios, with how many were found at each rate. */
export interface Row {
  readonly className: string
  readonly band: string
  readonly events: number
  readonly found: ReadonlyArray<number>
  readonly averagePrecision: number | undefined
}

/** Each class of the truth, then each of its bands. */
export const scoreTables = (
  recordings: ReadonlyArray<Scored>,
  secondsEach: number,
  snr: readonly [number, number] = [-3, 15]
): ReadonlyArray<Row> => {
  const bands = bandsOf(snr)
  const known = recordings.map(({ truth }) => ({
    seconds: secondsEach,
    // Tables do not tell sources, and nothing is drawn anew here.
    bed: [{ start: 0, source: "" }],
    events: truth.map((event) => ({ ...event, source: "" }))
  }))
  const classes = [...new Set(recordings.flatMap(({ truth }) => truth.map((event) => event.class)))].sort()
  return classes.flatMap((className): ReadonlyArray<Row> => {
    const own = recordings.map(({ detections }) => detections.filter((detection) => detection.class === className))
    const scores = [...new Set(own.flat().map(({ score }) => score))].sort((a, b) => b - a)
    const sweep = sweepDetections(known, className, bands, scores, (threshold) =>
      own.map((detections) => detections.filter(({ score }) => score >= threshold))
    )
    const { recalls, banded, averagePrecision } = measureSweep(sweep, ALARM_RATES, [1])
    const row = (band: string, events: number, shares: ReadonlyArray<number>): Row => ({
      className,
      band,
      events,
      found: shares.map((share) => (events === 0 ? 0 : Math.round(share * events))),
      averagePrecision: band === "all" ? averagePrecision : undefined
    })
    return [
      row("all", sweep.events[0]!, recalls),
      ...bands.map(({ from, to }, at) => row(`${from} to ${to} dB`, sweep.banded[at]![0]!, banded[at]!))
    ]
  })
}

/** A table's name without what programs add to a recording's. */
const recordingOf = (path: string): string =>
  path.replace(/(\.BirdNET|\.Table\.\d+)?(\.selections?(\.table)?)?\.(txt|csv)$/i, "")

const tablesIn = async (folder: string) => {
  const names = (await readdir(folder, { recursive: true })).filter((name) => /\.txt$/i.test(name))
  return new Map(
    await Promise.all(
      names.map(async (name) => {
        const path = join(folder, name)
        return [recordingOf(relative(folder, path)), readSelections(await readFile(path, "utf8"))] as const
      })
    )
  )
}

if (import.meta.main) {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { minutes: { type: "string", default: "30" } }
  })
  const [truth, detections] = await Promise.all(positionals.slice(0, 2).map(tablesIn))
  if (truth === undefined || detections === undefined)
    throw new Error("Name the folder of the truth, and that of the detections.")
  const recordings = [...truth].map(([name, own]) => ({ truth: own, detections: detections.get(name) ?? [] }))
  const silent = [...truth.keys()].filter((name) => !detections.has(name))
  if (silent.length > 0) console.log(`Nothing was detected in ${silent.join(", ")}.`)
  const rows = scoreTables(recordings, 60 * Number(values.minutes))
  console.log(
    table([
      ["class", "ratio", "events", ...ALARM_RATES.map((rate) => `found at ${rate}/h`), "average precision"],
      ...rows.map(({ className, band, events, found, averagePrecision }) => [
        className,
        band,
        String(events),
        ...found.map(String),
        averagePrecision?.toFixed(3) ?? ""
      ])
    ])
  )
}
