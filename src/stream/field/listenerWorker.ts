import { type FrontEnd, type FrontEndOrigin, importFrontEnd } from "../../embedder/frontEnd.ts"
import { DecodeError } from "../../sound/decode/decode.ts"
import type { Index } from "../../sound/decode/mp4Layout.ts"
import { FieldDecoder, type Piece } from "../../sound/field/fieldDecoder.ts"
import { levelling } from "./levelling.ts"
import { type PatchChunk, WindowCutter } from "./windowCutter.ts"

declare const self: Worker

/** Which recording comes, and how it is heard. */
interface Opening {
  readonly origin: FrontEndOrigin
  readonly index: Index | undefined
  readonly size: number
  readonly first: number
  readonly maxWholeBytes: number
  /** The ffmpeg program, where there is one. */
  readonly ffmpeg: string | undefined
}

/** What a listener is told of one recording: that it begins, its bytes in order, and that it has ended. */
export type ListenerRequest = { readonly open: Opening } | { readonly bytes: Uint8Array } | "end"

/** What a listener says to each of them, in order. */
export type ListenerReply =
  | { readonly chunks: ReadonlyArray<PatchChunk>; readonly seconds: number; readonly end?: ListenedEnd }
  | { readonly reason: string }

/** What is known of a recording once it was heard. */
export interface ListenedEnd {
  /** Hex SHA-256 of its bytes. */
  readonly contentHash: string
  readonly windows: number
  readonly sampleRate: number
  readonly noted: ReadonlyArray<string>
}

/** A recording in hand. */
class Listening {
  readonly #frontEnd: FrontEnd
  readonly #first: number
  readonly #decoder: FieldDecoder
  readonly #hasher = new Bun.CryptoHasher("sha256")
  #cutter: WindowCutter | undefined
  #rate = 0
  #seconds = 0

  constructor(frontEnd: FrontEnd, { index, size, first, maxWholeBytes, ffmpeg }: Opening) {
    this.#frontEnd = frontEnd
    this.#first = first
    this.#decoder = new FieldDecoder(size, 0, maxWholeBytes, index, { program: ffmpeg })
  }

  async push(bytes: Uint8Array): Promise<ListenerReply> {
    this.#hasher.update(bytes)
    return { chunks: await this.#take(this.#decoder.push(bytes)), seconds: this.#seconds }
  }

  async end(): Promise<ListenerReply> {
    const chunks = await this.#take(this.#decoder.end())
    chunks.push(...(this.#cutter?.end() ?? []))
    const end = {
      contentHash: this.#hasher.digest("hex"),
      windows: this.#cutter?.windows ?? 0,
      sampleRate: this.#rate,
      noted: [...this.#decoder.noted]
    }
    return { chunks, seconds: this.#seconds, end }
  }

  close(): Promise<void> {
    return this.#decoder.close()
  }

  async #take(pieces: AsyncGenerator<Piece>): Promise<Array<PatchChunk>> {
    const chunks: Array<PatchChunk> = []
    for await (const { start, samples, rate } of pieces) {
      this.#cutter ??= new WindowCutter(levelling(this.#frontEnd), rate, this.#first)
      chunks.push(...this.#cutter.push(samples))
      this.#rate = rate
      this.#seconds = (start + samples.length) / rate
    }
    return chunks
  }
}

let listening: Listening | undefined
/** Requests come faster than they are done, and decoders take turns with timers: each waits for the one before. */
let turn: Promise<unknown> = Promise.resolve()

const answer = async (request: ListenerRequest): Promise<ListenerReply> => {
  if (typeof request === "object" && "open" in request) {
    await listening?.close()
    listening = new Listening(await importFrontEnd(request.open.origin), request.open)
    return { chunks: [], seconds: 0 }
  }
  if (listening === undefined) return { reason: "No recording was opened." }
  return request === "end" ? listening.end() : listening.push(request.bytes)
}

const reasonOf = (cause: unknown): string =>
  cause instanceof DecodeError ? cause.reason : `The decoder failed: ${cause instanceof Error ? cause.message : cause}.`

self.onmessage = ({ data }: MessageEvent<ListenerRequest>) => {
  turn = turn.then(async () => {
    const reply = await answer(data).catch((cause: unknown): ListenerReply => ({ reason: reasonOf(cause) }))
    const buffers = "chunks" in reply ? reply.chunks.map(({ patches }) => patches.buffer) : []
    self.postMessage(reply, buffers as Array<ArrayBuffer>)
  })
}

self.postMessage("ready")
