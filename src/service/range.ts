import { Effect } from "effect"
import type { ObjectInfo } from "../store/store.ts"
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

/** Answers with an object, or with the range of it that was asked for: `read` fetches what is sent, and no more. */
export const rangeResponse = Effect.fnUntraced(function* <E, R>(
  { etag, size }: Pick<ObjectInfo, "etag" | "size">,
  type: string,
  request: Request,
  /** The bytes from `first` to `end`, exclusive. */
  read: (first: number, end: number) => Effect.Effect<Uint8Array, E, R>
) {
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
  if (range === undefined) return new Response((yield* read(0, size)) as Uint8Array<ArrayBuffer>, { headers })
  const { first, last } = range
  const part = (yield* read(first, last + 1)) as Uint8Array<ArrayBuffer>
  if (part.length !== last + 1 - first) return yield* refuse(409, "The recording has just changed; please try again.")
  return new Response(part, {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${first}-${last}/${size}` }
  })
})
