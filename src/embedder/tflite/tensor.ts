/** Element types of tensors (the schema's TensorType), and their bytes. */
export const TENSOR_TYPES = {
  float32: { code: 0, bytes: 4 },
  int32: { code: 2, bytes: 4 },
  int8: { code: 9, bytes: 1 }
}
export type TensorType = keyof typeof TENSOR_TYPES

/** What whole numbers stand for: (number - zeroPoint) * scale; several scales are one for each place of an axis. */
export interface Quantization {
  readonly scales: ReadonlyArray<number>
  readonly zeroPoint: number
  readonly axis?: number
}

export interface Tensor {
  readonly at: number
  /** With one window; the file says which extents may be others. */
  readonly shape: ReadonlyArray<number>
  readonly type: TensorType
  readonly quantization?: Quantization | undefined
}
