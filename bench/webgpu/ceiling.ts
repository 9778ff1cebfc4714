import type { Precision } from "../../src/embedder/engine.ts"
import { unroll, vectorOf, WORKGROUP } from "../../src/embedder/webgpu/wgsl/kernel.ts"
import { type Clock, passOf } from "./clock.ts"

/** What the device does at most, as a bare loop finds it. */
export interface Ceiling {
  /** Multiplications and additions in a second, by 1e9, in registers. */
  readonly gigaflops: number
  /** Bytes read and written in a second, by 1e9, from one buffer to another. */
  readonly gigabytes: number
}

// Enough of both to hide what one takes: 16 sums of four that do not wait for each other, 2,048 workgroups.
const SUMS = 16
const ROUNDS = 64
const GROUPS = 2048
// Larger than the cache of any card known.
const BYTES = 2 ** 27
const ROW = 2 ** 21

// What the compiler cannot know, so that it has to compute it.
const arithmetic = (precision: Precision): string => {
  const vector = vectorOf(precision)
  return `
${precision === "float16" ? "enable f16;" : ""}
@group(0) @binding(0) var<storage, read_write> values: array<${vector}>;
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let factor = values[id.x];
  ${unroll(SUMS, (i) => `var sum${i} = values[id.x + ${i}];`)}
  for (var round = 0u; round < ${ROUNDS}; round++) {
    ${unroll(SUMS, (i) => `sum${i} = sum${i} * factor + sum${i};`)}
  }
  values[id.x] = ${Array.from({ length: SUMS }, (_, i) => `sum${i}`).join(" + ")};
}`
}

const copying = `
@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> values: array<vec4f>;
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let place = id.y * groups.x * ${WORKGROUP} + id.x;
  values[place] = source[place];
}`

/** Measures both on a device. */
export const measureCeiling = async ({ device, time }: Clock, precision: Precision): Promise<Ceiling> => {
  const allocate = (size: number) => device.createBuffer({ size, usage: GPUBufferUsage.STORAGE })
  const threads = GROUPS * WORKGROUP
  const values = allocate(16 * (threads + SUMS))
  const rows = Math.floor(Math.min(BYTES, device.limits.maxStorageBufferBindingSize) / ROW)
  const size = rows * ROW
  const [computing, moving] = await time([
    passOf(device, arithmetic(precision), [values], [GROUPS, 1]),
    passOf(device, copying, [allocate(size), allocate(size)], [ROW / 16 / WORKGROUP, rows])
  ])
  return { gigaflops: (threads * ROUNDS * SUMS * 8) / computing!, gigabytes: (2 * size) / moving! }
}
