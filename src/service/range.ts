import { Effect, Option, Stream } from "effect"
import { type ObjectInfo, Store } from "../store/store.ts"
import { Intake } from "./intake.ts"
import { refuse } from "./refusal.ts"

/** The bytes that a Range header asks for, both ends included; undefined for all of them. */
export type Range = { readonly first: number; readonly last: number } | "unsatisfiable" | undefined

/** Reads a single byte range (RFC 9110, section 14). What is not one counts as none, as the standard has it. */
export const parseRange = (header: string | null, size: number): Range => {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "")
  if (match === null || (match[1] === "" && match[2] === "")) return undefined
  const [, from, to] = match
  if (from === "") {
    const length = Math.min(Number(to), size)
    return length === 0 ? "unsatisfiable" : { first: size - length, last: size - 1 }
  }
  const first = Number(from)
  if (to !== "" && Number(to) < first) return undefined
  if (first >= size) return "unsatisfiable"
  return { first, last: to === "" ? size - 1 : Math.min(Number(to), size - 1) }
}

/** So many bytes are fetched at once, and held for each client, however slowly it reads. */
const PIECE = 1_000_000

/** Answers with an object, or with the range of it that was asked for, and fetches no more than is sent. */
export const sendObject = Effect.fn("sendObject")(function* (object: ObjectInfo, type: string, request: Request) {
  const { key, etag, size } = object
  const { holding } = yield* Intake
  const store = yield* Store
  const headers = {
    "content-type": type,
    "accept-ranges": "bytes",
    etag: `"${etag}"`,
    "cache-control": "private, no-cache"
  }
  if (request.headers.get("if-none-match") === headers.etag) return new Response(null, { status: 304, headers })
  // A part of another version is of no use to whoever has parts of this one.
  const isWanted = [null, headers.etag].includes(request.headers.get("if-range"))
  const range = isWanted ? parseRange(request.headers.get("range"), size) : undefined
  if (range === "unsatisfiable") {
    return new Response(null, { status: 416, headers: { ...headers, "content-range": `bytes */${size}` } })
  }
  const { first, last } = range ?? { first: 0, last: size - 1 }
  const answer =
    range === undefined
      ? { status: 200, headers }
      : { status: 206, headers: { ...headers, "content-range": `bytes ${first}-${last}/${size}` } }
  const length = last + 1 - first
  if (request.method === "HEAD") {
    return new Response(null, { ...answer, headers: { ...answer.headers, "content-length": String(length) } })
  }
  if (length > PIECE) {
    const starts = Array.from({ length: Math.ceil(length / PIECE) }, (_, at) => first + at * PIECE)
    const [head, ...others] = starts.map((start) => pieceOf(object, start, Math.min(last + 1, start + PIECE)))
    // What cannot be had at all is refused; what breaks off is cut off, so that nobody takes it for the whole.
    const body = Stream.concat(
      Stream.succeed(yield* head!.pipe(holding(PIECE))),
      Stream.mapEffect(Stream.fromIterable(others), (piece) => piece)
    )
    return new Response(yield* Stream.toReadableStreamEffect(body, { strategy: { highWaterMark: 0 } }), answer)
  }
  const read =
    range === undefined ? Effect.map(store.get(key), ({ bytes }) => bytes) : store.getRange(key, first, last + 1)
  const bytes = yield* read.pipe(holding(length))
  if (range !== undefined && bytes.length !== length) return yield* changed
  return new Response(bytes as Uint8Array<ArrayBuffer>, answer)
})

/** A piece of an object, in the version that the answer has begun with. */
const pieceOf = Effect.fnUntraced(function* ({ key, etag }: ObjectInfo, first: number, end: number) {
  const store = yield* Store
  const bytes = yield* store.getRange(key, first, end)
  const now = yield* store.find(key)
  if (bytes.length !== end - first || Option.getOrUndefined(now)?.etag !== etag) return yield* changed
  return bytes as Uint8Array<ArrayBuffer>
})

const changed = refuse(409, "The recording has just changed; please try again.")
