/**
 * One array of `length` floats, unless said as long as all parts together: the parts one after another, cut at the end,
 * zeros where they are too short. A single part that is as long is given back itself.
 */
export const concatenate = (
  parts: ReadonlyArray<Float32Array>,
  length = parts.reduce((sum, part) => sum + part.length, 0)
): Float32Array => {
  if (parts[0]?.length === length) return parts[0]
  const whole = new Float32Array(length)
  let at = 0
  for (const part of parts) {
    if (at >= length) break
    whole.set(part.length > length - at ? part.subarray(0, length - at) : part, at)
    at += part.length
  }
  return whole
}

/** Whether all are numbers; by a loop, for `every` calls a function for each. */
export const allFinite = (values: Float32Array): boolean => {
  for (let index = 0; index < values.length; index++) if (!Number.isFinite(values[index])) return false
  return true
}

/** The bytes of an array's numbers as they lie in memory, which is not copied. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)
