import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3"
import { Effect, Option, Stream } from "effect"
import { AUDIT_PREFIX, PROBE_KEY } from "./keys.ts"
import { makeArrivals } from "./s3-arrival.ts"
import { makeConditions, type Write } from "./s3-conditions.ts"
import { type Connection, connect, type S3Settings } from "./s3-connection.ts"
import { Damaged } from "./s3-error.ts"
import { list, unquote } from "./s3-list.ts"
import { type Patience, patienceOf } from "./s3-patience.ts"
import { isAbsence, type ObjectInfo, orNone, refuseKey, Store, StoreError, versionByTime } from "./store.ts"

/** Bytes per millisecond an upload is granted beyond the silence: its progress cannot be seen. */
const SLOWEST_UPLOAD = 50

/**
 * A bucket as a store; keys are relative to `prefix` (empty, or ending in a slash).
 *
 * Credentials come from the settings, else from the AWS SDK's own chain. Any S3 will do: with a custom endpoint buckets
 * are addressed by path, and no checksum is asked for that only Amazon computes. What is read is checked (`s3-arrival.ts`),
 * what is written goes with its MD5, and whether the server heeds conditions is found out before the first conditional
 * write (`s3-conditions.ts`).
 */
export const s3Store = (
  settings: S3Settings,
  bucket: string,
  prefix = "",
  patience: Patience = patienceOf(settings.storePatience)
): Store["Service"] => {
  const connection = connect(settings, bucket, prefix, patience)
  const location = connection.address("").replace(/\/$/, "")
  const read = get(connection)
  const listAll = list(connection)
  const write = makeConditions(put(connection), read, {
    endpoint: connection.endpoint,
    location,
    allowed: settings.allowUnconditionalWrites
  })
  return Store.of({
    location,
    list: (from, after) => listAll(from, after).pipe(Stream.filter(({ key }) => key !== PROBE_KEY)),
    get: read,
    ...makeRanges(connection),
    find: find(connection),
    put: orOurs(write, read),
    remove: remove(connection)
  })
}

const get = ({ client, target, address, request }: Connection) => {
  const arrivals = makeArrivals()
  return Effect.fn("Store.get")(function* (key: string) {
    yield* refuseKey(key)
    const check = arrivals()
    const { isOdd, ...found } = yield* request(key, async (abortSignal, heard) => {
      const { Body, ...answer } = await client.send(new GetObjectCommand(target(key)), { abortSignal })
      heard()
      const bytes = await readWhole(Body?.transformToWebStream(), heard)
      const size = async () => (await client.send(new HeadObjectCommand(target(key)), { abortSignal })).ContentLength
      return { bytes, etag: etagOf(answer, bytes), isOdd: await check(bytes, answer, size) }
    })
    if (isOdd) {
      yield* Effect.logWarning(
        `${address(key)} came twice as it is, but its MD5 is not its ETag, as it is of others: it may be damaged where it lies.`
      )
    }
    return found
  })
}

/** Ranges, and whether the server turned out to know none, which is told once. */
const makeRanges = ({ client, target, endpoint, request }: Connection) => {
  let isWhole = false
  let isTold = false
  const getRange = Effect.fn("Store.getRange")(function* (key: string, from: number, to: number) {
    yield* refuseKey(key)
    const found = yield* request(key, async (abortSignal, heard) => {
      const command = new GetObjectCommand({ ...target(key), Range: `bytes=${from}-${to - 1}` })
      const { Body, ContentLength, ContentRange } = await client.send(command, { abortSignal })
      heard()
      // A server may give the whole object instead, of which no more is taken than was asked for.
      if (ContentRange === undefined) {
        const bytes = await readUpTo(to, Body?.transformToWebStream(), heard)
        if (bytes.length < Math.min(to, ContentLength ?? 0)) {
          throw new Damaged(`${bytes.length} bytes came of ${ContentLength}`)
        }
        isWhole ||= from > 0 || (ContentLength ?? bytes.length) > to
        return bytes.slice(from, to)
      }
      const bytes = await readWhole(Body?.transformToWebStream(), heard)
      if (ContentLength !== undefined && ContentLength !== bytes.length) {
        throw new Damaged(`${bytes.length} bytes came of ${ContentLength}`)
      }
      const [, first, last] = /^bytes (\d+)-(\d+)\//.exec(ContentRange) ?? []
      if (Number(first) !== from || Number(last) + 1 !== from + bytes.length) {
        throw new Damaged(`${bytes.length} bytes from ${from} came as ${ContentRange}`)
      }
      return bytes
    })
    if (isWhole && !isTold) {
      isTold = true
      yield* Effect.logWarning(`${endpoint} gives no ranges of objects: of long recordings all is fetched.`)
    }
    return found
  })
  return { getRange, givesWhole: () => isWhole }
}

const find = ({ client, target, request }: Connection) =>
  Effect.fn("Store.find")(function* (key: string) {
    yield* refuseKey(key)
    const head = request(key, (abortSignal) => client.send(new HeadObjectCommand(target(key)), { abortSignal }))
    return yield* orNone(
      Effect.map(head, ({ ETag, ContentLength = 0, LastModified }): ObjectInfo => {
        const etag = unquote(ETag) ?? versionByTime(LastModified, ContentLength)
        return { key, etag, size: ContentLength }
      })
    )
  })

const put = ({ client, target, address, request }: Connection): Write =>
  Effect.fn("Store.put")(function* (key, bytes, condition) {
    yield* refuseKey(key)
    const command = new PutObjectCommand({
      ...target(key),
      Body: bytes,
      ContentLength: bytes.length,
      // Audit copies can be made again, and are by far the most bytes.
      ...(key.startsWith(AUDIT_PREFIX)
        ? {}
        : { ContentMD5: new Bun.CryptoHasher("md5").update(bytes).digest("base64") }),
      ...(condition && "ifMatch" in condition ? { IfMatch: `"${condition.ifMatch}"` } : {}),
      ...(condition && "ifNoneMatch" in condition ? { IfNoneMatch: condition.ifNoneMatch } : {})
    })
    const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal })
    return yield* request(key, send, bytes.length / SLOWEST_UPLOAD).pipe(
      Effect.map((answer): ObjectInfo => ({ key, etag: etagOf(answer, bytes), size: bytes.length })),
      Effect.mapError((error) =>
        isAbsence(error) && condition && "ifMatch" in condition
          ? new StoreError({ reason: "conflict", key, message: `Another writer has removed ${address(key)}.` })
          : error
      )
    )
  })

/**
 * The write, where what it conflicts with may be itself: one whose answer was lost is sent again, by this program or, on a
 * connection that was reset, by `fetch` unasked, and then finds what it wrote. The object's bytes tell; its ETag need not.
 */
const orOurs =
  (write: Write, read: Store["Service"]["get"]): Write =>
  (key, bytes, condition) =>
    write(key, bytes, condition).pipe(
      Effect.catchIf(
        ({ reason }) => reason === "conflict",
        (conflict) =>
          Effect.flatMap(orNone(read(key)), (found) =>
            Option.isSome(found) && Buffer.compare(found.value.bytes, bytes) === 0
              ? Effect.succeed<ObjectInfo>({ key, etag: found.value.etag, size: bytes.length })
              : Effect.fail(conflict)
          )
      )
    )

const remove = ({ client, endpoint, target, address, request }: Connection) =>
  Effect.fn("Store.remove")(function* (key: string) {
    yield* refuseKey(key)
    yield* request(key, (abortSignal) => client.send(new DeleteObjectCommand(target(key)), { abortSignal })).pipe(
      Effect.mapError((error) => {
        if (error.reason !== "denied" || error.key === "") return error
        const message = `${endpoint} lets nothing be removed, such as ${address(key)}: allow s3:DeleteObject.`
        return new StoreError({ reason: "denied", key, message })
      })
    )
  })

const readWhole = (body: ReadableStream | undefined, heard: () => void): Promise<Uint8Array> =>
  readUpTo(Number.POSITIVE_INFINITY, body, heard)

/** Reads until so many bytes are there, or a few more. Bun fails the stream if fewer bytes come than were announced. */
const readUpTo = async (most: number, body: ReadableStream | undefined, heard: () => void): Promise<Uint8Array> => {
  const chunks: Array<Uint8Array<ArrayBuffer>> = []
  let length = 0
  for await (const chunk of body ?? []) {
    heard()
    chunks.push(chunk)
    length += chunk.length
    if (length >= most) break
  }
  // Unlike Buffer.concat, this never returns a piece of a shared buffer, which could not be handed to a Worker.
  return Bun.concatArrayBuffers(chunks, Number.POSITIVE_INFINITY, true)
}

/** The ETag of an object with these bytes; where an answer names none, what nearly every server makes of them. */
const etagOf = ({ ETag }: { readonly ETag?: string | undefined }, bytes: Uint8Array): string =>
  unquote(ETag) ?? new Bun.CryptoHasher("md5").update(bytes).digest("hex")
