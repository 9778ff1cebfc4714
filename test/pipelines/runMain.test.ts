import { expect, setDefaultTimeout, test } from "bun:test"
import { join } from "node:path"

setDefaultTimeout(180_000)

/** A program of this effect, in a process of its own. */
const program = (effect: string) =>
  Bun.spawn(
    [
      "bun",
      "-e",
      `import { Console, Effect } from "effect"
       import { runMain } from ${JSON.stringify(join(import.meta.dir, "../../pipelines/cli/runMain.ts"))}
       import { tellFailure } from ${JSON.stringify(join(import.meta.dir, "../../pipelines/cli/failure.ts"))}
       runMain(${effect})`
    ],
    { cwd: import.meta.dir, stdout: "pipe", stderr: "pipe" }
  )

test.each([
  ["SIGTERM", 143],
  ["SIGINT", 130]
] as const)("%s ends a program in order, and shows in its exit code", async (signal, code) => {
  const child = program(
    `Console.log("begun").pipe(Effect.andThen(Effect.never), Effect.onInterrupt(() => Console.log("in order")))`
  )
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader()
  expect((await reader.read()).value).toBe("begun\n")
  child.kill(signal)
  expect((await reader.read()).value).toBe("in order\n")
  expect(await child.exited).toBe(code)
})

test.each([
  "Effect.die(new RangeError('Out of memory'))",
  "Effect.fail({ message: 'Error: Exception during loading: std::bad_alloc' })"
])("too little memory is told in a sentence, and no more: %s", async (effect) => {
  const child = program(effect)
  const said = await new Response(child.stderr).text()
  expect(await child.exited).toBe(1)
  expect(said).toContain("There is not enough memory: give it more")
  expect(said).not.toContain("    at ")
})

test("what succeeds ends with 0, what fails with 1", async () => {
  expect(await program("Effect.void").exited).toBe(0)
  expect(await program("Effect.fail('no')").exited).toBe(1)
})

test("a command that is stopped says so in words in its object, too", async () => {
  const child = program("Console.error('begun').pipe(Effect.andThen(Effect.never), tellFailure(true))")
  await child.stderr.getReader().read()
  child.kill("SIGINT")
  expect(JSON.parse(await new Response(child.stdout).text())).toEqual({
    status: "cancelled",
    reason: "It was stopped before its end."
  })
})
