import { Effect } from "effect"
import { type InferenceSession, Tensor } from "onnxruntime-common"
import { openSession } from "../../embedder/onnx/session.ts"
import { weightsFrom } from "../denseNetwork.ts"
import { type Backend, type Problem, TrainingError } from "./backend.ts"
import { epochGraph, scoreGraph, stateOf } from "./epoch.ts"
import type { Examples, LossAndHits } from "./task.ts"

/**
 * Trains on the CPU with onnxruntime: a whole pass is one run of one graph.
 *
 * One thread: two gain little, and change the low bits of sums, so that equal seeds would no longer give equal weights.
 */
export const nativeBackend: Backend = {
  name: "native",
  open: Effect.fn("nativeBackend.open")(function* ({ network, initial, training, sampleWeights, validation }: Problem) {
    const epoch = yield* openSession(epochGraph(network), 1, failed)
    const score = yield* openSession(scoreGraph(network), 1, failed)
    const width = network.units[0]!
    const samples = { ...examplesFeed(training, width), sample_weights: floats(sampleWeights, [sampleWeights.length]) }

    // Weights start as given, moments at zero.
    let state: Record<string, Tensor> = Object.fromEntries(
      stateOf(network).map(({ name, shape }) => {
        const size = shape.reduce((product: number, extent) => product * extent, 1)
        return [
          name,
          floats((initial as Readonly<Record<string, Float32Array>>)[name] ?? new Float32Array(size), shape)
        ]
      })
    )

    return {
      run: (pass) =>
        runSession(epoch, {
          ...samples,
          ...state,
          order: integers(pass.order),
          borders: integers(pass.borders),
          ...(network.dropout.length > 0
            ? { kept: new Tensor("uint8", pass.kept, [pass.order.length, pass.kept.length / pass.order.length]) }
            : {}),
          ...(pass.mixed === undefined
            ? {}
            : {
                partners: integers(pass.mixed.partners),
                shares: floats(pass.mixed.shares, [pass.order.length, 1])
              }),
          learning_rate: floats([pass.learningRate], []),
          first_step: floats([pass.firstStep], [])
        }).pipe(
          Effect.map((results) => {
            state = Object.fromEntries(Object.keys(state).map((name) => [name, results[`next_${name}`]!]))
            return lossAndHitsOf(results)
          })
        ),
      validate: Effect.suspend(() => {
        const weights = Object.fromEntries(Object.keys(initial).map((name) => [name, state[name]!]))
        return runSession(score, { ...examplesFeed(validation, width), ...weights })
      }).pipe(Effect.map(lossAndHitsOf)),
      weights: Effect.sync(() =>
        weightsFrom(network, ({ name }) => Float32Array.from(state[name]!.data as Float32Array))
      )
    }
  })
}

/** Runs a session; uninterruptible, so that it is never released under a run. */
export const runSession = (session: InferenceSession, feeds: Record<string, Tensor>) =>
  Effect.tryPromise({ try: () => session.run(feeds), catch: failed }).pipe(Effect.uninterruptible)

/** What a failure of onnxruntime's means for a training. */
export const failed = (cause: unknown) =>
  new TrainingError({
    message: `onnxruntime could not train: ${cause instanceof Error ? cause.message : String(cause)}`
  })

/** Floats as a tensor of this shape. */
export const floats = (values: Float32Array | ReadonlyArray<number>, shape: ReadonlyArray<number>) =>
  new Tensor("float32", values instanceof Float32Array ? values : Float32Array.from(values), shape)

// None is below zero: each is its lower half, the first in memory on every machine that onnxruntime runs on. As BigInts
// they would take a fifth of a training's time.
const integers = (values: Uint32Array | Int32Array) => {
  const halves = new Uint32Array(2 * values.length)
  for (let at = 0; at < values.length; at++) halves[2 * at] = values[at]!
  return new Tensor("int64", new BigInt64Array(halves.buffer), [values.length])
}

export const examplesFeed = ({ embeddings, labels }: Examples, width: number) => ({
  embeddings: floats(embeddings, [labels.length, width]),
  labels: integers(labels)
})

export const lossAndHitsOf = (results: InferenceSession.OnnxValueMapType): LossAndHits => ({
  loss: Number(results.loss!.data[0]),
  hits: Number(results.hits!.data[0])
})
