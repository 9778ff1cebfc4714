import { TENSOR_TYPES, type Tensor } from "./tensor.ts"

const ALIGNMENT = 16

/**
 * How large an arena must be to hold tensors while they are needed, as the greedy planner of TensorFlow Lite for
 * Microcontrollers places them: the largest first, each at the lowest place that is free for as long as it lives. Buffers
 * of the kernels themselves and the interpreter's own records come on top.
 */
export const arenaOf = (
  tensors: ReadonlyArray<Tensor>,
  operations: ReadonlyArray<{ readonly inputs: ReadonlyArray<Tensor>; readonly output: Tensor }>,
  outputs: ReadonlyArray<number>
): number => {
  const placed: Array<{ from: number; to: number; first: number; last: number }> = []
  const lives = tensors.map(({ at, shape, type }) => {
    const uses = operations.flatMap(({ inputs }, step) => (inputs.some((input) => input.at === at) ? [step] : []))
    return {
      bytes: Math.ceil((shape.reduce((a, b) => a * b, 1) * TENSOR_TYPES[type].bytes) / ALIGNMENT) * ALIGNMENT,
      first: operations.findIndex(({ output }) => output.at === at),
      last: outputs.includes(at) ? operations.length : (uses.at(-1) ?? 0)
    }
  })
  for (const { bytes, first, last } of lives.sort((a, b) => b.bytes - a.bytes)) {
    const beside = placed.filter((other) => other.first <= last && first <= other.last).sort((a, b) => a.from - b.from)
    let from = 0
    for (const other of beside) {
      if (other.from - from >= bytes) break
      from = Math.max(from, other.to)
    }
    placed.push({ from, to: from + bytes, first, last })
  }
  return placed.reduce((most, { to }) => Math.max(most, to), 0)
}
