import { expect, test } from "bun:test"
import { Effect } from "effect"
import { programPath } from "../../src/processes/programPath.ts"
import { startWorker } from "../../src/processes/startWorker.ts"

const echo = startWorker<string | Uint8Array, string>(programPath("./echoWorker.ts", import.meta.url))
const withEcho = <A, E>(use: (worker: Effect.Success<typeof echo>) => Effect.Effect<A, E>) =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(echo, use)))

test("requests that are asked at once are answered each by its own, and bytes are taken over", async () => {
  const words = Array.from({ length: 20 }, (_, at) => `word ${at}`)
  const bytes = new Uint8Array(10)
  const told = await withEcho(({ ask }) =>
    Effect.all([Effect.forEach(words, (word) => ask(word), { concurrency: "unbounded" }), ask(bytes, bytes)])
  )
  expect(told).toEqual([words, "10"])
  expect(bytes.byteLength).toBe(0)
})

test("a Worker that crashes fails what it was at, what waits behind it, and what it is asked later", async () => {
  const [[during, behind], after] = await withEcho(({ ask }) =>
    Effect.all([
      Effect.all([Effect.flip(ask("crash")), Effect.flip(ask("anything"))], { concurrency: "unbounded" }),
      Effect.flip(ask("anything"))
    ])
  )
  expect(during).toMatchObject({ _tag: "WorkerCrash", isCulprit: true, message: expect.stringContaining("as asked") })
  expect(behind).toMatchObject({ _tag: "WorkerCrash", isCulprit: false, message: during.message })
  expect(after).toBe(behind)
})

test("a Worker that is stopped answers nothing", async () => {
  const [during, after] = await withEcho(({ ask, stop }) =>
    Effect.all([
      Effect.all([Effect.flip(ask("hang")), stop], { concurrency: "unbounded" }).pipe(Effect.map(([error]) => error)),
      Effect.flip(ask("anything"))
    ])
  )
  expect(during).toMatchObject({ _tag: "WorkerCrash", isCulprit: false })
  expect(after).toEqual(during)
})

test("a program that cannot be loaded is a crash", async () => {
  const missing = startWorker<string, string>(`${import.meta.dir}/nothing.ts`)
  const error = await Effect.runPromise(Effect.flip(Effect.scoped(missing)))
  expect(error._tag).toBe("WorkerCrash")
})
