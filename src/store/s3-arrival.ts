import { Crc32, Crc32c, Crc64Nvme } from "@aws-sdk/checksums/crc"
import { type GetObjectCommandOutput, type S3Client, S3ServiceException } from "@aws-sdk/client-s3"
import { Damaged, Foreign } from "./s3-error.ts"
import { sha256 } from "./sha256.ts"

// Whether what arrived is what lies in the bucket. TCP's own checksum lets one damaged packet in some thousand pass, and
// proxies and disks damage what they hold.

type Answer = Pick<
  GetObjectCommandOutput,
  | "ContentLength"
  | "ETag"
  | "ServerSideEncryption"
  | "SSECustomerAlgorithm"
  | "ChecksumType"
  | "ChecksumSHA256"
  | "ChecksumSHA1"
  | "ChecksumCRC32"
  | "ChecksumCRC32C"
  | "ChecksumCRC64NVME"
>

/**
 * Asks for the checksums that a server keeps of whole objects, unless it turns out not to know the question. They are not
 * left to the SDK, which would compute them in JavaScript even where an MD5 has told already.
 */
export const askForChecksums = (client: S3Client): S3Client => {
  let isKnown = true
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (!isKnown || commandName !== "GetObjectCommand" || "Range" in args.input) return next(args)
        const { headers } = args.request as { readonly headers: Record<string, string> }
        headers[CHECKSUM_MODE] = "ENABLED"
        try {
          return await next(args)
        } catch (thrown) {
          if (!isNotImplemented(thrown)) throw thrown
          isKnown = false
          delete headers[CHECKSUM_MODE]
          return next(args)
        }
      },
    { step: "build", name: "askForChecksums" }
  )
  return client
}

/** Refuses what a proxy in a bad hour, or a server's console, answers with HTTP 200 in the server's place: a web page. */
export const refusePages = (client: S3Client): S3Client => {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const answered = await next(args)
        const { statusCode, headers } = answered.response as HttpResponse
        // An object may be a page itself, but no server gives one without either of these. And some servers call a page what
        // has nothing in it.
        const isPage = /^(Get|Head)ObjectCommand$/.test(commandName ?? "")
          ? headers.etag === undefined && headers["last-modified"] === undefined
          : headers["content-type"]?.startsWith("text/html") === true && headers["content-length"] !== "0"
        if (statusCode < 300 && statusCode !== 204 && isPage) throw new Foreign("it is a web page")
        return answered
      },
    { step: "deserialize", priority: "low", name: "refusePages" }
  )
  return client
}

interface HttpResponse {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | undefined>>
}

const CHECKSUM_MODE = "x-amz-checksum-mode"

const isNotImplemented = (thrown: unknown): boolean =>
  thrown instanceof S3ServiceException && thrown.$metadata.httpStatusCode === 501

/** Objects in a row whose ETag turned out to be no MD5, after which a store's ETags are not taken for one any more. */
const STRANGERS = 3

/** Checks whole objects of one store. Called once a `get`, it returns a check for each of its attempts. */
export const makeArrivals = () => {
  let strangers = 0
  let isProven = false
  return () => {
    let doubted: string | undefined
    /**
     * Throws `Damaged` unless these are the bytes that the answer's head tells of. Returns whether they are odd all the
     * same: not what their ETag says in a store where ETags are MD5s. `size` asks for the object's size by itself.
     */
    return async (bytes: Uint8Array, answer: Answer, size: () => Promise<number | undefined>): Promise<boolean> => {
      if (answer.ContentLength !== undefined && answer.ContentLength !== bytes.length) {
        throw new Damaged(`${bytes.length} bytes came of ${answer.ContentLength}`)
      }
      const md5 = strangers < STRANGERS ? claimedMd5(answer) : undefined
      if (md5 !== undefined && md5 === new Bun.CryptoHasher("md5").update(bytes).digest("hex")) {
        strangers = 0
        isProven = true
        return false
      }
      const fits = await fitsChecksum(bytes, answer)
      if (fits === false) throw new Damaged("its checksum is another")
      if (fits === true || md5 === undefined) return false
      // Encryption makes ETags that only look like an MD5. The same bytes twice, and all of them, are not damaged on the way.
      const digest = sha256(bytes)
      if (doubted !== digest || (await size()) !== bytes.length) {
        doubted = digest
        throw new Damaged("its MD5 is not its ETag")
      }
      strangers++
      return isProven
    }
  }
}

/** The MD5 of the object, as far as its ETag can be one. */
const claimedMd5 = ({ ETag = "", ServerSideEncryption, SSECustomerAlgorithm }: Answer): string | undefined => {
  const [, digest] = /^(?:W\/)?"?([0-9a-f]{32})"?$/i.exec(ETag) ?? []
  return ServerSideEncryption?.includes("kms") || SSECustomerAlgorithm ? undefined : digest?.toLowerCase()
}

const CHECKSUMS = [
  ["ChecksumSHA256", (bytes) => new Bun.CryptoHasher("sha256").update(bytes).digest()],
  ["ChecksumSHA1", (bytes) => new Bun.CryptoHasher("sha1").update(bytes).digest()],
  ["ChecksumCRC32", (bytes) => digestBy(new Crc32(), bytes)],
  ["ChecksumCRC64NVME", (bytes) => digestBy(new Crc64Nvme(), bytes)],
  ["ChecksumCRC32C", (bytes) => digestBy(new Crc32c(), bytes)]
] as const satisfies ReadonlyArray<readonly [keyof Answer, (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>]>

/** Whether the bytes fit the checksum that came with them; undefined where none came that says anything of the whole. */
const fitsChecksum = async (bytes: Uint8Array, answer: Answer): Promise<boolean | undefined> => {
  for (const [name, digest] of CHECKSUMS) {
    const given = answer[name]
    // Of an object that was uploaded in parts it may be the checksum of their checksums: "…-3".
    if (given === undefined || given.includes("-") || answer.ChecksumType === "COMPOSITE") continue
    return Buffer.from(await digest(bytes)).toString("base64") === given
  }
  return undefined
}

const digestBy = (
  checksum: { readonly update: (bytes: Uint8Array) => void; readonly digest: () => Promise<Uint8Array> },
  bytes: Uint8Array
) => {
  checksum.update(bytes)
  return checksum.digest()
}
