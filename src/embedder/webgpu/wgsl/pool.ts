import type { Precision } from "../../engine.ts"
import { placeOf, rowSize, type Vectors } from "../../frontEnd.ts"
import { bindings, type Kernel, vectorOf, WORKGROUP } from "./kernel.ts"

/**
 * Of each channel of a patch's [height, width] places, which a ReLU has left at zero at least, the highest of the `height`
 * means over `width`, in float32, as one of a row's vectors, which has as many floats as there are channels; `row` names
 * them all in order. All places taken as one row of them, it is their mean.
 */
export const pool = (
  { height, width }: { readonly height: number; readonly width: number },
  row: Vectors,
  name: string,
  precision: Precision
): Kernel => {
  const before = placeOf(row, name).from / 4
  const size = rowSize({ vectors: row })
  const vectors = row[name]! / 4
  const workgroups = (patches: number) => Math.ceil((patches * vectors) / WORKGROUP)
  return {
    name: `pool ${height} x ${width} x ${row[name]}`,
    makesRows: true,
    workgroups: (patches) => [workgroups(patches), 1],
    resultSize: (patches) => Math.ceil((workgroups(patches) * WORKGROUP) / vectors) * size,
    resultKind: "float32",
    code: `${bindings(vectorOf(precision), "float32")}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let item = id.x / ${vectors};
  let channel = id.x % ${vectors};
  var highest = vec4f();
  for (var line = 0u; line < ${height}; line++) {
    var sum = vec4f();
    for (var place = 0u; place < ${width}; place++) {
      sum += vec4f(features[((item * ${height} + line) * ${width} + place) * ${vectors} + channel]);
    }
    highest = max(highest, sum / ${width});
  }
  result[item * ${size / 4} + ${before} + channel] = highest;
}`
  }
}
