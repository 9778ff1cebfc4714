import type { Convolution } from "../../convolution.ts"
import type { Precision } from "../../engine.ts"
import { bindings, type Kernel, unroll, vectorOf, WORKGROUP } from "./kernel.ts"

/** A map of features as a layer takes it in. */
export interface Extent {
  readonly height: number
  readonly width: number
}

/** Outputs beside each other that a thread computes along one axis, and the inputs that they reach. */
const strip = (outputs: number, most: number, stride: 1 | 2, before: 0 | 1) => {
  const count = Math.max(...[1, 2, 4].filter((count) => count <= most && outputs % count === 0))
  const reach = (count - 1) * stride + 3
  /** Whether an input is inside the map, of a thread whose first output has this place: only the outermost may not be. */
  const inside = (input: number, place: string) => {
    if (before === 1 && input === 0) return `${place} > 0`
    return input === reach - 1 ? `${place} < ${outputs - count}` : "true"
  }
  return { count, reach, inside, strips: outputs / count }
}

/**
 * A 3x3 convolution, bias and ReLU in which no output channel sums over inputs: depthwise, or from a single channel.
 *
 * A thread has four channels of two by four outputs, so that it reads each input 3 times (with a stride of 2, 1.4 times)
 * rather than 9 for one, and the cache between processors twice rather than three times; its neighbours have the next
 * channels, so that reads and writes are whole lines of memory. Sums are float32: this kernel waits for memory.
 */
export const convolve = (
  { height, width }: Extent,
  { kernel, bias }: Convolution,
  stride: 1 | 2,
  from: "each" | "one",
  precision: Precision
): Kernel => {
  const channels = bias.length / 4
  const inputs = from === "each" ? channels : 1
  const [rows, columns] = [height / stride, width / stride]
  // "Same" padding, of even extents: one before and one after, or with a stride of 2 only one after.
  const before = stride === 1 ? 1 : 0
  const across = strip(columns, 4, stride, before)
  // One row each where pairs would leave a patch with half a workgroup.
  const threadsOf = ({ strips }: typeof across) => strips * across.strips * channels
  const pairs = strip(rows, 2, stride, before)
  const down = threadsOf(pairs) % WORKGROUP === 0 ? pairs : strip(rows, 1, stride, before)
  const threads = threadsOf(down)
  // The network's input is float32 whatever is made of it.
  const [sum, element] = from === "each" ? (["vec4f", vectorOf(precision)] as const) : (["f32", "f32"] as const)

  const product = (line: number, y: number) => (i: number) => {
    const products = [0, 1, 2].map((dx) => `x${i * stride + dx} * k${3 * (y - line * stride) + dx}`)
    return `sum${line}${i} += ${products.join(" + ")};`
  }
  // A row of inputs, times all rows of the kernel that meet it.
  const row = (y: number) => {
    const lines = Array.from({ length: down.count }, (_, line) => line).filter((line) => {
      return y >= line * stride && y < line * stride + 3
    })
    return `
  if (${down.inside(y, "row")}) {
    let line = (item * ${height} + row * ${stride} + ${y} - ${before}) * ${width};
    ${unroll(
      across.reach,
      (x) => `var x${x} = ${sum}();
    if (${across.inside(x, "column")}) { x${x} = ${sum}(features[(line + column * ${stride} + ${x} - ${before}) * ${inputs}${inputs > 1 ? " + channel" : ""}]); }`
    )}
    ${lines.map((line) => unroll(across.count, product(line, y))).join("\n")}
  }`
  }

  return {
    name: `convolve ${height} x ${width} x ${bias.length}${stride === 1 ? "" : `, stride ${stride}`}`,
    weights: { values: [kernel, bias], kind: precision },
    workgroups: (patches) => [(patches * threads) / WORKGROUP, 1],
    resultSize: (patches) => patches * rows * columns * bias.length,
    resultKind: precision,
    code: `${bindings(element, precision)}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let channel = id.x % ${channels};
  let column = id.x / ${channels} % ${across.strips} * ${across.count};
  let row = id.x / ${channels * across.strips} % ${down.strips} * ${down.count};
  let item = id.x / ${threads};
  ${unroll(9, (tap) => `let k${tap} = vec4f(weights[${tap * channels} + channel]);`)}
  let bias = vec4f(weights[${9 * channels} + channel]);
  ${unroll(down.count, (line) => unroll(across.count, (i) => `var sum${line}${i} = bias;`))}
  ${unroll(down.reach, row)}
  let place = ((item * ${rows} + row) * ${columns} + column) * ${channels} + channel;
  ${unroll(down.count, (line) => unroll(across.count, (i) => `result[place + ${(line * columns + i) * channels}] = Result(max(sum${line}${i}, vec4f()));`))}
}`
  }
}
