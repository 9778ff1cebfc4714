import { Effect } from "effect"
import { ElementType, Graph } from "../../embedder/onnx/graph.ts"
import { openSession } from "../../embedder/onnx/session.ts"
import type { DenseNetwork } from "../denseNetwork.ts"
import { TrainingError } from "./backend.ts"
import { addScore, addTargets, scoreGraph } from "./epoch.ts"
import { minimise } from "./lbfgs.ts"
import { examplesFeed, failed, floats, lossAndHitsOf, runSession } from "./nativeBackend.ts"
import { addBackwardPass, addForwardPass, type Step } from "./step.ts"
import { type EpochRecord, type Fit, type LossAndHits, recordOf, type Task } from "./task.ts"

/** A gradient no longer than this is of the least loss, but for what float32 can tell. */
const TOLERANCE = 3e-4

/**
 * A multinomial regression as a network without hidden layers, at the least of the loss that Adam would go towards: the mean
 * of the samples' weighted cross-entropies and the decay. From the prior, or zero, and without chance.
 *
 * @param most Steps, `onEpoch` after each; the gradient is onnxruntime's, of all samples at once.
 */
export const regress = Effect.fn("regress")(function* (
  {
    network,
    training,
    sampleWeights,
    validation,
    prior = new Float32Array(),
    decays = new Float32Array()
  }: Omit<Task, "schedule" | "seed">,
  most: number,
  onEpoch: (epoch: number, record: EpochRecord) => Effect.Effect<void>
) {
  const [width, classes] = [network.units[0]!, network.units.at(-1)!]
  const kernelSize = width * classes
  const samples = training.labels.length
  const watched = validation.labels.length
  const descent = yield* openSession(slopeGraph({ ...network, decay: 0 }), 1, failed)
  const score = yield* openSession(scoreGraph(network), 1, failed)
  const trained = { ...examplesFeed(training, width), sample_weights: floats(sampleWeights, [samples]) }
  const held = examplesFeed(validation, width)
  const weightsAt = (point: Float64Array) => ({
    kernel0: new Float32Array(point.subarray(0, kernelSize)),
    bias0: new Float32Array(point.subarray(kernelSize))
  })
  const tensorsAt = (point: Float64Array) => {
    const { kernel0, bias0 } = weightsAt(point)
    return { kernel0: floats(kernel0, [width, classes]), bias0: floats(bias0, [classes]) }
  }

  const slopeAt = Effect.fnUntraced(function* (point: Float64Array) {
    const results = yield* runSession(descent, { ...trained, ...tensorsAt(point) })
    const { loss, hits } = lossAndHitsOf(results)
    if (!Number.isFinite(loss)) {
      return yield* new TrainingError({ message: "Training failed: the loss is not a number." })
    }
    const gradient = new Float64Array(point.length)
    gradient.set(results.slope_kernel0!.data as Float32Array)
    gradient.set(results.slope_bias0!.data as Float32Array, kernelSize)
    let decayed = 0
    for (let i = 0; i < kernelSize; i++) {
      const decay = decays[i % classes] ?? network.decay
      const away = point[i]! - (prior[i] ?? 0)
      decayed += decay * away ** 2
      gradient[i]! += 2 * decay * away
    }
    return { value: loss / samples + decayed, gradient, loss, hits }
  })

  const history: Array<EpochRecord> = []
  const record = Effect.fnUntraced(function* (reached: Float64Array, trainedSums: LossAndHits) {
    const scored = watched > 0 ? lossAndHitsOf(yield* runSession(score, { ...held, ...tensorsAt(reached) })) : undefined
    const own = recordOf(trainedSums, samples, scored, watched, 0)
    history.push(own)
    yield* onEpoch(history.length, own)
  })
  const start = new Float64Array(kernelSize + classes)
  start.set(prior)
  const point = yield* minimise(start, slopeAt, { most, tolerance: TOLERANCE }, record)
  // Where nothing tells the classes apart, zero is where the loss is least.
  if (history.length === 0) yield* record(point, yield* slopeAt(point))
  return { weights: weightsAt(point), history, bestEpoch: history.length } satisfies Fit
})

/**
 * Loss and gradient over all samples. Inputs: `embeddings` [n, inputs], `labels` [n] int64, `sample_weights` [n], `kernel0`
 * and `bias0`. Outputs, without decay: `slope_kernel0` and `slope_bias0`, `loss` (sum of weighted cross-entropies) and `hits`.
 */
const slopeGraph = (network: DenseNetwork): Uint8Array => {
  const [width, classes] = [network.units[0]!, network.units.at(-1)!]
  const graph = new Graph("slope")
  const batch = {
    embeddings: graph.input("embeddings", ["n", width]),
    targets: addTargets(graph, graph, network, graph.input("labels", ["n"], ElementType.int64)),
    weights: graph.op("Unsqueeze", [graph.input("sample_weights", ["n"]), graph.integers([1])]),
    kept: ""
  }
  graph.input("kernel0", [width, classes])
  graph.input("bias0", [classes])
  const step: Step = { graph, outer: graph, network, weight: (name) => name, renewal: "" }
  const forward = addForwardPass(step, batch)
  const slopes = addBackwardPass(step, batch, forward)
  const { loss, hits } = addScore(graph, forward, batch.targets, batch.weights)
  const give = (name: string, value: string, shape: ReadonlyArray<number>) => {
    graph.op("Identity", [value], {}, name)
    graph.output(name, shape)
  }
  give("slope_kernel0", slopes.get("kernel0")!, [width, classes])
  give("slope_bias0", slopes.get("bias0")!, [classes])
  give("loss", loss, [])
  give("hits", hits, [])
  return graph.model()
}
