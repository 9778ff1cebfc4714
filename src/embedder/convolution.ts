/** A convolution whose batch normalisation is folded in; a ReLU follows it. */
export interface Convolution {
  /** Height, width, input channel, output channel, as TensorFlow orders them; a depthwise kernel's last extent is 1. */
  readonly kernel: Float32Array
  readonly shape: Shape
  /** One per channel that comes out. */
  readonly bias: Float32Array
}

export type Shape = readonly [height: number, width: number, input: number, output: number]
