/** What `pickle` writes: text, floats, lists and dictionaries of them. */
export type Picklable = string | number | ReadonlyArray<Picklable> | { readonly [key: string]: Picklable }

const MARK = 0x28
const STOP = 0x2e

/** Pickles a value for Python, protocol 2: what `pickle.load` of every Python since 2.3 gives back as str, float, list, dict. */
export const pickle = (value: Picklable): Uint8Array => Uint8Array.from([0x80, 2, ...encode(value), STOP])

const encode = (value: Picklable): Array<number> => {
  if (typeof value === "string") {
    const text = new TextEncoder().encode(value)
    return [0x58, ...new Uint8Array(Uint32Array.of(text.length).buffer), ...text] // BINUNICODE
  }
  if (typeof value === "number") {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setFloat64(0, value)
    return [0x47, ...bytes] // BINFLOAT
  }
  if (isList(value)) return [0x5d, MARK, ...value.flatMap(encode), 0x65] // EMPTY_LIST, APPENDS
  const items = Object.entries(value).flatMap(([key, item]) => [...encode(key), ...encode(item)])
  return [0x7d, MARK, ...items, 0x75] // EMPTY_DICT, SETITEMS
}

// Array.isArray does not narrow read-only arrays.
const isList = (value: Picklable): value is ReadonlyArray<Picklable> => Array.isArray(value)
