/**
 * A protobuf message under construction: just the wire types that ONNX files use.
 *
 * Field numbers come from the ONNX specification (onnx.proto3, IR version 8).
 */
export class Message {
  private buffer = new Uint8Array(256)
  private length = 0

  /** Appends an integer field. */
  int(field: number, value: number | bigint): this {
    return this.varint(field << 3).varint(value)
  }

  /** Appends a 32-bit float field. */
  float(field: number, value: number): this {
    this.varint((field << 3) | 5).reserve(4)
    new DataView(this.buffer.buffer).setFloat32(this.length, value, true)
    this.length += 4
    return this
  }

  /** Appends a length-delimited field: raw bytes, text or a nested message. */
  bytes(field: number, value: Uint8Array | string | Message): this {
    const content =
      value instanceof Message ? value.finish() : typeof value === "string" ? new TextEncoder().encode(value) : value
    this.varint((field << 3) | 2)
      .varint(content.length)
      .reserve(content.length)
    this.buffer.set(content, this.length)
    this.length += content.length
    return this
  }

  /** The bytes written so far, as a view that further writing may invalidate. */
  finish(): Uint8Array {
    return this.buffer.subarray(0, this.length)
  }

  private varint(value: number | bigint): this {
    let rest = BigInt.asUintN(64, BigInt(value))
    this.reserve(10)
    do {
      const low = Number(rest & 127n)
      rest >>= 7n
      this.buffer[this.length++] = rest === 0n ? low : low | 128
    } while (rest !== 0n)
    return this
  }

  private reserve(extra: number): void {
    if (this.length + extra <= this.buffer.length) return
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.length + extra))
    grown.set(this.buffer.subarray(0, this.length))
    this.buffer = grown
  }
}
