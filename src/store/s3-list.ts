import { ListObjectsV2Command, type ListObjectsV2CommandOutput } from "@aws-sdk/client-s3"
import { Effect, Option, Stream } from "effect"
import type { Connection } from "./s3-connection.ts"
import { Damaged, Foreign } from "./s3-error.ts"
import { isVersionByTime, type ObjectInfo, versionByTime } from "./store.ts"

/** How often a page is asked for anew because it has keys that were not asked for. */
const FOREIGN_TRIES = 2

/** Lists a bucket page by page, as it is asked for. */
export const list = (connection: Connection) => {
  const { client, target, request } = connection
  /** Whether this server says that it encodes keys, and does not. */
  let isPlain = false
  let told = false

  const tellOnce = Effect.suspend(() => {
    if (told) return Effect.void
    told = true
    return Effect.logWarning(
      `${connection.endpoint} lists no ETags: whether a recording has changed is told by its time and size, to the second.`
    )
  })

  const pageOf = (
    prefix: string,
    page: ListObjectsV2CommandOutput,
    before: ReadonlySet<string>,
    tries: number
  ): Page => {
    const contents = page.Contents ?? []
    isPlain ||= page.EncodingType === "url" && contents.some(({ Key = "" }) => !isEncoded(Key))
    const decode = page.EncodingType === "url" && !isPlain ? urlDecode : (key: string) => key
    const keys = new Set<string>()
    const objects: Array<ObjectInfo> = []
    for (const { Key = "", ETag, Size = 0, LastModified } of contents) {
      const key = decode(Key)
      // A name that changed on its way comes right when it is asked for again; a server's mistake does not.
      const isForeign = !key.startsWith(target(prefix).Key)
      if (isForeign && tries <= FOREIGN_TRIES) throw new Damaged(`"${key}" does not begin as it was asked for`)
      // A server that is asked while it changes may repeat itself.
      if (isForeign || keys.has(key) || before.has(key)) continue
      keys.add(key)
      const etag = unquote(ETag) ?? versionByTime(LastModified, Size)
      objects.push({ key: key.slice(target("").Key.length), etag, size: Size })
    }
    return { objects, keys, next: page.NextContinuationToken, isLast: page.IsTruncated === false }
  }

  return (prefix: string, after?: string) =>
    Stream.paginate(
      { token: undefined as string | undefined, before: new Set<string>() as ReadonlySet<string> },
      Effect.fnUntraced(function* ({ token, before }) {
        const { Bucket, Key: Prefix } = target(prefix)
        let tries = 0
        const page = yield* request(prefix, async (abortSignal) => {
          const command = new ListObjectsV2Command({
            Bucket,
            Prefix,
            // Without this, a key with a control character makes the answer unreadable XML.
            EncodingType: "url",
            ContinuationToken: token,
            ...(after === undefined ? {} : { StartAfter: target(after).Key })
          })
          const answer = await client.send(command, { abortSignal })
          const page = pageOf(prefix, answer, before, ++tries)
          // A web page, say of a server's console, reads as a list without anything in it.
          if (answer.IsTruncated === undefined || (!page.isLast && (page.next === undefined || page.next === token))) {
            throw new Foreign("it is no listing")
          }
          return page
        })
        if (page.objects.some(({ etag }) => isVersionByTime(etag))) yield* tellOnce
        const next = { token: page.next, before: page.keys }
        return [page.objects, page.isLast ? Option.none() : Option.some(next)] as const
      })
    )
}

interface Page {
  readonly objects: ReadonlyArray<ObjectInfo>
  readonly keys: ReadonlySet<string>
  readonly next: string | undefined
  readonly isLast: boolean
}

/** Whether this can be an encoded key: S3 leaves no others than these as they are. */
const isEncoded = (key: string): boolean => /^(%[0-9A-Fa-f]{2}|[!-$&-~])*$/.test(key) && decodes(key)

const decodes = (key: string): boolean => {
  try {
    urlDecode(key)
    return true
  } catch {
    return false
  }
}

const urlDecode = (key: string): string => decodeURIComponent(key.replaceAll("+", " "))

/** An ETag without the quotes of HTTP, nor the mark that proxies put on it; undefined where it says nothing. */
export const unquote = (etag: string | undefined): string | undefined => etag?.replace(/^(W\/)?"?|"$/g, "") || undefined
