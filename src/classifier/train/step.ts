import { ElementType, type Graph } from "../../embedder/onnx/graph.ts"
import { type DenseNetwork, NORMALIZATION, type TensorSpec } from "../denseNetwork.ts"

type Name = TensorSpec["name"]

/** Where a training step is written. */
export interface Step {
  readonly graph: Graph
  /** Takes the constants, so that a loop's body does not make them anew in each turn. */
  readonly outer: Graph
  readonly network: DenseNetwork
  /** Names the value that a weight has before the step. */
  readonly weight: (name: Name) => string
  /** How much of the tracked means and variances the step replaces: a scalar, see `renewalAt`. */
  readonly renewal: string
}

/** The tensors of one mini-batch of n samples. */
export interface Batch {
  /** Standardised, [n, inputs]. */
  readonly embeddings: string
  /** One-hot, [n, classes]. */
  readonly targets: string
  /** What each sample's loss weighs, [n, 1]. */
  readonly weights: string
  /** 1 for units to keep, 0 for units to drop: unsigned bytes [n, all hidden units]. Without hidden layers, unused. */
  readonly kept: string
}

/** What the backward pass needs to know of a hidden layer. */
interface Hidden {
  readonly input: string
  readonly rectified: string
  readonly inverseDeviation: string
  readonly normalised: string
  readonly mask: string
}

/** A forward pass with dropout and the batch's own mean and variance. */
export const addForwardPass = ({ graph, outer, network, weight, renewal }: Step, batch: Batch) => {
  const op = (type: string, ...inputs: ReadonlyArray<string>) => graph.op(type, inputs)
  const meanOfRows = (tensor: string) => graph.op("ReduceMean", [tensor], { axes: [0], keepdims: 0 })
  const one = outer.scalar(1)
  const epsilon = outer.scalar(NORMALIZATION.epsilon)

  const kept = network.dropout.map((_, layer) => `${graph.name}/kept${layer}`)
  if (kept.length > 0) {
    graph.node("Split", [batch.kept, outer.integers(network.units.slice(1, -1))], kept, { axis: 1 })
  }
  const tracked = new Map<Name, string>()
  const hidden: Array<Hidden> = []
  let activation = batch.embeddings
  for (const [layer, rate] of network.dropout.entries()) {
    const input = activation
    const rectified = op("Relu", op("Gemm", input, weight(`kernel${layer}`), weight(`bias${layer}`)))
    const mean = meanOfRows(rectified)
    const centred = op("Sub", rectified, mean)
    const variance = meanOfRows(op("Mul", centred, centred))
    const inverseDeviation = op("Div", one, op("Sqrt", op("Add", variance, epsilon)))
    const normalised = op("Mul", centred, inverseDeviation)
    const mask = op("Mul", graph.op("Cast", [kept[layer]!], { to: ElementType.float32 }), outer.scalar(1 / (1 - rate)))
    const scaled = op("Add", op("Mul", normalised, weight(`gamma${layer}`)), weight(`beta${layer}`))
    activation = op("Mul", scaled, mask)
    hidden.push({ input, rectified, inverseDeviation, normalised, mask })
    const track = (name: Name, value: string) =>
      tracked.set(name, op("Add", weight(name), op("Mul", op("Sub", value, weight(name)), renewal)))
    track(`mean${layer}`, mean)
    track(`variance${layer}`, variance)
  }
  const last = network.dropout.length
  const logits = op("Gemm", activation, weight(`kernel${last}`), weight(`bias${last}`))
  return { hidden, tracked, activation, logits, logProbabilities: graph.op("LogSoftmax", [logits], { axis: 1 }) }
}

/** The gradient of the batch's mean weighted loss (and decay) by every trained weight, derived by hand. */
export const addBackwardPass = (
  { graph, outer, network, weight }: Step,
  batch: Batch,
  { hidden, activation, logProbabilities }: ReturnType<typeof addForwardPass>
): ReadonlyMap<Name, string> => {
  const op = (type: string, ...inputs: ReadonlyArray<string>) => graph.op(type, inputs)
  const rows = outer.integers([0])
  const sumOfRows = (tensor: string) => graph.op("ReduceSum", [tensor, rows], { keepdims: 0 })
  const samples = op("Gather", op("Shape", batch.embeddings), outer.integers(0))
  const share = op("Div", outer.scalar(1), graph.op("Cast", [samples], { to: ElementType.float32 }))

  const gradients = new Map<Name, string>()
  let gradient = op("Mul", op("Sub", op("Exp", logProbabilities), batch.targets), op("Mul", batch.weights, share))
  for (let layer = hidden.length; layer >= 0; layer--) {
    const own = hidden[layer]
    if (own !== undefined) {
      gradient = op("Mul", gradient, own.mask)
      const beta = sumOfRows(gradient)
      const gamma = sumOfRows(op("Mul", gradient, own.normalised))
      gradients.set(`beta${layer}`, beta).set(`gamma${layer}`, gamma)
      // The batch's mean and variance depend on every sample: hence the two terms taken off.
      const throughMean = op("Mul", beta, share)
      const throughVariance = op("Mul", own.normalised, op("Mul", gamma, share))
      gradient = op("Sub", op("Sub", gradient, throughMean), throughVariance)
      gradient = op("Mul", gradient, op("Mul", weight(`gamma${layer}`), own.inverseDeviation))
      gradient = op("Mul", gradient, op("Sign", own.rectified))
    }
    const kernel = graph.op("Gemm", [own?.input ?? activation, gradient], { transA: 1 })
    const decayed = () => op("Add", kernel, op("Mul", weight(`kernel${layer}`), outer.scalar(2 * network.decay)))
    gradients.set(`kernel${layer}`, network.decay > 0 ? decayed() : kernel)
    gradients.set(`bias${layer}`, sumOfRows(gradient))
    if (layer > 0) gradient = graph.op("Gemm", [gradient, weight(`kernel${layer}`)], { transB: 1 })
  }
  return gradients
}
