import { expect, spyOn, test } from "bun:test"
import { Effect } from "effect"
import { serviceLog } from "../../src/service/serviceLog.ts"
import { StoreError } from "../../src/store/store.ts"

const logged = async (effect: Effect.Effect<unknown, StoreError>) => {
  const lines: Array<string> = []
  const spies = (["log", "warn", "error", "info"] as const).map((name) =>
    spyOn(console, name).mockImplementation((...parts) => void lines.push(parts.join(" ")))
  )
  await Effect.runPromise(effect.pipe(Effect.ignore({ log: "Warn" }), Effect.provide(serviceLog))).catch(
    () => undefined
  )
  for (const spy of spies) spy.mockRestore()
  return lines.join("\n")
}

test("a failure that is passed over is one line, without where in the program it arose", async () => {
  const message = "runs/lease.json cannot be read: this user may not do that."
  const text = await logged(Effect.fail(new StoreError({ reason: "denied", key: "a", message })))
  expect(text).toContain(message)
  expect(text).not.toContain(".ts:")
})
