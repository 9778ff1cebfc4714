import type { Precision } from "../../engine.ts"
import { placeOf, rowSize, type Vectors } from "../../frontEnd.ts"
import { bindings, type Kernel, vectorOf, WORKGROUP } from "./kernel.ts"

/**
 * The mean of each channel over a patch's `area` places, in float32, as one of a row's vectors, which has as many floats
 * as there are channels; `row` names them all in order.
 */
export const mean = (area: number, row: Vectors, name: string, precision: Precision): Kernel => {
  const before = placeOf(row, name).from / 4
  const size = rowSize({ vectors: row })
  const vectors = row[name]! / 4
  const workgroups = (patches: number) => Math.ceil((patches * vectors) / WORKGROUP)
  return {
    name: `mean ${area} x ${row[name]}`,
    makesRows: true,
    workgroups: (patches) => [workgroups(patches), 1],
    resultSize: (patches) => Math.ceil((workgroups(patches) * WORKGROUP) / vectors) * size,
    resultKind: "float32",
    code: `${bindings(vectorOf(precision), "float32")}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let item = id.x / ${vectors};
  let channel = id.x % ${vectors};
  var sum = vec4f();
  for (var place = 0u; place < ${area}; place++) {
    sum += vec4f(features[(item * ${area} + place) * ${vectors} + channel]);
  }
  result[item * ${size / 4} + ${before} + channel] = sum / ${area};
}`
  }
}
