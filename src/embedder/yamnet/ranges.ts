import { Effect } from "effect"
import { EngineError } from "../engine.ts"
import { Graph } from "../onnx/graph.ts"
import { loadOnnxruntime } from "../onnx/runtime.ts"
import { openSession } from "../onnx/session.ts"
import { MEL_BANDS, PATCH_FRAMES, PATCH_SIZE } from "./logMel.ts"
import { channels, layersOf, type Mobilenet } from "./mobilenet.ts"
import { addLayers } from "./networkGraph.ts"
import { FIRST_INTEGER, type Measured } from "./quantise.ts"

// All layers' features of so many patches are held at once: 3 MB each.
const BATCH = 8

interface Rule {
  /** Which share of a channel's values its range holds. */
  readonly share: number
  /** How much wider it is made: what is recorded goes further than what is made here. */
  readonly margin: number
  /** The least range, as a share of the layer's widest. */
  readonly floor: number
}

// From the tenth layer on some two hundred channels are near zero but for one patch in fifty, where all are enormous:
// there the widest values are given up for the usual ones. The last layers answer to kinds of sound that are not made
// here, so that what a channel gives says little of what it can give.
const RULES: ReadonlyMap<number, Partial<Rule>> = new Map([
  [19, { share: 0.995 }],
  [20, { share: 0.995 }],
  [21, { share: 0.98 }],
  [22, { share: 0.98 }],
  [23, { share: 0.999, margin: 1 }],
  [24, { margin: 1.5, floor: 0.03 }],
  [26, { margin: 1.5, floor: 0.3 }]
])
const ruleOf = (layer: number): Rule => ({ share: 1, margin: 1.25, floor: 1e-3, ...RULES.get(layer) })

/** Range and mean of a layer's channels, gathered patch by patch; all values are held where the range leaves some out. */
class Gathered {
  private readonly held: ReadonlyArray<Array<number>>
  private readonly most: Float64Array
  private readonly sums: Float64Array
  private count = 0

  constructor(
    channels: number,
    private readonly share: number
  ) {
    this.held = Array.from({ length: share < 1 ? channels : 0 }, () => [])
    this.most = new Float64Array(channels)
    this.sums = new Float64Array(channels)
  }

  /** Features [n, channels, area]. */
  add(features: Float32Array, n: number): void {
    const channels = this.most.length
    const area = features.length / n / channels
    for (let plane = 0; plane < n * channels; plane++) {
      const channel = plane % channels
      const held = this.held[channel]
      let [most, sum] = [0, 0]
      for (let at = plane * area; at < (plane + 1) * area; at++) {
        const value = features[at]!
        if (value > most) most = value
        sum += value
        held?.push(value)
      }
      this.most[channel] = Math.max(this.most[channel]!, most)
      this.sums[channel]! += sum
    }
    this.count += n * area
  }

  channels(): ReadonlyArray<{ readonly range: number; readonly mean: number }> {
    if (this.share === 1) return Array.from(this.most, (range, at) => ({ range, mean: this.sums[at]! / this.count }))
    return this.held.map((values) => {
      const sorted = Float32Array.from(values).sort()
      const range = sorted[Math.ceil(this.share * sorted.length) - 1]!
      return { range, mean: sorted.reduce((sum, value) => sum + Math.min(value, range), 0) / sorted.length }
    })
  }
}

/** The network with the features of every layer as outputs. */
const openNetwork = (network: Mobilenet) => {
  const graph = new Graph("layers")
  const patches = graph.input("patches", [BATCH, PATCH_FRAMES, MEL_BANDS])
  const features = addLayers(graph, patches, network)
  for (const [at, name] of features.entries()) {
    graph.op("Identity", [name], {}, `layer${at}`)
    graph.output(`layer${at}`, [BATCH, "channels", "height", "width"])
  }
  return openSession(
    graph.model(),
    1,
    (cause) => new EngineError({ message: `The native engine cannot measure the network: ${cause}` })
  )
}

/**
 * What each layer of a network gives for log-mel patches (a multiple of eight), from the last one that stays float32 on.
 * Fails where a layer gives nothing: then there is no scale to keep it in.
 */
export const measureRanges = Effect.fn("measureRanges")(function* (network: Mobilenet, patches: Float32Array) {
  const [quietest, loudest] = patches.reduce(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)] as const,
    [Infinity, -Infinity] as const
  )
  if (!(loudest - quietest > 1)) {
    return yield* new EngineError({
      message:
        "The sounds that the ranges of PRECISION=int8 are measured with are all alike, such as silence: give others"
    })
  }
  const { Tensor } = yield* Effect.promise(loadOnnxruntime)
  const session = yield* openNetwork(network)
  const gathered = new Map(
    layersOf(network)
      .map(({ shape }, layer) => [layer, new Gathered(channels(shape), ruleOf(layer).share)] as const)
      .slice(FIRST_INTEGER - 1)
  )
  for (let at = 0; at < patches.length; at += BATCH * PATCH_SIZE) {
    const input = new Tensor("float32", patches.slice(at, at + BATCH * PATCH_SIZE), [BATCH, PATCH_FRAMES, MEL_BANDS])
    const outputs = yield* Effect.tryPromise({
      try: () => session.run({ patches: input }),
      catch: (cause) => new EngineError({ message: `The native engine cannot measure the network: ${cause}` })
    })
    for (const [layer, own] of gathered) own.add(outputs[`layer${layer}`]!.data as Float32Array, BATCH)
  }
  const measured = new Map<number, Measured>()
  for (const [layer, own] of gathered) {
    const { margin, floor } = ruleOf(layer)
    const found = own.channels()
    const widest = found.reduce((most, { range }) => Math.max(most, range), 0)
    if (!(widest > 0 && Number.isFinite(widest))) {
      const message = `PRECISION=int8 cannot be had with these weights: layer ${layer + 1} of 27 answers nothing to the sounds that its range is measured with. Set PRECISION=float32.`
      return yield* new EngineError({ message })
    }
    measured.set(layer, {
      ranges: Float64Array.from(found, ({ range }) => Math.max(range, floor * widest) * margin),
      means: Float64Array.from(found, ({ mean }) => mean)
    })
  }
  return measured
}, Effect.scoped)
