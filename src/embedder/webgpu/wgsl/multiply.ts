import type { Convolution } from "../../convolution.ts"
import type { Precision } from "../../engine.ts"
import { BYTES, bindings, type Kernel, unroll, vectorOf, WORKGROUP } from "./kernel.ts"

// A workgroup's 16 by 8 threads make a tile of 64 columns; each thread keeps 2, 4 or 8 rows of 8 columns in registers.
const THREAD_ROWS = 16
const THREAD_COLUMNS = WORKGROUP / THREAD_ROWS
const COLUMNS = 64
// Bytes of a row's inputs that are in workgroup memory at once, whole sectors of a card's: 8 KB of features and 4 KB of
// weights at most, of the 16 KB that every adapter has.
const STEP = 64

// Rows and columns come from workgroup memory, not by subgroup shuffles: threads that share a row read the same vector,
// which a card hands to all at once, where a shuffle moves one float a thread through the same unit.

// Of tiles, one of 128 rows reads least: 16 vectors from workgroup memory for 64 multiplications of vectors. Smaller
// ones are for layers that would else leave the 130 or so processors of a large card without two workgroups each.
const rowsPerThread = (rows: number, columns: number): number =>
  [8, 4].find((each) => Math.ceil(rows / (each * THREAD_ROWS)) * (columns / COLUMNS) >= 256) ?? 2

/**
 * A pointwise convolution, bias and ReLU: the matrix product of [patches * area, input] features and [input, output]
 * weights, which is 95 % of the network's arithmetic.
 *
 * Rows beyond the last patch are computed from what lies there, and read by nobody. The extents are told by the number
 * of workgroups and the length of the weights, so that layers share the code, and the driver compiles it once.
 */
export const multiply = (
  area: number,
  { kernel, shape, bias }: Convolution,
  batch: number,
  precision: Precision
): Kernel => {
  const [, , input, output] = shape
  const each = rowsPerThread(batch * area, output)
  const rows = each * THREAD_ROWS
  const tiles = (patches: number) => Math.ceil((patches * area) / rows)
  return {
    name: `multiply ${area} x ${input} x ${output}, tiles of ${rows} x ${COLUMNS}`,
    code: code(each, precision),
    weights: { values: [kernel, bias], kind: precision },
    // Workgroups that share rows follow each other, so that the features come from memory once.
    workgroups: (patches) => [output / COLUMNS, tiles(patches)],
    resultSize: (patches) => tiles(patches) * rows * output,
    resultKind: precision
  }
}

const code = (each: number, precision: Precision): string => {
  const rows = each * THREAD_ROWS
  // Vectors of a row of the tile, and of one of the panel.
  const [across, along] = [STEP / BYTES[precision] / 4, COLUMNS / 4]
  const [tile, panel] = [rows * across, 4 * across * along]

  // In float16 the products of one block are summed as such, at twice the rate, and blocks in float32.
  const block = precision === "float32" ? "Sum" : "Block"
  const vector = vectorOf(precision)

  // One input of every row, times its row of the panel.
  const product = (input: number) => `
      let near${input} = panel[(4 * k + ${input}) * ${along} + column];
      let far${input} = panel[(4 * k + ${input}) * ${along} + column + ${THREAD_COLUMNS}];
      ${unroll(each, (i) => {
        const value = `row${i}.${"xyzw"[input]}`
        return `near${block}${i} += ${value} * near${input}; far${block}${i} += ${value} * far${input};`
      })}`

  return `${bindings(vector, precision)}
var<workgroup> tile: array<${vector}, ${tile}>;
var<workgroup> panel: array<${vector}, ${panel}>;

@compute @workgroup_size(${WORKGROUP})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32
) {
  let width = groups.x * ${along};
  let depth = (arrayLength(&weights) / width - 1) / 4;
  let row = thread / ${THREAD_COLUMNS};
  let column = thread % ${THREAD_COLUMNS};
  let firstRow = group.y * ${rows};
  let firstColumn = group.x * ${along};
  ${unroll(each, (i) => `var nearSum${i} = vec4f(); var farSum${i} = vec4f();`)}
  for (var start = 0u; start < depth; start += ${across}) {
    let feature = (firstRow + thread / ${across}) * depth + start + thread % ${across};
    let weight = (4 * start + thread / ${along}) * width + firstColumn + thread % ${along};
    ${unroll(tile / WORKGROUP, (i) => `tile[thread + ${i * WORKGROUP}] = features[feature + ${(i * WORKGROUP) / across} * depth];`)}
    ${unroll(panel / WORKGROUP, (i) => `panel[thread + ${i * WORKGROUP}] = weights[weight + ${(i * WORKGROUP) / along} * width];`)}
    workgroupBarrier();
    ${unroll(each, (i) => (block === "Sum" ? "" : `var nearBlock${i} = vec4h(); var farBlock${i} = vec4h();`))}
    for (var k = 0u; k < ${across}; k++) {
      ${unroll(each, (i) => `let row${i} = tile[(row + ${i * THREAD_ROWS}) * ${across} + k];`)}
      ${unroll(4, product)}
    }
    ${unroll(each, (i) => (block === "Sum" ? "" : `nearSum${i} += vec4f(nearBlock${i}); farSum${i} += vec4f(farBlock${i});`))}
    workgroupBarrier();
  }
  let nearBias = vec4f(weights[4 * depth * width + firstColumn + column]);
  let farBias = vec4f(weights[4 * depth * width + firstColumn + column + ${THREAD_COLUMNS}]);
  let place = (firstRow + row) * width + firstColumn + column;
  ${unroll(
    each,
    (i) => `result[place + ${i * THREAD_ROWS} * width] = Result(max(nearSum${i} + nearBias, vec4f()));
  result[place + ${i * THREAD_ROWS} * width + ${THREAD_COLUMNS}] = Result(max(farSum${i} + farBias, vec4f()));`
  )}
}`
}
