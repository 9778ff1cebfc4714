import { Effect, Result } from "effect"
import type { FrontEnd } from "../embedder/frontEnd.ts"
import { DecodeError } from "../sound/decode/decode.ts"
import type { Index } from "../sound/decode/mp4Layout.ts"
import { FieldDecoder, type Piece } from "../sound/field/fieldDecoder.ts"
import { sha256 } from "../store/sha256.ts"
import { LongClipHearing } from "./longClip.ts"
import {
  BEYOND_SECONDS,
  type PreparedRecording,
  type PrepareSettings,
  prepareLong,
  prepareRecording
} from "./prepare.ts"

/** What is told apart of a recording's bytes: what is used of it ends with one of these. */
export const GRAIN_BYTES = 1 << 16

/** Of which recording the bytes come, and how it is prepared. */
export interface GrowingRequest {
  /** Of the file, in bytes. */
  readonly size: number
  /** What a recording may have that has to be read whole, in bytes. */
  readonly maxWholeBytes: number
  /** Of MP4. */
  readonly index: Index | undefined
  readonly settings: PrepareSettings
}

/** How far a recording is. */
export interface Progress {
  /** Seconds that are decoded, and the bytes that they lie in. */
  readonly seconds: number
  readonly bytes: number
  /** Whether no more of its bytes is used. */
  readonly isEnough: boolean
}

/** What came of a recording; `reason` is a sentence. */
export interface Grown {
  /** Hex SHA-256 of its bytes; where no more than the first were used, of theirs and of the size of all. */
  readonly contentHash: string
  readonly outcome: Result.Result<PreparedRecording, string>
}

/**
 * Prepares a recording from its bytes, as they come, and says when no more are needed: those of its first ten minutes are.
 * One that turns out to be a clip like others, and one that cannot be read piece by piece, is held and prepared whole.
 */
export class GrowingRecording {
  readonly #frontEnd: FrontEnd
  readonly #request: GrowingRequest
  readonly #decoder: FieldDecoder
  readonly #hearing: LongClipHearing
  readonly #hasher = new Bun.CryptoHasher("sha256")
  /** All bytes so far, while they may have to be read again. */
  #held: Array<Uint8Array> | undefined = []
  #received = 0
  #isEnough = false
  #reason: string | undefined

  constructor(frontEnd: FrontEnd, request: GrowingRequest) {
    this.#frontEnd = frontEnd
    this.#request = request
    this.#decoder = new FieldDecoder(request.size, 0, request.maxWholeBytes, request.index)
    this.#hearing = new LongClipHearing(frontEnd, request.settings.clipMaxSeconds)
  }

  /** Takes the bytes that follow, which begin at a multiple of `GRAIN_BYTES`. */
  async push(bytes: Uint8Array): Promise<Progress> {
    for (let at = 0; at < bytes.length && !this.#isEnough; at += GRAIN_BYTES) {
      const grain = bytes.subarray(at, at + GRAIN_BYTES)
      this.#hasher.update(grain)
      this.#received += grain.length
      this.#held?.push(grain)
      await this.#hear(this.#decoder.push(grain))
    }
    return { seconds: this.#decoder.seconds, bytes: this.#decoder.bytes, isEnough: this.#isEnough }
  }

  /** Says that no more will come. */
  async end(): Promise<Grown> {
    const isCut = this.#received < this.#request.size
    if (!isCut) await this.#hear(this.#decoder.end())
    const digest = this.#hasher.digest("hex")
    const contentHash = isCut ? sha256(`${digest}, the first bytes of ${this.#request.size}`) : digest
    const outcome = await this.#prepare(contentHash, isCut)
    await this.close()
    return { contentHash, outcome }
  }

  close(): Promise<void> {
    return this.#decoder.close()
  }

  async #hear(pieces: AsyncGenerator<Piece>): Promise<void> {
    const { clipMaxSeconds } = this.#request.settings
    try {
      for await (const piece of pieces) {
        this.#hearing.push(piece)
        if (this.#hearing.seconds > clipMaxSeconds + BEYOND_SECONDS) this.#held = undefined
        if (this.#hearing.isDone) {
          this.#isEnough = true
          return
        }
      }
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause
      this.#reason = cause.reason
      if (this.#request.size > this.#request.maxWholeBytes) this.#held = undefined
      this.#isEnough = this.#held === undefined
    }
  }

  async #prepare(contentHash: string, isCut: boolean): Promise<Grown["outcome"]> {
    const { settings } = this.#request
    if (this.#held !== undefined && !isCut) {
      const bytes = Buffer.concat(this.#held.splice(0))
      return Effect.runPromise(
        prepareRecording(bytes, contentHash, this.#frontEnd, settings).pipe(
          Effect.mapError(({ reason }) => reason),
          Effect.result
        )
      )
    }
    if (this.#reason !== undefined) return Result.fail(this.#reason)
    const whole = isCut ? `of it the first ${this.#hearing.most} s are` : "all of it is"
    const long = this.#hearing.end({ whole, noted: this.#decoder.noted })
    return Result.succeed(prepareLong(long, contentHash, this.#frontEnd, settings))
  }
}
