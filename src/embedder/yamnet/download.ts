import { type Duration, Effect, Stream } from "effect"
import { HttpClient, type HttpClientError } from "effect/http"
import { UnusableWeights } from "./mobilenet.ts"

/** Where YAMNet's authors publish the weights: the AudioSet bucket, then TensorFlow Hub and the bucket behind it. */
export const OFFICIAL_ADDRESSES: ReadonlyArray<string> = [
  "https://storage.googleapis.com/audioset/yamnet.h5",
  "https://tfhub.dev/google/tfjs-model/yamnet/tfjs/1?tfjs-format=file",
  "https://storage.googleapis.com/tfhub-tfjs-modules/google/tfjs-model/yamnet/tfjs/1/model.json"
]

// Four times yamnet.h5 (15 MB); whatever is larger is something else.
const MAX_BYTES = 64 * 1024 * 1024

/** The file to get first: `address` itself if it names an .h5 or .json file, else the model.json of that folder. */
export const mainFile = (address: string): URL => {
  const url = new URL(address)
  if (!/\.(h5|json)$/.test(url.pathname)) url.pathname = `${url.pathname.replace(/\/$/, "")}/model.json`
  return url
}

/** The file of another name beside `file`, asked for in the same way. */
export const beside = (file: URL, name: string): URL => {
  const url = new URL(name, file)
  url.search = file.search
  return url
}

const reasonOf = ({ reason }: HttpClientError.HttpClientError): string => {
  const cause = "cause" in reason && reason.cause instanceof Error ? reason.cause.message : reason.message
  if (/ECONNREFUSED|Unable to connect/.test(cause)) return "nothing answers there"
  if (/ENOTFOUND|EAI_AGAIN/.test(cause)) return "there is no such host, or no network"
  return cause.replace(/\.$/, "")
}

/** Gets a file whole, following redirects. Fails on any other answer, and when nothing arrives for `patience`. */
export const download = Effect.fn("Download.get")(function* (
  url: URL,
  patience: Duration.Input
): Effect.fn.Return<Uint8Array, UnusableWeights, HttpClient.HttpClient> {
  const unusable = (message: string) => new UnusableWeights({ message })
  const broken = (error: HttpClientError.HttpClientError) => unusable(`cannot be fetched (${reasonOf(error)})`)

  const response = yield* HttpClient.get(url).pipe(
    Effect.mapError(broken),
    Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(unusable("does not answer")) })
  )
  if (response.status !== 200) return yield* unusable(`answers HTTP ${response.status}`)

  const chunks: Array<Uint8Array> = []
  let size = 0
  yield* response.stream.pipe(
    Stream.mapError(broken),
    Stream.timeoutOrElse({ duration: patience, orElse: () => Stream.fail(unusable("stopped sending in the middle")) }),
    Stream.runForEach((chunk) => {
      chunks.push(chunk)
      size += chunk.length
      return size > MAX_BYTES
        ? Effect.fail(unusable(`sends more than ${MAX_BYTES} bytes, which is not YAMNet`))
        : Effect.void
    })
  )
  const bytes = Buffer.concat(chunks)
  if (bytes[0] === 0x3c) return yield* unusable("answers with a web page, not a model")
  return bytes
})
