import type { Precision } from "../../engine.ts"
import { bindings, type Kernel, unroll, vectorOf, WORKGROUP } from "./kernel.ts"

/** The mean of each channel over a patch's `area` places, in float32. */
export const mean = (area: number, channels: number, precision: Precision): Kernel => {
  const vectors = channels / 4
  return {
    name: `mean ${area} x ${channels}`,
    workgroups: (patches) => [(patches * vectors) / WORKGROUP, 1],
    resultSize: (patches) => patches * channels,
    resultKind: "float32",
    code: `${bindings(vectorOf(precision), "float32")}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let first = id.x / ${vectors} * ${area * vectors} + id.x % ${vectors};
  var sum = vec4f();
  ${unroll(area, (place) => `sum += vec4f(features[first + ${place * vectors}]);`)}
  result[id.x] = sum / ${area};
}`
  }
}
