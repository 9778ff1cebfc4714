import type { Precision } from "../engine.ts"
import { convolve } from "../webgpu/wgsl/convolve.ts"
import type { Kernel } from "../webgpu/wgsl/kernel.ts"
import { multiply } from "../webgpu/wgsl/multiply.ts"
import { pool } from "../webgpu/wgsl/pool.ts"
import { MEL_BANDS, PATCH_FRAMES } from "./logMel.ts"
import { type Mobilenet, TAPS, tapName, vectorSizes } from "./mobilenet.ts"

/**
 * YAMNet from log-mel patches [n, 96, 64] to rows, embeddings [n, 1024] and the taps' vectors, n <= batch, as kernels of
 * which each reads what the last one wrote that makes features: [patch, height, width, channel] throughout.
 *
 * Depthwise and pointwise layers stay apart. Fused, every tile of 64 output channels would compute its inputs again, nine
 * reads for one in the innermost loop (docs/decisions/webgpu-and-wgsl.md).
 */
export const networkKernels = (
  { stem, separable }: Mobilenet,
  batch: number,
  precision: Precision,
  taps: ReadonlyArray<number> = TAPS
): ReadonlyArray<Kernel> => {
  const row = vectorSizes(taps)
  let [height, width] = [PATCH_FRAMES, MEL_BANDS]
  const kernels = [convolve({ height, width }, stem, 2, "one", precision)]
  ;[height, width] = [height / 2, width / 2]
  for (const [index, { depthwise, pointwise, stride }] of separable.entries()) {
    kernels.push(convolve({ height, width }, depthwise, stride, "each", precision))
    ;[height, width] = [height / stride, width / stride]
    kernels.push(multiply(height * width, pointwise, batch, precision))
    if (taps.includes(index + 2)) kernels.push(pool({ height, width }, row, tapName(index + 2), precision))
  }
  return [...kernels, pool({ height: 1, width: height * width }, row, "embedding", precision)]
}
