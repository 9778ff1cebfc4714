import type { Layer, Precision } from "../yamnet/layers.ts"
import { bindings, type Kernel, unroll, vectorOf, WORKGROUP } from "./kernel.ts"

/** A map of features as a layer takes it in. */
export interface Extent {
  readonly height: number
  readonly width: number
}

/**
 * A 3x3 convolution, bias and ReLU in which no output channel sums over inputs: depthwise, or from a single channel.
 *
 * A thread has four channels of `strip` outputs beside each other, so that each input is read 1.5 to 2.25 times rather
 * than 9; its neighbours have the next channels, so that reads and writes are whole lines of memory. Sums are float32 throughout:
 * this kernel waits for memory.
 */
export const convolve = (
  { height, width }: Extent,
  { kernel, bias }: Layer,
  stride: 1 | 2,
  from: "each" | "one",
  precision: Precision
): Kernel => {
  const channels = bias.length / 4
  const inputs = from === "each" ? channels : 1
  const [rows, columns] = [height / stride, width / stride]
  const strip = Math.min(4, columns)
  const strips = columns / strip
  const threads = rows * strips * channels
  // "Same" padding, of even extents: one before and one after, or with a stride of 2 only one after.
  const before = stride === 1 ? 1 : 0
  const reach = (strip - 1) * stride + 3
  // The network's input is float32 whatever is made of it.
  const [sum, element] = from === "each" ? (["vec4f", vectorOf(precision)] as const) : (["f32", "f32"] as const)

  const inside = (x: number) => {
    if (before === 1 && x === 0) return "column > 0"
    return x === reach - 1 ? `column < ${columns - strip}` : "true"
  }
  const row = (dy: number) => `
  {
    let y = i32(row * ${stride}) + ${dy - before};
    if (y >= 0 && y < ${height}) {
      let line = (item * ${height} + u32(y)) * ${width};
      ${unroll(3, (dx) => `let k${dx} = vec4f(weights[${(3 * dy + dx) * channels} + channel]);`)}
      ${unroll(
        reach,
        (x) => `var x${x} = ${sum}();
      if (${inside(x)}) { x${x} = ${sum}(features[(line + column * ${stride} + ${x} - ${before}) * ${inputs}${inputs > 1 ? " + channel" : ""}]); }`
      )}
      ${unroll(strip, (i) => `sum${i} += ${[0, 1, 2].map((dx) => `x${i * stride + dx} * k${dx}`).join(" + ")};`)}
    }
  }`

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
  let column = id.x / ${channels} % ${strips} * ${strip};
  let row = id.x / ${channels * strips} % ${rows};
  let item = id.x / ${threads};
  ${unroll(strip, (i) => `var sum${i} = vec4f(weights[${9 * channels} + channel]);`)}
  ${[0, 1, 2].map(row).join("")}
  let place = ((item * ${rows} + row) * ${columns} + column) * ${channels} + channel;
  ${unroll(strip, (i) => `result[place + ${i * channels}] = Result(max(sum${i}, vec4f()));`)}
}`
  }
}
