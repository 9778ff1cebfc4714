import { expect, test } from "bun:test"
import { Effect, Fiber } from "effect"
import fc from "fast-check"
import type { Backend, Pass, Problem } from "../../../src/classifier/train/backend.ts"
import { batchBorders, fit, SCHEDULE } from "../../../src/classifier/train/fit.ts"
import type { EpochRecord } from "../../../src/classifier/train/task.ts"
import { seededRandom } from "../../../src/sound/random.ts"
import golden from "../../golden/classifier/callbacks.json"
import { SMALL, smallProblem } from "../../support/problems.ts"

/** A backend whose weights are the number of passes it has run, and whose validation losses are given. */
const scripted = (losses: ReadonlyArray<number>) => {
  const passes: Array<Pass> = []
  const weights = () => ({ bias0: Float32Array.of(passes.length) })
  const backend: Backend = {
    name: "native",
    open: ({ validation }) =>
      Effect.succeed({
        run: (pass) => Effect.sync(() => ({ loss: passes.push(pass), hits: pass.order.length })),
        validate: Effect.sync(() => ({ loss: losses[passes.length - 1]! * validation.labels.length, hits: 3 })),
        weights: Effect.sync(weights)
      })
  }
  return { backend, passes }
}

const run = (
  backend: Backend,
  problem: Problem,
  epochs: number,
  onEpoch: (epoch: number, record: EpochRecord) => Effect.Effect<void> = () => Effect.void
) => fit(backend, problem, { ...SCHEDULE, epochs, batchSize: 8 }, seededRandom(1), onEpoch).pipe(Effect.scoped)

const problem = smallProblem({ ...SMALL.mlp, learningRate: 1e-3 }, 20, 1)

test.each(golden.cases.map((example) => [example.kind, example] as const))(
  "where the loss %s, training stops, restores and slows down as Keras does",
  async (_, { losses, rates, bestEpoch }) => {
    const { backend } = scripted(losses)
    const result = await Effect.runPromise(run(backend, problem, losses.length))
    expect(result.history.length).toBe(rates.length)
    expect(result.history.map(({ lr }) => Math.fround(lr))).toEqual(rates.map(Math.fround))
    expect(result.bestEpoch).toBe(bestEpoch)
    expect(result.weights.bias0).toEqual(Float32Array.of(bestEpoch))
  }
)

test("the history says what the backend scored, by sample", async () => {
  const { backend } = scripted([0.5, 0.25])
  const { history } = await Effect.runPromise(run(backend, problem, 2))
  expect(history).toEqual([
    { loss: 1 / 20, accuracy: 1, val_loss: 0.5, val_accuracy: 3 / 9, lr: 1e-3 },
    { loss: 2 / 20, accuracy: 1, val_loss: 0.25, val_accuracy: 3 / 9, lr: 1e-3 }
  ])
})

test("a loss that is not a number ends the training", async () => {
  const { backend } = scripted([1, Number.NaN, 1])
  const error = await Effect.runPromise(run(backend, problem, 3).pipe(Effect.flip))
  expect(error.message).toBe("Training failed in epoch 2: the loss is not a number any more.")
})

test("without validation samples all epochs are trained and the last weights kept", async () => {
  const { backend } = scripted([])
  const validation = { embeddings: new Float32Array(), labels: new Int32Array() }
  const { history, bestEpoch, weights } = await Effect.runPromise(run(backend, { ...problem, validation }, 30))
  expect(history.length).toBe(30)
  const untested = { accuracy: 1, val_loss: undefined, val_accuracy: undefined }
  expect(history[29]).toEqual({ loss: 30 / 20, ...untested, lr: expect.closeTo(1e-3 / 30, 9) })
  expect(history[0]).toMatchObject({ lr: 1e-3 })
  expect(bestEpoch).toBe(30)
  expect(weights.bias0).toEqual(Float32Array.of(30))
})

test("each epoch visits every sample once, in an order of its own, in passes of bounded length", async () => {
  const { backend, passes } = scripted(Array.from({ length: 6 }, () => 1))
  const many = smallProblem(SMALL.linear, 9001, 2)
  await Effect.runPromise(run(backend, many, 2))
  expect(passes.map(({ order }) => order.length)).toEqual([8192, 809, 8192, 809])
  expect(passes.map(({ firstStep }) => firstStep)).toEqual([1, 1025, 1126, 2150])
  const epochs = [passes.slice(0, 2), passes.slice(2)].map((own) => own.flatMap(({ order }) => [...order]))
  expect(epochs[0]).not.toEqual(epochs[1]!)
  for (const epoch of epochs) expect(epoch.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 9001 }, (_, i) => i))
  for (const { order, borders } of passes) expect([borders[0], borders.at(-1)]).toEqual([0, order.length])
})

test("dropout keeps each layer's share of units", async () => {
  const { backend, passes } = scripted([1])
  await Effect.runPromise(run(backend, smallProblem(SMALL.mlp, 4000, 2), 1))
  const { kept, order } = passes[0]!
  expect(kept.length).toBe(order.length * 9)
  const share = (from: number, to: number) => {
    const own = kept.filter((_, i) => i % 9 >= from && i % 9 < to)
    return own.reduce((sum, value) => sum + value, 0) / own.length
  }
  expect(share(0, 5)).toBeCloseTo(0.6, 1)
  expect(share(5, 9)).toBeCloseTo(0.75, 1)
})

test("mini-batches cover all samples, none has just one", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 5000 }), fc.integer({ min: 2, max: 300 }), (samples, batchSize) => {
      const sizes = [...batchBorders(samples, batchSize)].map((border, i, all) => border - (all[i - 1] ?? 0)).slice(1)
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(samples)
      expect(Math.min(...sizes)).toBeGreaterThan(1)
      expect(Math.max(...sizes)).toBeLessThanOrEqual(batchSize + 1)
    })
  )
})

test("interrupting stops the training between epochs", async () => {
  const { backend, passes } = scripted(Array.from({ length: 50 }, (_, i) => 1 / (i + 1)))
  const seen: Array<number> = []
  const training = run(backend, problem, 50, (epoch) =>
    Effect.sync(() => seen.push(epoch)).pipe(Effect.andThen(epoch === 3 ? Effect.interrupt : Effect.void))
  )
  const exit = await Effect.runPromise(Effect.forkChild(training).pipe(Effect.flatMap(Fiber.await)))
  expect(exit._tag).toBe("Failure")
  expect(seen).toEqual([1, 2, 3])
  expect(passes.length).toBe(3)
})
