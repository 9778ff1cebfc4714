import { Cause, Clock, Context, Effect, Layer, Logger, type LogLevel } from "effect"

/** How far a stage of a program is. */
export interface StageProgress {
  /** What is being done: "Uploading". */
  readonly stage: string
  /** What is counted: "files". */
  readonly unit: string
  readonly done: number
  /** Left out while it is not known. */
  readonly total?: number
  /** How fast it is, where units a second would not say it. */
  readonly speed?: string
  /** More to say behind the figures. */
  readonly note?: string
}

/** Text as one line that a terminal shows and does not obey: a name may hold line breaks and escape codes. */
export const printable = (text: string): string =>
  text.replace(CONTROLS, (letter) => `\\u{${letter.charCodeAt(0).toString(16)}}`)

// Controls of ASCII and Latin-1, line separators, and what turns the direction of writing.
const CONTROLS = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/** Where progress is shown: as a bar on a terminal, as lines elsewhere. */
export interface Screen {
  readonly isTerminal: boolean
  readonly columns: () => number
  readonly write: (text: string) => void
}

/** Milliseconds between two drawings of a bar, and between two lines. */
const REDRAW = 100
const REPEAT = 10_000

/** Shows how far a program is, one stage after another, and keeps other output clear of the bar. */
export class Reporter extends Context.Service<
  Reporter,
  {
    /** Says how far the stage is, or begins another; call it as often as there is news. */
    readonly progress: (progress: StageProgress) => Effect.Effect<void>
    /** Ends the stage, so that other output can follow. */
    readonly end: Effect.Effect<void>
    /** Prints a line, above the bar if there is one. */
    readonly print: (line: string) => void
  }
>()("ecosight/pipelines/cli/Reporter") {
  static readonly layerOn = (screen: Screen) =>
    Layer.effect(
      Reporter,
      Effect.gen(function* () {
        let stage:
          | { readonly first: StageProgress; readonly began: number; latest: StageProgress; shownAt: number }
          | undefined
        let bar = ""

        const show = (now: number, ended: boolean) => {
          if (stage === undefined) return
          stage.shownAt = now
          const text = describe(stage.latest, stage.latest.done - stage.first.done, (now - stage.began) / 1000, ended)
          if (!screen.isTerminal) return screen.write(`${stage.latest.stage}: ${text}\n`)
          const drawn = drawBar(stage.latest, text, screen.columns())
          screen.write(`\r\x1b[K${drawn}${ended ? "\n" : ""}`)
          bar = ended ? "" : drawn
        }

        const progress = Effect.fn("Reporter.progress")(function* (latest: StageProgress) {
          const now = yield* Clock.currentTimeMillis
          if (stage?.latest.stage !== latest.stage) {
            show(now, true)
            stage = { first: latest, began: now, latest, shownAt: now }
            if (screen.isTerminal) show(now, false)
          }
          stage.latest = latest
          if (now - stage.shownAt >= (screen.isTerminal ? REDRAW : REPEAT)) show(now, false)
        })

        const print = (line: string) => {
          const shown = printable(line)
          screen.write(bar === "" ? `${shown}\n` : `\r\x1b[K${shown}\n${bar}`)
        }

        const end = Effect.map(Clock.currentTimeMillis, (now) => {
          show(now, true)
          stage = undefined
        })

        yield* Effect.addFinalizer(() => end)
        return Reporter.of({ progress, end, print })
      })
    )

  /** On standard error, so that standard output holds results alone. */
  static readonly layer = Layer.suspend(() =>
    Reporter.layerOn({
      isTerminal: process.stderr.isTTY === true,
      // Some pseudo-terminals say 0.
      columns: () => process.stderr.columns || 80,
      write: (text) => void process.stderr.write(text)
    })
  )
}

/** Sends what the program logs through the reporter, as plain sentences. */
export const reporterLogger = Layer.unwrap(
  Effect.map(Reporter, ({ print }) =>
    Logger.layer([
      Logger.make(({ logLevel, message, cause }) => {
        const said = (Array.isArray(message) ? message : [message]).map(String).join(" ")
        // What is logged as a cause alone has its sentence there.
        const text = said === "" ? String(Cause.squash(cause)).split("\n")[0] : said
        print(`${PREFIXES[logLevel] ?? ""}${text}`)
      })
    ])
  )
)

const PREFIXES: Partial<Record<LogLevel.LogLevel, string>> = { Warn: "Warning: ", Error: "Error: ", Fatal: "Error: " }

// "532 of 1,200 files, 41.3 files/s, 0:16 left"; at the end "1,200 of 1,200 files, 40.0 files/s, in 0:30".
const describe = (
  { unit, done, total, speed: said, note }: StageProgress,
  since: number,
  seconds: number,
  ended: boolean
): string => {
  const rate = seconds > 0 ? since / seconds : 0
  const counts = total === undefined ? withCommas(done) : `${withCommas(done)} of ${withCommas(total)}`
  const time = ended ? [`in ${clock(seconds)}`] : total && rate > 0 ? [`${clock((total - done) / rate)} left`] : []
  const speed =
    said !== undefined
      ? [said]
      : rate > 0
        ? [`${rate < 100 ? rate.toFixed(1) : withCommas(Math.round(rate))} ${unit}/s`]
        : []
  return [`${counts} ${unit}`, ...speed, ...time, ...(note === undefined ? [] : [note])].join(", ")
}

const withCommas = (value: number): string => value.toLocaleString("en-US")

// 0:07, 12:30, 1:02:03
const clock = (seconds: number): string => {
  const whole = Math.max(0, Math.ceil(seconds))
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  const two = (value: number) => String(value).padStart(2, "0")
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(whole % 60)}`
}

const BAR = 24

const drawBar = ({ stage, done, total }: StageProgress, text: string, columns: number): string => {
  const filled = total ? Math.round((Math.min(done, total) / total) * BAR) : 0
  const drawn = `${"█".repeat(filled)}${"░".repeat(BAR - filled)} `
  return `${stage} ${total === undefined || columns < 80 ? "" : drawn}${text}`.slice(0, columns - 1)
}
