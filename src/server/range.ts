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

/** Answers with bytes, or with the range of them that was asked for. */
export const rangeResponse = (bytes: Uint8Array, etag: string, type: string, request: Request): Response => {
  const headers = {
    "content-type": type,
    "accept-ranges": "bytes",
    etag: `"${etag}"`,
    "cache-control": "private, no-cache"
  }
  if (request.headers.get("if-none-match") === headers.etag) return new Response(null, { status: 304, headers })
  const range = parseRange(request.headers.get("range"), bytes.length)
  if (range === "unsatisfiable") {
    return new Response(null, { status: 416, headers: { ...headers, "content-range": `bytes */${bytes.length}` } })
  }
  const body = bytes as Uint8Array<ArrayBuffer>
  if (range === undefined) return new Response(body, { headers })
  return new Response(body.subarray(range.first, range.last + 1), {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${range.first}-${range.last}/${bytes.length}` }
  })
}
