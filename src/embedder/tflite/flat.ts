import { Builder, type Offset } from "flatbuffers"

/**
 * A FlatBuffers table as plain data: its fields by slot, which is a field's place in the schema. Numbers say how wide they
 * are; what is not given, or is zero, takes no room.
 */
export interface Table {
  readonly [slot: number]: Value | undefined
}

export type Value =
  | { readonly byte: number }
  | { readonly int: number }
  | { readonly float: number }
  | string
  | Uint8Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | ReadonlyArray<Table | string>
  | Table

/** The bytes of a file whose root is this table. What is given as bytes lies at a multiple of 16. */
export const encodeTable = (root: Table, identifier: string, expectedBytes = 1024): Uint8Array => {
  const builder = new Builder(expectedBytes)
  builder.finish(writeTable(builder, root), identifier)
  return builder.asUint8Array()
}

const ALIGNMENT = 16

const isNumber = (value: Value): value is { byte: number } | { int: number } | { float: number } =>
  typeof value === "object" && ("byte" in value || "int" in value || "float" in value)

// What a table refers to must be written before it.
const writeTable = (builder: Builder, table: Table): Offset => {
  const fields = Object.entries(table).flatMap(([slot, value]) =>
    value === undefined
      ? []
      : [{ slot: Number(slot), value, offset: isNumber(value) ? undefined : writeReferred(builder, value) }]
  )
  builder.startObject(fields.reduce((count, { slot }) => Math.max(count, slot + 1), 0))
  for (const { slot, value, offset } of fields) {
    if (offset !== undefined) builder.addFieldOffset(slot, offset, 0)
    else if (isNumber(value)) addNumber(builder, slot, value)
  }
  return builder.endObject()
}

const addNumber = (builder: Builder, slot: number, value: { byte: number } | { int: number } | { float: number }) => {
  if ("byte" in value) builder.addFieldInt8(slot, value.byte, 0)
  else if ("int" in value) builder.addFieldInt32(slot, value.int, 0)
  else builder.addFieldFloat32(slot, value.float, 0)
}

const writeReferred = (
  builder: Builder,
  value: Exclude<Value, { byte: number } | { int: number } | { float: number }>
) => {
  if (typeof value === "string") return builder.createString(value)
  if (value instanceof Uint8Array) {
    builder.prep(ALIGNMENT, value.length)
    return builder.createByteVector(value)
  }
  if (value instanceof Int32Array) return writeVector(builder, 4, value, (each) => builder.addInt32(each))
  if (value instanceof Float32Array) return writeVector(builder, 4, value, (each) => builder.addFloat32(each))
  if (value instanceof BigInt64Array) return writeVector(builder, 8, value, (each) => builder.addInt64(each))
  if (isList(value)) {
    const offsets = value.map((each) =>
      typeof each === "string" ? builder.createString(each) : writeTable(builder, each)
    )
    return writeVector(builder, 4, offsets, (each) => builder.addOffset(each))
  }
  return writeTable(builder, value)
}

const isList = (value: ReadonlyArray<Table | string> | Table): value is ReadonlyArray<Table | string> =>
  Array.isArray(value)

// The builder writes from the end.
const writeVector = <A>(builder: Builder, size: number, values: ArrayLike<A>, add: (value: A) => void): Offset => {
  builder.startVector(size, values.length, size)
  for (let at = values.length - 1; at >= 0; at--) add(values[at]!)
  return builder.endVector()
}
