import type { Precision } from "../../engine.ts"

/** One pass over a batch on the device, compiled for one shape. */
export interface Kernel {
  /** What it does, for people. */
  readonly name: string
  /** Whether `result` is the rows, of which it writes a vector: the kernel after it reads what this one did. */
  readonly makesRows?: true
  /** WGSL whose `main` reads `features`, writes `result` and, where it has any, reads `weights`. */
  readonly code: string
  /** Workgroups to start for so many patches. */
  readonly workgroups: (patches: number) => readonly [x: number, y: number]
  /** Values of `result` that so many patches touch, rounded up to whole workgroups. */
  readonly resultSize: (patches: number) => number
  /** What each of those is kept as. */
  readonly resultKind: Precision
  /** Kernel, then bias, as the network has them: TensorFlow's orders are the ones that read well here. */
  readonly weights?: Weights
}

export interface Weights {
  readonly values: readonly [kernel: Float32Array, bias: Float32Array]
  /** What they are kept as on the device. */
  readonly kind: Precision
}

/** Bytes of a value on the device. */
export const BYTES = { float32: 4, float16: 2 } as const

/** Threads of every kernel's workgroup: four of NVIDIA's warps, two of AMD's wavefronts; below every adapter's limit. */
export const WORKGROUP = 128

/** Four neighbouring channels, as they lie in memory. */
export const vectorOf = (kind: Precision): "vec4f" | "vec4h" => (kind === "float32" ? "vec4f" : "vec4h")

/** Declares what every kernel is given: `features` is read as `from`, `result` as vectors of its kind, as weights are. */
export const bindings = (from: "f32" | "vec4f" | "vec4h", result: Precision, weights = result): string => `
${from === "vec4h" || result === "float16" || weights === "float16" ? "enable f16;" : ""}
alias Result = ${vectorOf(result)};
@group(0) @binding(0) var<storage, read> features: array<${from}>;
@group(0) @binding(1) var<storage, read_write> result: array<Result>;
@group(0) @binding(2) var<storage, read> weights: array<${vectorOf(weights)}>;
`

/** One line of code for each of 0 to count - 1: loops are unrolled here, since not every driver keeps arrays in registers. */
export const unroll = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join("\n")
