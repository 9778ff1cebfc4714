import { Message } from "./protobuf.ts"

/** Element types of ONNX tensors (TensorProto.DataType). */
export const ElementType = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9 } as const
export type ElementType = (typeof ElementType)[keyof typeof ElementType]

/** A tensor's extent: a number, or the name of an extent known only when the graph runs. */
export type Dimension = number | string

/** An operator's attribute. Plain numbers are integers; `{ float }` marks the floating ones. */
export type Attribute = number | ReadonlyArray<number> | string | Graph | { readonly float: number }

const OPSET = 17
const IR_VERSION = 8

const describe = (name: string, type: ElementType, shape: ReadonlyArray<Dimension>): Message => {
  const extents = new Message()
  for (const extent of shape) {
    extents.bytes(1, typeof extent === "number" ? new Message().int(1, extent) : new Message().bytes(2, extent))
  }
  return new Message().bytes(1, name).bytes(2, new Message().bytes(1, new Message().int(1, type).bytes(2, extents)))
}

const encodeAttribute = (name: string, value: Attribute): Message => {
  const message = new Message().bytes(1, name)
  if (typeof value === "number") return message.int(3, value).int(20, 2)
  if (typeof value === "string") return message.bytes(4, value).int(20, 3)
  if (value instanceof Graph) return message.bytes(6, value.encode()).int(20, 5)
  if ("float" in value) return message.float(2, value.float).int(20, 1)
  for (const item of value) message.int(8, item)
  return message.int(20, 7)
}

/**
 * An ONNX graph built node by node; tensors are referred to by name.
 *
 * Constants of an outer graph are visible in the bodies of its `Loop` nodes.
 */
export class Graph {
  private readonly nodes: Array<Message> = []
  private readonly constants: Array<Message> = []
  private readonly inputs: Array<Message> = []
  private readonly outputs: Array<Message> = []
  private names = 0

  /** A graph inside another needs a name of its own: generated tensor names begin with it. */
  constructor(readonly name: string) {}

  /** Declares an input and returns its name. */
  input(name: string, shape: ReadonlyArray<Dimension>, type: ElementType = ElementType.float32): string {
    this.inputs.push(describe(name, type, shape))
    return name
  }

  /** Declares the tensor `name` as an output. */
  output(name: string, shape: ReadonlyArray<Dimension>, type: ElementType = ElementType.float32): void {
    this.outputs.push(describe(name, type, shape))
  }

  /** Adds a float32 constant of the given shape (`[]` is a scalar) and returns its name. */
  floats(values: Float32Array | ReadonlyArray<number>, shape: ReadonlyArray<number>): string {
    const data = values instanceof Float32Array ? values : Float32Array.from(values)
    return this.constant(ElementType.float32, new Uint8Array(data.buffer, data.byteOffset, data.byteLength), shape)
  }

  /** Adds a float32 scalar. */
  scalar(value: number): string {
    return this.floats([value], [])
  }

  /** Adds an int64 vector, or a scalar when given one number. */
  integers(values: number | ReadonlyArray<number>): string {
    const list = typeof values === "number" ? [values] : values
    const data = BigInt64Array.from(list.map(BigInt))
    const shape = typeof values === "number" ? [] : [list.length]
    return this.constant(ElementType.int64, new Uint8Array(data.buffer), shape)
  }

  /** Adds an int8 constant, or a uint8 one, of the given shape and returns its name. */
  bytes(values: Int8Array | Uint8Array, shape: ReadonlyArray<number>): string {
    const type = values instanceof Int8Array ? ElementType.int8 : ElementType.uint8
    return this.constant(type, new Uint8Array(values.buffer, values.byteOffset, values.byteLength), shape)
  }

  /** Adds an int32 vector. */
  words(values: Int32Array): string {
    const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    return this.constant(ElementType.int32, raw, [values.length])
  }

  /** Adds a boolean scalar. */
  boolean(value: boolean): string {
    return this.constant(ElementType.bool, Uint8Array.of(value ? 1 : 0), [])
  }

  /** Adds a node with one output and returns that output's name (`output` to choose it). */
  op(
    type: string,
    inputs: ReadonlyArray<string>,
    attributes: Readonly<Record<string, Attribute>> = {},
    output: string = this.fresh(type)
  ): string {
    this.node(type, inputs, [output], attributes)
    return output
  }

  /** Adds a node with any number of named outputs. */
  node(
    type: string,
    inputs: ReadonlyArray<string>,
    outputs: ReadonlyArray<string>,
    attributes: Readonly<Record<string, Attribute>> = {}
  ): void {
    const message = new Message()
    for (const name of inputs) message.bytes(1, name)
    for (const name of outputs) message.bytes(2, name)
    message.bytes(3, this.fresh("node")).bytes(4, type)
    for (const [name, value] of Object.entries(attributes)) message.bytes(5, encodeAttribute(name, value))
    this.nodes.push(message)
  }

  /** The graph as a GraphProto. */
  encode(): Message {
    const message = new Message()
    for (const node of this.nodes) message.bytes(1, node)
    message.bytes(2, this.name)
    for (const constant of this.constants) message.bytes(5, constant)
    for (const input of this.inputs) message.bytes(11, input)
    for (const output of this.outputs) message.bytes(12, output)
    return message
  }

  /** The graph as a complete `.onnx` file. */
  model(): Uint8Array {
    return new Message()
      .int(1, IR_VERSION)
      .bytes(2, "ecosight-retrain")
      .bytes(7, this.encode())
      .bytes(8, new Message().bytes(1, "").int(2, OPSET))
      .finish()
      .slice()
  }

  private fresh(stem: string): string {
    return `${this.name}/${stem}_${this.names++}`
  }

  private constant(type: ElementType, raw: Uint8Array, shape: ReadonlyArray<number>): string {
    const name = this.fresh("constant")
    const message = new Message()
    for (const extent of shape) message.int(1, extent)
    this.constants.push(message.int(2, type).bytes(8, name).bytes(9, raw))
    return name
  }
}
