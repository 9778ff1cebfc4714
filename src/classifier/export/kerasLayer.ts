/** A layer of a `.keras` file. */
export interface KerasLayer {
  readonly className: string
  readonly config: Readonly<Record<string, unknown>>
  /** Shape of its input, without the batch; empty where it takes several. */
  readonly inputs: ReadonlyArray<number>
  /** Layers that it takes its input from, by place from 0; the one before it unless given. */
  readonly from?: ReadonlyArray<number>
  /** Its tensors, in the order in which Keras numbers them. */
  readonly tensors: ReadonlyArray<{ readonly values: Float32Array; readonly shape: ReadonlyArray<number> }>
}
