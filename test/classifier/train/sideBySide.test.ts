import { expect, test } from "bun:test"
import { Effect, Logger, Result } from "effect"
import { SCHEDULE, trainBy } from "../../../src/classifier/train/fit.ts"
import { nativeBackend } from "../../../src/classifier/train/nativeBackend.ts"
import { sideBySide } from "../../../src/classifier/train/sideBySide.ts"
import type { Task } from "../../../src/classifier/train/task.ts"
import { seededRandom } from "../../../src/sound/random.ts"

const [INPUTS, CLASSES, SAMPLES] = [500, 4, 800]

/** Large enough to be worth another process. */
const task = (seed: number, learningRate = 0.01): Task => {
  const random = seededRandom(seed)
  const examples = (count: number) => ({
    embeddings: Float32Array.from({ length: count * INPUTS }, random),
    labels: Int32Array.from({ length: count }, () => Math.floor(random() * CLASSES))
  })
  return {
    network: {
      units: [INPUTS, CLASSES],
      dropout: [],
      decay: 0.01,
      optimizer: "adam",
      learningRate,
      labelSmoothing: 0,
      mixup: 0
    },
    training: examples(SAMPLES),
    sampleWeights: new Float32Array(SAMPLES).fill(1),
    validation: examples(20),
    schedule: { ...SCHEDULE, epochs: 100, onlyWatched: true },
    seed
  }
}

const quiet = () => Effect.void

test("trainings that run at once, in other processes too, come to what one after another come to, and tell of each epoch", () =>
  Effect.gen(function* () {
    const { train } = yield* sideBySide(nativeBackend)
    const told: Array<number> = []
    const tasks = [task(1), task(2), task(3)]
    const together = yield* Effect.forEach(
      tasks,
      (one, at) => train(one, (epoch) => Effect.sync(() => void (at === 1 && told.push(epoch)))),
      { concurrency: "unbounded" }
    )
    const alone = yield* Effect.forEach(tasks, (one) => trainBy(nativeBackend)(one, quiet))
    expect(together).toEqual(alone)
    expect(told).toEqual(Array.from({ length: 100 }, (_, at) => at + 1))
  }).pipe(Effect.scoped, Effect.runPromise))

test("what goes wrong in a training is told, whichever process it ran in", () =>
  Effect.gen(function* () {
    const { train } = yield* sideBySide(nativeBackend)
    const results = yield* Effect.forEach([1, 2], (seed) => Effect.result(train(task(seed, 1e38), quiet)), {
      concurrency: "unbounded"
    })
    for (const result of results) {
      expect(Result.isFailure(result) && `${result.failure}`).toMatch(/TrainingError.*is not a number any more/)
    }
  }).pipe(Effect.scoped, Effect.runPromise))

const children = async (): Promise<ReadonlyArray<number>> => {
  const own = await Bun.file(`/proc/${process.pid}/task/${process.pid}/children`).text()
  return own.trim().split(" ").filter(Boolean).map(Number)
}

test("that a process has died is told once, however many trainings were to come, and all of them are done", async () => {
  const told: Array<string> = []
  const tasks = [1, 2, 3, 4, 5, 6].map((seed) => task(seed))
  await Effect.gen(function* () {
    const { train } = yield* sideBySide(nativeBackend)
    const all = Effect.forEach(tasks, (one) => train(one, quiet), { concurrency: "unbounded" })
    const before = yield* all
    const started = yield* Effect.promise(children)
    for (const pid of started) process.kill(pid, "SIGKILL")
    expect(yield* all).toEqual(before)
    expect(told.length).toBe(started.length)
    for (const line of told) expect(line).toMatch(/ What it would have trained is trained in this process\.$/)
  }).pipe(
    Effect.scoped,
    Effect.provide(Logger.layer([Logger.make(({ message }) => void told.push(String(message)))])),
    Effect.runPromise
  )
})
