import type { DenseNetwork } from "../../src/classifier/denseNetwork.ts"
import type { Pass, Problem } from "../../src/classifier/train/backend.ts"

/** Weights in double precision. */
export type Weights64 = Record<string, Float64Array>

export const toDouble = (weights: Readonly<Record<string, Float32Array>>): Weights64 =>
  Object.fromEntries(Object.entries(weights).map(([name, values]) => [name, Float64Array.from(values)]))

/**
 * The mean weighted loss, with decay, of one mini-batch in training mode, written out sample by sample in double
 * precision: it shares nothing with the graph but the formulas in Keras' documentation.
 */
export const batchLoss = (
  { network, training, sampleWeights }: Problem,
  { order, borders, kept, mixed }: Pick<Pass, "order" | "borders" | "kept" | "mixed">,
  batch: number,
  weights: Weights64
): { readonly loss: number; readonly moments: Weights64 } => {
  const { units, dropout, decay } = network
  const visits = Array.from({ length: borders[batch + 1]! - borders[batch]! }, (_, i) => borders[batch]! + i)
  const hiddenUnits = units.slice(1, -1).reduce((sum, count) => sum + count, 0)
  const moments: Weights64 = {}
  // Each visit's samples and what they make up of it: one, or two with mixup.
  const parts = visits.map((visit) => {
    const share = mixed === undefined ? 1 : mixed.shares[visit]!
    const own = [{ row: order[visit]!, share }]
    return mixed === undefined ? own : [...own, { row: mixed.partners[visit]!, share: 1 - share }]
  })
  let rows = parts.map((own) =>
    Array.from({ length: units[0]! }, (_, input) =>
      own.reduce((sum, { row, share }) => sum + share * training.embeddings[row * units[0]! + input]!, 0)
    )
  )
  let passed = 0
  for (const [layer, rate] of dropout.entries()) {
    const rectified = affine(rows, layer, network, weights).map((row) => row.map((value) => Math.max(0, value)))
    const columns = rectified[0]!.map((_, unit) => rectified.map((row) => row[unit]!))
    const mean = columns.map((column) => column.reduce((a, b) => a + b) / column.length)
    const variance = columns.map(
      (column, unit) => column.reduce((a, b) => a + (b - mean[unit]!) ** 2, 0) / column.length
    )
    moments[`mean${layer}`] = Float64Array.from(mean)
    moments[`variance${layer}`] = Float64Array.from(variance)
    rows = rectified.map((row, sample) =>
      row.map((value, unit) => {
        const normalised = (value - mean[unit]!) / Math.sqrt(variance[unit]! + 1e-3)
        const scaled = normalised * weights[`gamma${layer}`]![unit]! + weights[`beta${layer}`]![unit]!
        return kept[visits[sample]! * hiddenUnits + passed + unit] === 1 ? scaled / (1 - rate) : 0
      })
    )
    passed += units[layer + 1]!
  }
  let loss = 0
  for (const [sample, logits] of affine(rows, dropout.length, network, weights).entries()) {
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0)
    const weight = parts[sample]!.reduce((sum, { row, share }) => sum + share * sampleWeights[row]!, 0)
    for (const { row, share } of parts[sample]!) {
      for (const [label, logit] of logits.entries()) {
        const target = network.labelSmoothing / logits.length
        const whole = label === training.labels[row] ? 1 - network.labelSmoothing + target : target
        loss += (weight * share * whole * (Math.log(total) - logit)) / visits.length
      }
    }
  }
  for (const [name, values] of Object.entries(weights)) {
    if (name.startsWith("kernel")) loss += decay * values.reduce((sum, value) => sum + value * value, 0)
  }
  return { loss, moments }
}

const affine = (
  rows: ReadonlyArray<ReadonlyArray<number>>,
  layer: number,
  { units }: DenseNetwork,
  weights: Weights64
) =>
  rows.map((row) =>
    Array.from({ length: units[layer + 1]! }, (_, unit) =>
      row.reduce(
        (sum, value, input) => sum + value * weights[`kernel${layer}`]![input * units[layer + 1]! + unit]!,
        weights[`bias${layer}`]![unit]!
      )
    )
  )

/** The gradient of `batchLoss` by every trained weight, by central differences. */
export const differences = (
  problem: Problem,
  pass: Pick<Pass, "order" | "borders" | "kept" | "mixed">,
  batch: number,
  weights: Weights64
) =>
  Object.fromEntries(
    Object.entries(weights)
      .filter(([name]) => !/^(mean|variance)/.test(name))
      .map(([name, values]): [string, Float64Array] => [
        name,
        values.map((value, i) => {
          const lossAt = (other: number) =>
            batchLoss(problem, pass, batch, { ...weights, [name]: values.with(i, other) }).loss
          const step = 1e-6
          return (lossAt(value + step) - lossAt(value - step)) / (2 * step)
        })
      ])
  )

/** What Keras' Adam makes of a pass, in double precision. */
export const adamPass = (problem: Problem, pass: Pass, start: Weights64): Weights64 => {
  const weights = { ...start }
  const first: Weights64 = {}
  const second: Weights64 = {}
  for (let batch = 0; batch < pass.borders.length - 1; batch++) {
    const step = pass.firstStep + batch
    const rate = (pass.learningRate * Math.sqrt(1 - 0.999 ** step)) / (1 - 0.9 ** step)
    const { moments } = batchLoss(problem, pass, batch, weights)
    for (const [name, gradient] of Object.entries(differences(problem, pass, batch, weights))) {
      const [m, v] = [first[name], second[name]]
      first[name] = gradient.map((slope, i) => 0.9 * (m?.[i] ?? 0) + 0.1 * slope)
      second[name] = gradient.map((slope, i) => 0.999 * (v?.[i] ?? 0) + 0.001 * slope * slope)
      weights[name] = weights[name]!.map(
        (value, i) => value - (rate * first[name]![i]!) / (Math.sqrt(second[name]![i]!) + 1e-7)
      )
    }
    for (const [name, values] of Object.entries(moments)) {
      // The mean of the batches so far; momentum 0.99 takes over at the hundredth.
      const share = Math.max(1 / step, 0.01)
      weights[name] = weights[name]!.map((value, i) => (1 - share) * value + share * values[i]!)
    }
  }
  return weights
}
