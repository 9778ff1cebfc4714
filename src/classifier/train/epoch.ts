import { ElementType, Graph } from "../../embedder/onnx/graph.ts"
import { type DenseNetwork, isTrained, NORMALIZATION, type TensorSpec, tensorsOf } from "../denseNetwork.ts"
import { addForward } from "../forward.ts"
import { addAdam, addAdamRate } from "./adam.ts"
import { addBackwardPass, addForwardPass } from "./step.ts"

/** A tensor that training carries from step to step: a weight, or one of Adam's moments of it. */
export interface StateTensor {
  readonly name: string
  readonly shape: TensorSpec["shape"]
}

const firstMoment = (name: string) => `first_${name}`
const secondMoment = (name: string) => `second_${name}`

/** Everything that training carries, in the order of the loop's variables. */
export const stateOf = (network: DenseNetwork): ReadonlyArray<StateTensor> => {
  const tensors = tensorsOf(network)
  const moments = (name: (of: string) => string) =>
    tensors.filter(isTrained).map((tensor) => ({ name: name(tensor.name), shape: tensor.shape }))
  return [...tensors, ...moments(firstMoment), ...moments(secondMoment)]
}

/**
 * A pass over mini-batches as one ONNX `Loop`: forward, backward and Adam for each.
 *
 * Inputs: `embeddings` [n, inputs]; `labels` [n] int64; `sample_weights` [n]; `order` [m], the samples to visit;
 * `borders` [batches + 1], where in `order` each mini-batch begins and the last one ends; `kept` [m, hidden units],
 * with hidden layers only, which units dropout keeps for each visit; with mixup only, `partners` [m], the sample that
 * each visit is mixed with, and `shares` [m, 1], its own share; `learning_rate`; `first_step` (from 1, for Adam);
 * and the state by name. Outputs: the state as `next_<name>`, and over all visits `loss` (sum of weighted
 * cross-entropies, without decay) and `hits`.
 */
export const epochGraph = (network: DenseNetwork): Uint8Array => {
  const state = stateOf(network)
  const inputs = network.units[0]!
  const graph = new Graph("epoch")
  graph.input("embeddings", ["n", inputs])
  graph.input("labels", ["n"], ElementType.int64)
  graph.input("sample_weights", ["n"])
  graph.input("order", ["m"], ElementType.int64)
  graph.input("borders", ["k"], ElementType.int64)
  const hidden = hiddenUnits(network)
  if (hidden > 0) graph.input("kept", ["m", hidden], ElementType.uint8)
  if (network.mixup > 0) {
    graph.input("partners", ["m"], ElementType.int64)
    graph.input("shares", ["m", 1])
  }
  graph.input("learning_rate", [])
  graph.input("first_step", [])
  for (const { name, shape } of state) graph.input(name, shape)

  const body = stepBody(graph, network, state)
  const batches = graph.op("Sub", [graph.op("Size", ["borders"]), graph.integers(1)])
  const zero = graph.scalar(0)
  const results = [...state.map(({ name }) => `next_${name}`), "loss", "hits"]
  graph.node("Loop", [batches, graph.boolean(true), ...state.map(({ name }) => name), zero, zero], results, { body })
  for (const { name, shape } of state) graph.output(`next_${name}`, shape)
  graph.output("loss", [])
  graph.output("hits", [])
  return graph.model()
}

const hiddenUnits = ({ units }: DenseNetwork): number => units.slice(1, -1).reduce((sum, own) => sum + own, 0)

/** The loop's body: one mini-batch, forward, backward and Adam. */
const stepBody = (graph: Graph, network: DenseNetwork, state: ReadonlyArray<StateTensor>): Graph => {
  const body = new Graph("body")
  body.input("iteration", [], ElementType.int64)
  body.input("condition", [], ElementType.bool)
  for (const { name, shape } of state) body.input(`last_${name}`, shape)
  body.input("last_loss", [])
  body.input("last_hits", [])

  const slice = borderSlice(body, graph)
  const samplesOf = (rows: string) => {
    const of = (tensor: string) => body.op("Gather", [tensor, rows])
    return {
      embeddings: of("embeddings"),
      targets: addTargets(body, graph, network, of("labels")),
      weights: body.op("Unsqueeze", [of("sample_weights"), graph.integers([1])])
    }
  }
  const own = samplesOf(slice("order"))
  const batch = {
    ...(network.mixup > 0 ? mixSamples(body, own, samplesOf(slice("partners")), slice("shares")) : own),
    kept: hiddenUnits(network) > 0 ? slice("kept") : ""
  }
  const weight = (name: string) => `last_${name}`
  const number = body.op("Add", ["first_step", body.op("Cast", ["iteration"], { to: ElementType.float32 })])
  const mean = body.op("Div", [graph.scalar(1), number])
  const renewal = body.op("Max", [mean, graph.scalar(1 - NORMALIZATION.momentum)])
  const step = { graph: body, outer: graph, network, weight, renewal }
  const forward = addForwardPass(step, batch)
  const gradients = addBackwardPass(step, batch, forward)
  const rate = addAdamRate(body, graph, "learning_rate", number)

  const next = new Map<string, string>(forward.tracked)
  for (const [name, gradient] of gradients) {
    const before = { value: weight(name), first: weight(firstMoment(name)), second: weight(secondMoment(name)) }
    const { value, first, second } = addAdam(body, graph, before, gradient, rate)
    next.set(name, value).set(firstMoment(name), first).set(secondMoment(name), second)
  }
  const { loss, hits } = addScore(body, forward, batch.targets, batch.weights)

  body.op("Identity", ["condition"], {}, "continue")
  body.output("continue", [], ElementType.bool)
  for (const { name, shape } of state) body.output(next.get(name)!, shape)
  body.output(body.op("Add", ["last_loss", loss]), [])
  body.output(body.op("Add", ["last_hits", hits]), [])
  return body
}

/**
 * Scores a network as it predicts: the same inputs `embeddings`, `labels` and weights by name, the same
 * outputs `loss` and `hits`.
 */
export const scoreGraph = (network: DenseNetwork): Uint8Array => {
  const [inputs, classes] = [network.units[0]!, network.units.at(-1)!]
  const graph = new Graph("score")
  graph.input("embeddings", ["n", inputs])
  graph.input("labels", ["n"], ElementType.int64)
  for (const { name, shape } of tensorsOf(network)) graph.input(name, shape)
  const logits = addForward(graph, network, "embeddings", (name) => name)
  const targets = graph.op("OneHot", ["labels", graph.integers(classes), graph.floats([0, 1], [2])], { axis: 1 })
  const logProbabilities = graph.op("LogSoftmax", [logits], { axis: 1 })
  const { loss, hits } = addScore(graph, { logits, logProbabilities }, targets, graph.scalar(1))
  graph.op("Identity", [loss], {}, "loss")
  graph.op("Identity", [hits], {}, "hits")
  graph.output("loss", [])
  graph.output("hits", [])
  return graph.model()
}

/** Each label as probabilities of the classes, [n, classes], smoothed as the network wants it. */
export const addTargets = (
  graph: Graph,
  outer: Graph,
  { units, labelSmoothing }: DenseNetwork,
  labels: string
): string => {
  const classes = units.at(-1)!
  const smoothed = labelSmoothing / classes
  const values = outer.floats([smoothed, 1 - labelSmoothing + smoothed], [2])
  return graph.op("OneHot", [labels, outer.integers(classes), values], { axis: 1 })
}

type Samples = Readonly<Record<"embeddings" | "targets" | "weights", string>>

// own * share + other * (1 - share), for all that a sample is.
const mixSamples = (body: Graph, own: Samples, other: Samples, share: string): Samples => {
  const mix = (tensor: keyof Samples) =>
    body.op("Add", [other[tensor], body.op("Mul", [share, body.op("Sub", [own[tensor], other[tensor]])])])
  return { embeddings: mix("embeddings"), targets: mix("targets"), weights: mix("weights") }
}

// The part of a tensor, by rows, that the loop's turn works on.
const borderSlice = (body: Graph, outer: Graph) => {
  const first = outer.integers([0])
  const turn = body.op("Unsqueeze", ["iteration", first])
  const from = body.op("Gather", ["borders", turn])
  const to = body.op("Gather", ["borders", body.op("Add", [turn, outer.integers([1])])])
  return (tensor: string) => body.op("Slice", [tensor, from, to, first])
}

/** Sums of weighted cross-entropies and of right answers over a batch: `weights` is a scalar or [n, 1]. */
export const addScore = (
  graph: Graph,
  { logits, logProbabilities }: { readonly logits: string; readonly logProbabilities: string },
  targets: string,
  weights: string
) => {
  const sum = (tensor: string) => graph.op("ReduceSum", [tensor], { keepdims: 0 })
  const best = (tensor: string) => graph.op("ArgMax", [tensor], { axis: 1, keepdims: 0 })
  const loss = graph.op("Mul", [graph.op("Mul", [logProbabilities, targets]), graph.op("Neg", [weights])])
  const hits = graph.op("Cast", [graph.op("Equal", [best(logits), best(targets)])], { to: ElementType.float32 })
  return { loss: sum(loss), hits: sum(hits) }
}
