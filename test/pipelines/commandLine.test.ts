import { expect, setDefaultTimeout, test } from "bun:test"
import { folderOf, runProgram } from "../support/program.ts"

setDefaultTimeout(180_000)

test.each([
  ["retrain", ["--epochs", "0"], '--epochs takes a whole number from 1 to 100,000, not "0".'],
  ["retrain", ["--epochs", "many"], '--epochs takes a number, not "many".'],
  ["retrain", ["--head", "foo"], '--head takes one of default, mlp, linear, audioset, layers, auto, not "foo".'],
  ["retrain", ["--epoch", "3"], "There is no flag --epoch: did you mean --epochs?"],
  ["retrain", ["recordings"], 'The command does not take "recordings"; what it takes is told above.'],
  ["upload", [], "<folder> is missing: the command needs it."],
  ["evaluate", ["--snr=loud"], '--snr takes decibels from and to, -100 to 100, such as -3,15, not "loud".'],
  ["evaluate", ["--snr=0,9999"], '--snr takes decibels from and to, -100 to 100, such as -3,15, not "0,9999".'],
  ["models", ["show", "../../x"], `<id> takes a version's run id, as bun run models list shows it, not "../../x".`],
  ["models", ["lst"], 'There is no "lst" here: did you mean list?']
] as const)("what %s is asked wrongly is told in a sentence: %j", async (program, args, sentence) => {
  const { code, stderr } = await runProgram(program, args)
  expect(code).toBe(1)
  expect(stderr).toContain(`ERROR\n  ${sentence}`)
  expect(stderr).not.toMatch(/Schema|RegExp|positional/)
})

test.each(["0", "-1", "NaN", "1e9", "601", "gun_shot=0", "2,gun_shot=0", "2,3", "a=1,a=2", "2,"])(
  "an event that has no length, or one that there is not, is refused: --event-seconds=%s",
  async (seconds) => {
    const { code, stderr } = await runProgram("evaluate", [`--event-seconds=${seconds}`])
    expect(code).toBe(1)
    expect(stderr).toContain(
      `ERROR\n  --event-seconds takes seconds from 0.01 to 600, of each class once, such as 2 or 2,gun_shot=1.5, not "${seconds}".`
    )
  }
)

test.each(["2025-02-30", "2025-13-45", "2025-06-12T24:30", "2025-06-12T05:00+01:99", "1969", "today"])(
  "a day or a time that there is not is refused: --since %s",
  async (since) => {
    const { code, stderr } = await runProgram("scan", ["--since", since])
    expect(code).toBe(1)
    expect(stderr).toContain(
      `ERROR\n  --since takes a day that there is, such as 2025-06-12, or a time such as 2025-06-12T05:00:00Z, not "${since}".\n`
    )
  }
)

test.each(["scan", "rescan"] as const)(
  "%s is told what events to tell by one rule, and not by two",
  async (program) => {
    await using folder = await folderOf({ "extracted_audio/dog/a.wav": "" })
    const run = async (...args: ReadonlyArray<string>) =>
      (await runProgram(program, ["--store", folder.root, ...args], { YAMNET_MODEL: "/nonexistent" })).stderr
    expect(await run("--alarms", "1", "--threshold", "0.9")).toContain(
      "ERROR\n  --threshold 0.9 says from which probability every class is told, and --alarms has that chosen: say one of them, or --threshold for single classes, such as gun_shot=0.7.\n"
    )
    expect(await run("--threshold", "gun_shot=0.9,gun_shot=0.8")).toContain("--threshold takes probabilities")
    // Alarms choose for all other classes.
    expect(await run("--alarms", "1", "--threshold", "gun_shot=0.7")).not.toContain("--threshold")
  }
)

test.each([
  ["models", ["list"]],
  ["watch", []],
  ["serve", ["--host", "0.0.0.0"]]
] as const)("where %s finds no store, which may be a name mistyped, it says so", async (program, args) => {
  await using folder = await folderOf({ "recordings/extracted_audio/dog/a.wav": "" })
  const run = async (store: string) => {
    // Without weights, and without a token for others, it ends by itself.
    const environment = { YAMNET_MODEL: "/nonexistent" }
    const { stdout, stderr } = await runProgram(program, [...args, "--store", `${folder.root}/${store}`], environment)
    return stdout + stderr
  }
  expect(await run("recordigns")).toContain(
    `${folder.root}/recordigns holds no folder "extracted_audio" yet: it is taken for a new store.`
  )
  expect(await run("recordings")).not.toContain("new store")
})
