import { createHash } from "node:crypto"

interface StoredObject {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly etag: string
  /** When it was written; not told where it is absent. */
  readonly modified?: Date
}

/** What a request asked for, as far as faults are chosen by it. */
export interface S3Request {
  readonly method: string
  readonly bucket: string
  /** Empty where the request is about the bucket. */
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: Headers
}

/** Answers a request in the server's place; `undefined` lets the server answer. */
export type Fault = (request: S3Request) => Response | undefined

/** A server that speaks the part of S3 that the project uses, over real HTTP, for as long as a test lasts. */
export interface S3Server extends Disposable {
  readonly endpoint: string
  readonly bucket: Map<string, StoredObject>
  /** Everything asked so far. */
  readonly requests: Array<S3Request>
  /** Asked before each answer. */
  fault: Fault
}

export const s3Error = (status: number, code: string, message = code): Response =>
  new Response(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
    { status, headers: { "content-type": "application/xml" } }
  )

/** The first `count` requests that `applies` to are answered with `answer`. */
export const failFirst = (
  count: number,
  answer: () => Response,
  applies: (request: S3Request) => boolean = () => true
): Fault => {
  let left = count
  return (request) => (applies(request) && left-- > 0 ? answer() : undefined)
}

/** Starts a server with one bucket, `recordings`. Only access keys other than `refused` are let in. */
export const startS3Server = (options: { readonly pageSize?: number; readonly refused?: string } = {}): S3Server => {
  const bucket = new Map<string, StoredObject>()
  const requests: Array<S3Request> = []

  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch: async (http) => {
      const url = new URL(http.url)
      const [, name = "", ...path] = url.pathname.split("/")
      const request: S3Request = {
        method: http.method,
        bucket: name,
        key: decodeURIComponent(path.join("/")),
        query: url.searchParams,
        headers: http.headers
      }
      const body = new Uint8Array(await http.arrayBuffer())
      requests.push(request)
      return s3.fault(request) ?? answer(request, body)
    }
  })

  const answer = (request: S3Request, body: Uint8Array<ArrayBuffer>): Response => {
    const credential = request.headers.get("authorization")?.match(/Credential=([^/]+)\//)?.[1]
    if (credential === undefined) return s3Error(403, "AccessDenied", "Access Denied")
    if (credential === options.refused) return s3Error(403, "InvalidAccessKeyId")
    if (request.bucket !== "recordings") return s3Error(404, "NoSuchBucket", "The specified bucket does not exist")
    if (request.key === "") return list(bucket, request.query, options.pageSize ?? 1000)
    switch (request.method) {
      case "PUT":
        return put(bucket, request, body)
      case "GET":
      case "HEAD":
        return read(bucket, request)
      case "DELETE":
        bucket.delete(request.key)
        return new Response(null, { status: 204 })
      default:
        return s3Error(405, "MethodNotAllowed")
    }
  }

  const s3: S3Server = {
    endpoint: `http://127.0.0.1:${server.port}`,
    bucket,
    requests,
    fault: () => undefined,
    [Symbol.dispose]: () => void server.stop(true)
  }
  return s3
}

const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes)

const put = (bucket: Map<string, StoredObject>, request: S3Request, bytes: Uint8Array<ArrayBuffer>): Response => {
  const current = bucket.get(request.key)
  const ifMatch = request.headers.get("if-match")
  if (request.headers.get("if-none-match") === "*" && current) return s3Error(412, "PreconditionFailed")
  if (ifMatch !== null && !current) return s3Error(404, "NoSuchKey")
  if (ifMatch !== null && ifMatch !== current?.etag) return s3Error(412, "PreconditionFailed")
  const sent = request.headers.get("content-md5")
  if (sent !== null && sent !== md5(bytes).digest("base64")) return s3Error(400, "BadDigest")
  const etag = `"${md5(bytes).digest("hex")}"`
  bucket.set(request.key, { bytes, etag, modified: new Date() })
  return new Response(null, { headers: { etag } })
}

const read = (bucket: Map<string, StoredObject>, request: S3Request): Response => {
  const object = bucket.get(request.key)
  if (object === undefined) {
    return request.method === "HEAD" ? new Response(null, { status: 404 }) : s3Error(404, "NoSuchKey")
  }
  const [, from, to] = request.headers.get("range")?.match(/^bytes=(\d+)-(\d+)$/) ?? []
  if (from !== undefined && request.method === "GET") {
    const size = object.bytes.length
    if (Number(from) >= size) return s3Error(416, "InvalidRange")
    const bytes = object.bytes.slice(Number(from), Number(to) + 1)
    const range = `bytes ${from}-${Number(from) + bytes.length - 1}/${size}`
    return new Response(bytes, { status: 206, headers: { etag: object.etag, "content-range": range } })
  }
  const headers = {
    etag: object.etag,
    "content-length": String(object.bytes.length),
    ...(object.modified === undefined ? {} : { "last-modified": object.modified.toUTCString() })
  }
  return new Response(request.method === "HEAD" ? null : object.bytes, { headers })
}

const list = (bucket: Map<string, StoredObject>, query: URLSearchParams, pageSize: number): Response => {
  const prefix = query.get("prefix") ?? ""
  const token = query.get("continuation-token")
  const after = token === null ? (query.get("start-after") ?? "") : Buffer.from(token, "base64").toString()
  const delimiter = query.get("delimiter") ?? ""
  const limit = Math.min(pageSize, Number(query.get("max-keys") ?? 1000))
  const encode = query.get("encoding-type") === "url" ? urlEncode : xmlEscape
  const keys = [...bucket.keys()].filter((key) => key.startsWith(prefix) && byBytes(key, after) > 0).sort(byBytes)
  const folderOf = (key: string) => {
    const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length)
    return end < 0 ? undefined : key.slice(0, end + delimiter.length)
  }
  const folders = [...new Set(keys.map(folderOf).filter((folder) => folder !== undefined))]
  const objects = keys.filter((key) => folderOf(key) === undefined)
  const page = objects.slice(0, limit)
  const truncated = objects.length > limit && limit > 0
  return new Response(
    `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
${query.has("encoding-type") ? "<EncodingType>url</EncodingType>" : ""}
<IsTruncated>${truncated}</IsTruncated><KeyCount>${page.length}</KeyCount><MaxKeys>${limit}</MaxKeys>
${truncated ? `<NextContinuationToken>${Buffer.from(page.at(-1)!).toString("base64")}</NextContinuationToken>` : ""}
${page.map((key) => contents(encode(key), bucket.get(key)!)).join("\n")}
${folders.map((folder) => `<CommonPrefixes><Prefix>${encode(folder)}</Prefix></CommonPrefixes>`).join("\n")}
</ListBucketResult>`,
    { headers: { "content-type": "application/xml" } }
  )
}

const contents = (key: string, { etag, bytes, modified }: StoredObject) => {
  const time = modified === undefined ? "" : `<LastModified>${modified.toISOString()}</LastModified>`
  return `<Contents><Key>${key}</Key>${time}<ETag>${xmlEscape(etag)}</ETag><Size>${bytes.length}</Size></Contents>`
}

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

const urlEncode = (text: string) => encodeURIComponent(text).replaceAll("%2F", "/").replaceAll("%20", "+")

const xmlEscape = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
