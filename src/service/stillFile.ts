import { sha256 } from "../store/sha256.ts"

/** Fewer bytes are sent as they are. */
const WORTH_PACKING = 1024

/**
 * Answers with a file that does not change while the service runs: packed where the client takes gzip, and with 304
 * where it has the file already. It is read and packed at the first request.
 */
export const stillFile = (
  read: () => Promise<Uint8Array | string>,
  headers: Readonly<Record<string, string>>
): ((request: Request) => Promise<Response>) => {
  let file: Promise<File> | undefined
  return async (request) => {
    file ??= read().then(pack)
    const { plain, packed, etag } = await file
    const always = { "cache-control": "no-cache", ...headers, etag, vary: "accept-encoding" }
    if (isKnown(request.headers.get("if-none-match"), etag)) return new Response(null, { status: 304, headers: always })
    const takesGzip = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(request.headers.get("accept-encoding") ?? "")
    return takesGzip && packed !== undefined
      ? new Response(packed, { headers: { ...always, "content-encoding": "gzip" } })
      : new Response(plain, { headers: always })
  }
}

interface File {
  readonly plain: Uint8Array<ArrayBuffer>
  readonly packed: Uint8Array<ArrayBuffer> | undefined
  /** Weak: it stands for both forms. */
  readonly etag: string
}

const pack = (content: Uint8Array | string): File => {
  const plain = new Uint8Array(Buffer.from(content))
  return {
    plain,
    packed: plain.length < WORTH_PACKING ? undefined : Bun.gzipSync(plain),
    etag: `W/"${sha256(plain).slice(0, 32)}"`
  }
}

const isKnown = (sent: string | null, etag: string): boolean =>
  sent?.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^(W\/)?/, "W/") === etag) ?? false
