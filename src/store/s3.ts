import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand
} from "@aws-sdk/client-s3"
import { Effect, Option, Stream } from "effect"
import { type Connection, connect, PATIENCE, type Patience, type S3Settings } from "./s3-connection.ts"
import { type ObjectInfo, orNone, type PutCondition, refuseKey, Store, StoreError } from "./store.ts"

/** Bytes per millisecond an upload is granted beyond the silence: its progress cannot be seen. */
const SLOWEST_UPLOAD = 50

/**
 * A bucket as a store; keys are relative to `prefix` (empty, or ending in a slash).
 *
 * Credentials come from the settings, else from the AWS SDK's own chain. Any S3 will do: with a custom endpoint buckets
 * are addressed by path, and no checksum is asked for that only Amazon computes. What is read is checked against its
 * length, what is written by its MD5.
 */
export const s3Store = (
  settings: S3Settings,
  bucket: string,
  prefix = "",
  patience: Patience = PATIENCE
): Store["Service"] => {
  const connection = connect(settings, bucket, prefix, patience)
  return Store.of({
    location: connection.address("").replace(/\/$/, ""),
    list: list(connection),
    get: get(connection),
    getRange: getRange(connection),
    find: find(connection),
    put: put(connection),
    remove: remove(connection)
  })
}

const list = (connection: Connection) => (prefix: string, after?: string) =>
  Stream.paginate(undefined as string | undefined, (token) => {
    const { Bucket, Key: Prefix } = connection.target(prefix)
    const command = new ListObjectsV2Command({
      Bucket,
      Prefix,
      // Without this, a key with a control character makes the answer unreadable XML.
      EncodingType: "url",
      ContinuationToken: token,
      ...(after === undefined ? {} : { StartAfter: connection.target(after).Key })
    })
    return connection
      .request(prefix, (abortSignal) => connection.client.send(command, { abortSignal }))
      .pipe(Effect.flatMap((page) => readPage(connection, prefix, page, token)))
  })

/** The objects on a page of a listing, and the token of the next one. */
const readPage = (
  { endpoint, target }: Connection,
  prefix: string,
  page: ListObjectsV2CommandOutput,
  token: string | undefined
) => {
  const decode = page.EncodingType === "url" ? urlDecode : (key: string) => key
  const objects = (page.Contents ?? []).map(({ Key = "", ETag = "", Size = 0 }): ObjectInfo => {
    return { key: decode(Key).slice(target("").Key.length), etag: unquote(ETag), size: Size }
  })
  const next = page.NextContinuationToken
  // A web page, say of a server's console, reads as a list without anything in it.
  if (page.IsTruncated === undefined || (page.IsTruncated && (next === undefined || next === token))) {
    const message = `${endpoint} does not answer as S3 does: check AWS_ENDPOINT_URL_S3.`
    return Effect.fail(new StoreError({ reason: "invalid", key: prefix, message }))
  }
  return Effect.succeed([objects, page.IsTruncated ? Option.some(next) : Option.none()] as const)
}

const get = ({ client, target, request }: Connection) =>
  Effect.fn("Store.get")(function* (key: string) {
    yield* refuseKey(key)
    return yield* request(key, async (abortSignal, heard) => {
      const { Body, ETag = "" } = await client.send(new GetObjectCommand(target(key)), { abortSignal })
      heard()
      return { bytes: await readWhole(Body?.transformToWebStream(), heard), etag: unquote(ETag) }
    })
  })

const getRange = ({ client, target, request }: Connection) =>
  Effect.fn("Store.getRange")(function* (key: string, from: number, to: number) {
    yield* refuseKey(key)
    return yield* request(key, async (abortSignal, heard) => {
      const command = new GetObjectCommand({ ...target(key), Range: `bytes=${from}-${to - 1}` })
      const { Body, ContentRange } = await client.send(command, { abortSignal })
      heard()
      const bytes = await readWhole(Body?.transformToWebStream(), heard)
      // A server may give the whole object instead.
      return ContentRange === undefined ? bytes.slice(from, to) : bytes
    })
  })

const find = ({ client, target, request }: Connection) =>
  Effect.fn("Store.find")(function* (key: string) {
    yield* refuseKey(key)
    const head = request(key, (abortSignal) => client.send(new HeadObjectCommand(target(key)), { abortSignal }))
    return yield* orNone(
      Effect.map(head, ({ ETag = "", ContentLength = 0 }): ObjectInfo => {
        return { key, etag: unquote(ETag), size: ContentLength }
      })
    )
  })

const put = (connection: Connection) =>
  Effect.fn("Store.put")(function* (key: string, bytes: Uint8Array, condition?: PutCondition) {
    const { client, target, address, request } = connection
    yield* refuseKey(key)
    const command = new PutObjectCommand({
      ...target(key),
      Body: bytes,
      ContentLength: bytes.length,
      ContentMD5: new Bun.CryptoHasher("md5").update(bytes).digest("base64"),
      ...(condition && "ifMatch" in condition ? { IfMatch: `"${condition.ifMatch}"` } : {}),
      ...(condition && "ifNoneMatch" in condition ? { IfNoneMatch: condition.ifNoneMatch } : {})
    })
    let attempts = 0
    const send = (abortSignal: AbortSignal) => {
      attempts++
      return client.send(command, { abortSignal })
    }
    return yield* request(key, send, bytes.length / SLOWEST_UPLOAD).pipe(
      Effect.map(({ ETag = "" }): ObjectInfo => ({ key, etag: unquote(ETag), size: bytes.length })),
      Effect.mapError((error) =>
        error.reason === "missing" && condition && "ifMatch" in condition
          ? new StoreError({ reason: "conflict", key, message: `Another writer has removed ${address(key)}.` })
          : error
      ),
      // A write whose answer was lost and that is sent again finds what it wrote itself.
      Effect.catchIf(
        ({ reason }) => reason === "conflict" && attempts > 1,
        (conflict) => orConflict(connection, key, bytes, conflict)
      )
    )
  })

/** The object, if it holds these very bytes: its ETag need not tell. */
const orConflict = Effect.fnUntraced(function* (
  connection: Connection,
  key: string,
  bytes: Uint8Array,
  conflict: StoreError
) {
  const found = yield* orNone(get(connection)(key))
  if (Option.isNone(found) || Buffer.compare(found.value.bytes, bytes) !== 0) return yield* conflict
  return { key, etag: found.value.etag, size: bytes.length } satisfies ObjectInfo
})

const remove = ({ client, target, request }: Connection) =>
  Effect.fn("Store.remove")(function* (key: string) {
    yield* refuseKey(key)
    yield* request(key, (abortSignal) => client.send(new DeleteObjectCommand(target(key)), { abortSignal }))
  })

// Bun fails the stream if fewer bytes come than were announced.
const readWhole = async (body: ReadableStream | undefined, heard: () => void): Promise<Uint8Array> => {
  const chunks: Array<Uint8Array<ArrayBuffer>> = []
  for await (const chunk of body ?? []) {
    heard()
    chunks.push(chunk)
  }
  // Unlike Buffer.concat, this never returns a piece of a shared buffer, which could not be handed to a Worker.
  return Bun.concatArrayBuffers(chunks, Number.POSITIVE_INFINITY, true)
}

const unquote = (etag: string): string => etag.replace(/^"|"$/g, "")

const urlDecode = (key: string): string => decodeURIComponent(key.replaceAll("+", " "))
