import { bindings, type Kernel, unroll, WORKGROUP } from "./kernel.ts"

/** The mean of each channel over a patch's `area` places. */
export const mean = (area: number, channels: number): Kernel => {
  const vectors = channels / 4
  return {
    name: `mean ${area} x ${channels}`,
    workgroups: (patches) => [(patches * vectors) / WORKGROUP, 1],
    resultSize: (patches) => patches * channels,
    code: `${bindings("vec4f")}
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let first = id.x / ${vectors} * ${area * vectors} + id.x % ${vectors};
  var sum = vec4f();
  ${unroll(area, (place) => `sum += features[first + ${place * vectors}];`)}
  result[id.x] = sum / ${area};
}`
  }
}
