import { Effect, Schema } from "effect"
import type { Picklable } from "../classifier/export/pickle.ts"

/** Bytes that are no pickle of the kind that a training run writes. */
export class PickleError extends Schema.TaggedError<PickleError>()("PickleError", { message: Schema.String }) {}

/** Reads what `pickle` writes: text, floats, lists and dictionaries. Never runs anything, as Python's own reader can. */
export const unpickle = (bytes: Uint8Array): Effect.Effect<Picklable, PickleError> =>
  Effect.try({ try: () => read(bytes), catch: (cause) => new PickleError({ message: `${cause}` }) })

type Item = Picklable | typeof MARK

const MARK = Symbol("mark")

const read = (bytes: Uint8Array): Picklable => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const stack: Array<Item> = []
  const sinceMark = () => {
    const mark = stack.lastIndexOf(MARK)
    // Looked for in vain again and again, it would take hours.
    if (mark < 0) throw new Error("a mark is missing")
    return stack.splice(mark).slice(1) as Array<Picklable>
  }
  let at = 2
  for (;;) {
    const code = view.getUint8(at++)
    switch (code) {
      case 0x58: {
        const length = view.getUint32(at, true)
        stack.push(new TextDecoder().decode(bytes.subarray(at + 4, at + 4 + length)))
        at += 4 + length
        break
      }
      case 0x47:
        stack.push(view.getFloat64(at))
        at += 8
        break
      case 0x5d:
        stack.push([])
        break
      case 0x7d:
        stack.push({})
        break
      case 0x28:
        stack.push(MARK)
        break
      case 0x65: {
        const items = sinceMark()
        stack.pop()
        stack.push(items)
        break
      }
      case 0x75: {
        const items = sinceMark()
        stack.pop()
        stack.push(Object.fromEntries(items.flatMap((key, i) => (i % 2 === 0 ? [[key, items[i + 1]!]] : []))))
        break
      }
      case 0x2e:
        return stack.pop() as Picklable
      default:
        throw new Error(`byte ${code} at ${at - 1} is not read here`)
    }
  }
}
