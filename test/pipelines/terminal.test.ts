import { expect, test } from "bun:test"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Reporter, reporterLogger, type StageProgress } from "../../pipelines/cli/terminal.ts"

const EMBEDDING = { stage: "Embedding", unit: "clips", total: 200 }

/** What a reporter writes while `body` runs, on a clock that the test moves. */
const written = async (
  screen: { readonly isTerminal: boolean; readonly columns?: number },
  body: (reporter: Reporter["Service"]) => Effect.Effect<void>
) => {
  let text = ""
  const reporter = Reporter.layerOn({
    isTerminal: screen.isTerminal,
    columns: () => screen.columns ?? 100,
    write: (more) => {
      text += more
    }
  })
  const layers = reporterLogger.pipe(Layer.provideMerge(reporter))
  const program = Effect.flatMap(Reporter, body).pipe(Effect.provide(layers), Effect.provide(TestClock.layer()))
  await Effect.runPromise(program)
  return text
}

const after = (milliseconds: number, { progress }: Reporter["Service"], news: StageProgress) =>
  Effect.andThen(TestClock.adjust(milliseconds), progress(news))

test("elsewhere than on a terminal: a line every ten seconds, and one when a stage ends", async () => {
  const text = await written({ isTerminal: false }, (reporter) =>
    Effect.gen(function* () {
      yield* reporter.progress({ ...EMBEDDING, done: 0 })
      for (let second = 1; second <= 25; second++) yield* after(1000, reporter, { ...EMBEDDING, done: second * 8 })
      yield* reporter.progress({ stage: "Training", unit: "epochs", done: 0 })
      yield* after(1000, reporter, { stage: "Training", unit: "epochs", done: 1500 })
    })
  )
  expect(text.split("\n")).toEqual([
    "Embedding: 80 of 200 clips, 8.0 clips/s, 0:15 left",
    "Embedding: 160 of 200 clips, 8.0 clips/s, 0:05 left",
    "Embedding: 200 of 200 clips, 8.0 clips/s, in 0:25",
    "Training: 1,500 epochs, 1,500 epochs/s, in 0:01",
    ""
  ])
})

test("on a terminal: a bar that is redrawn ten times a second at most, and left where it ends", async () => {
  const text = await written({ isTerminal: true }, (reporter) =>
    Effect.gen(function* () {
      yield* reporter.progress({ ...EMBEDDING, done: 0 })
      for (let at = 1; at <= 50; at++) yield* after(20, reporter, { ...EMBEDDING, done: at })
    })
  )
  const drawings = text.split("\r\x1b[K")
  expect(drawings).toHaveLength(1 + 1 + 10 + 1)
  expect(drawings[1]).toBe(`Embedding ${"░".repeat(24)} 0 of 200 clips`)
  expect(drawings[2]).toBe(`Embedding █${"░".repeat(23)} 5 of 200 clips, 50.0 clips/s, 0:04 left`)
  expect(drawings.at(-1)).toBe(`Embedding ${"█".repeat(6)}${"░".repeat(18)} 50 of 200 clips, 50.0 clips/s, in 0:01\n`)
})

test("what is printed or logged goes above the bar, and after the stage plainly", async () => {
  const text = await written({ isTerminal: true }, (reporter) =>
    Effect.gen(function* () {
      yield* reporter.progress({ ...EMBEDDING, done: 0 })
      reporter.print("Refused a.wav")
      yield* Effect.logWarning("the disk is nearly full")
      yield* reporter.end
      yield* Effect.log("done")
    })
  )
  const bar = `Embedding ${"░".repeat(24)} 0 of 200 clips`
  expect(text).toBe(
    `\r\x1b[K${bar}\r\x1b[KRefused a.wav\n${bar}\r\x1b[KWarning: the disk is nearly full\n${bar}\r\x1b[K${bar}, in 0:00\ndone\n`
  )
})

test("line breaks and escape codes in names do not break the line they stand in", async () => {
  const text = await written({ isTerminal: false }, ({ print }) =>
    Effect.sync(() => print("Skipped dog/a\n\x1b[31mError: b\r\u2028\u202e.wav: It is empty."))
  )
  expect(text).toBe("Skipped dog/a\\u{a}\\u{1b}[31mError: b\\u{d}\\u{2028}\\u{202e}.wav: It is empty.\n")
})

test("a bar never takes more than a line", async () => {
  for (const columns of [20, 40, 79, 80, 200]) {
    const text = await written({ isTerminal: true, columns }, (reporter) =>
      Effect.andThen(
        reporter.progress({ ...EMBEDDING, total: 1_000_000, done: 0 }),
        after(1000, reporter, { ...EMBEDDING, total: 1_000_000, done: 7 })
      )
    )
    for (const drawing of text.split("\r\x1b[K")) expect(drawing.trimEnd().length).toBeLessThan(columns)
  }
})

test("a rate counts from where the stage began, and long times are in hours", async () => {
  const text = await written({ isTerminal: false }, (reporter) =>
    Effect.andThen(
      reporter.progress({ ...EMBEDDING, total: 100_000, done: 50_000 }),
      after(10_000, reporter, { ...EMBEDDING, total: 100_000, done: 50_100 })
    )
  )
  expect(text).toStartWith("Embedding: 50,100 of 100,000 clips, 10.0 clips/s, 1:23:10 left\n")
})
