import { bytesOf } from "../../sound/floats.ts"
import { arenaOf } from "./arena.ts"
import { encodeTable, type Table } from "./flat.ts"
import { type ModelDescription, metadataOf } from "./metadata.ts"
import { type Quantization, TENSOR_TYPES, type Tensor, type TensorType } from "./tensor.ts"

interface TensorEntry extends Tensor {
  readonly name: string
  readonly data?: Uint8Array
  readonly anyExtent?: number
}

/** The schema's BuiltinOperator, and which of its BuiltinOptions an operator takes. Others take none. */
const OPERATORS = {
  ADD: { code: 0, options: 11 },
  AVERAGE_POOL_2D: { code: 1, options: 5 },
  CONCATENATION: { code: 2, options: 10 },
  CONV_2D: { code: 3, options: 1 },
  DEPTHWISE_CONV_2D: { code: 4, options: 2 },
  DEQUANTIZE: { code: 6, options: 38 },
  FULLY_CONNECTED: { code: 9, options: 8 },
  LOGISTIC: { code: 14, options: 0 },
  MAX_POOL_2D: { code: 17, options: 5 },
  MUL: { code: 18, options: 21 },
  RESHAPE: { code: 22, options: 17 },
  SOFTMAX: { code: 25, options: 9 },
  MEAN: { code: 40, options: 27 },
  SUB: { code: 41, options: 28 },
  DIV: { code: 42, options: 29 },
  STRIDED_SLICE: { code: 45, options: 32 },
  LOG: { code: 73, options: 0 },
  SUM: { code: 74, options: 27 },
  SQRT: { code: 75, options: 0 },
  REDUCE_MIN: { code: 89, options: 27 },
  QUANTIZE: { code: 114, options: 89 }
} as const
export type Operator = keyof typeof OPERATORS

/** From which version on an operator takes int8. */
const INT8_VERSIONS: Partial<Record<Operator, number>> = {
  CONV_2D: 3,
  DEPTHWISE_CONV_2D: 3,
  DEQUANTIZE: 2,
  FULLY_CONNECTED: 4
}

interface Operation {
  readonly operator: Operator
  readonly version: number
  readonly inputs: ReadonlyArray<Tensor>
  readonly output: Tensor
  readonly options: Table
}

const SCHEMA_VERSION = 3

/** A TensorFlow Lite model built operation by operation. Channels come last, as its kernels want them. */
export class TfliteGraph {
  private readonly tensors: Array<TensorEntry> = []
  private readonly operations: Array<Operation> = []
  private readonly inputs: Array<number> = []
  private readonly outputs: Array<number> = []

  /** Declares an input; the extent at `anyExtent` may be another when the file is run. */
  input(name: string, shape: ReadonlyArray<number>, anyExtent?: number): Tensor {
    const tensor = this.add({ name, shape, type: "float32", ...(anyExtent === undefined ? {} : { anyExtent }) })
    this.inputs.push(tensor.at)
    return tensor
  }

  /** Declares a tensor as an output, by the name that the operation gave it. */
  output(tensor: Tensor): void {
    this.outputs.push(tensor.at)
  }

  floats(values: Float32Array | ReadonlyArray<number>, shape: ReadonlyArray<number>): Tensor {
    const data = values instanceof Float32Array ? values : Float32Array.from(values)
    return this.constant("float32", bytesOf(data), shape)
  }

  integers(values: Int32Array | ReadonlyArray<number>, quantization?: Quantization): Tensor {
    const data = values instanceof Int32Array ? values : Int32Array.from(values)
    return this.constant("int32", bytesOf(data), [data.length], quantization)
  }

  bytes(values: Int8Array, shape: ReadonlyArray<number>, quantization: Quantization): Tensor {
    return this.constant("int8", bytesOf(values), shape, quantization)
  }

  /** Adds an operation and returns what it gives, whose shape the caller knows. */
  op(
    operator: Operator,
    inputs: ReadonlyArray<Tensor>,
    shape: ReadonlyArray<number>,
    options: Table = {},
    given: { readonly type?: TensorType; readonly quantization?: Quantization | undefined; readonly name?: string } = {}
  ): Tensor {
    const { type = "float32", quantization, name = `${operator.toLowerCase()}_${this.operations.length}` } = given
    const output = this.add({ name, shape, type, quantization })
    const version = inputs.some((input) => input.type === "int8") ? (INT8_VERSIONS[operator] ?? 1) : 1
    this.operations.push({ operator, version, inputs, output, options })
    return output
  }

  /** How many there are of each operator. */
  get counts(): Readonly<Partial<Record<Operator, number>>> {
    const counts: Partial<Record<Operator, number>> = {}
    for (const { operator } of this.operations) counts[operator] = (counts[operator] ?? 0) + 1
    return counts
  }

  /** Bytes that tensors take which are not constants, one window long, as TensorFlow Lite for Microcontrollers places them. */
  get arena(): number {
    return arenaOf(
      this.tensors.filter(({ data }) => data === undefined),
      this.operations,
      this.outputs
    )
  }

  /** The complete `.tflite` file. */
  model(description: ModelDescription): Uint8Array {
    const codes = new Map<string, Table>()
    for (const { operator, version } of this.operations) {
      const { code } = OPERATORS[operator]
      codes.set(`${operator} ${version}`, { 0: { byte: code }, 2: { int: version }, 3: { int: code } })
    }
    const places = [...codes.keys()]
    const constants = this.tensors.filter(({ data }) => data !== undefined)
    const { table: metadata, files } = metadataOf(description)
    const signature = (indices: ReadonlyArray<number>) =>
      indices.map((at): Table => ({ 0: this.tensors[at]!.name, 1: { int: at } }))
    const root: Table = {
      0: { int: SCHEMA_VERSION },
      1: [...codes.values()],
      2: [
        {
          0: this.tensors.map((tensor) => tensorTable(tensor, 1 + constants.indexOf(tensor))),
          1: Int32Array.from(this.inputs),
          2: Int32Array.from(this.outputs),
          3: this.operations.map(({ operator, version, inputs, output, options }) => ({
            0: { int: places.indexOf(`${operator} ${version}`) },
            1: Int32Array.from(inputs, ({ at }) => at),
            2: Int32Array.of(output.at),
            ...(OPERATORS[operator].options === 0 ? {} : { 3: { byte: OPERATORS[operator].options }, 4: options })
          })),
          4: "main"
        }
      ],
      3: description.name,
      // The first buffer is empty: what tensors that are computed refer to.
      4: [{}, ...constants.map(({ data }): Table => ({ 0: data! })), { 0: metadata }],
      6: [{ 0: "TFLITE_METADATA", 1: { int: constants.length + 1 } }],
      7: [{ 0: signature(this.inputs), 1: signature(this.outputs), 2: "serving_default" }]
    }
    const weights = constants.reduce((sum, { data }) => sum + data!.length, 0)
    return Buffer.concat([encodeTable(root, "TFL3", weights + 2 ** 18), files])
  }

  private add(entry: Omit<TensorEntry, "at">): Tensor {
    const tensor = { ...entry, at: this.tensors.length }
    this.tensors.push(tensor)
    return tensor
  }

  private constant(
    type: TensorType,
    data: Uint8Array,
    shape: ReadonlyArray<number>,
    quantization?: Quantization
  ): Tensor {
    return this.add({ name: `constant_${this.tensors.length}`, type, data, shape, quantization })
  }
}

const tensorTable = ({ shape, type, name, quantization, anyExtent }: TensorEntry, buffer: number): Table => ({
  0: Int32Array.from(shape),
  1: { byte: TENSOR_TYPES[type].code },
  2: { int: buffer },
  3: name,
  ...(quantization === undefined
    ? {}
    : {
        4: {
          2: Float32Array.from(quantization.scales),
          3: BigInt64Array.from(quantization.scales, () => BigInt(quantization.zeroPoint)),
          6: { int: quantization.axis ?? 0 }
        }
      }),
  ...(anyExtent === undefined ? {} : { 7: Int32Array.from(shape, (extent, at) => (at === anyExtent ? -1 : extent)) })
})
