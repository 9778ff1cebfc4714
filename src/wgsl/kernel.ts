/** One pass over a batch on the device, compiled for one shape. */
export interface Kernel {
  /** What it does, for people. */
  readonly name: string
  /** WGSL whose `main` reads `features`, writes `result` and, where it has any, reads `weights`. */
  readonly code: string
  /** Workgroups to start for so many patches. */
  readonly workgroups: (patches: number) => readonly [x: number, y: number]
  /** Floats of `result` that so many patches touch, rounded up to whole workgroups. */
  readonly resultSize: (patches: number) => number
  /** Kernel, then bias, as the network has them: TensorFlow's orders are the ones that read well here. */
  readonly weights?: readonly [kernel: Float32Array, bias: Float32Array]
}

/** Threads of every kernel's workgroup: four of NVIDIA's warps, two of AMD's wavefronts; below every adapter's limit. */
export const WORKGROUP = 128

/** Declares what every kernel is given; `element` is what `features` is read as. */
export const bindings = (element: "f32" | "vec4f"): string => `
@group(0) @binding(0) var<storage, read> features: array<${element}>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4f>;
@group(0) @binding(2) var<storage, read> weights: array<vec4f>;
`

/** One line of code for each of 0 to count - 1: loops are unrolled here, since not every driver keeps arrays in registers. */
export const unroll = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join("\n")
