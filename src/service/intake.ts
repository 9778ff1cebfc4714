import { Context, Duration, Effect, Layer, Semaphore } from "effect"
import { Settings } from "../config/settings.ts"
import { makeBodyMemory } from "./bodyMemory.ts"
import { type Refusal, refuse } from "./refusal.ts"

/** A multipart request, read whole. */
export interface Form {
  readonly file: { readonly name: string; readonly bytes: Uint8Array }
  readonly fields: ReadonlyMap<string, string>
}

/** Boundaries, headers and fields around a file. */
const ENVELOPE = 64 * 1024
/** A JSON body here holds a reason and a number. */
const MOST_JSON = 16 * 1024
/** A body of which nothing comes for so long is given up; one that comes slowly is not. */
const SILENCE = Duration.seconds(30)
/**
 * Takes bodies in: bounded, and together no more than MAX_RECORDING_MB in memory, which is taken as their bytes arrive, so
 * that who announces much and sends nothing holds nothing.
 */
export class Intake extends Context.Service<
  Intake,
  {
    /** Runs `use` on a multipart request with a `file`, holding its memory meanwhile. */
    readonly form: <A, E, R>(
      request: Request,
      use: (form: Form) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | Refusal, R>
    /** Runs `effect` while holding memory for so many bytes. */
    readonly holding: (bytes: number) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | Refusal, R>
  }
>()("ecosight/service/Intake") {
  static readonly layer = Layer.effect(
    Intake,
    Effect.gen(function* () {
      const { maxUploadMegabytes, maxRecordingMegabytes } = yield* Settings
      const most = maxUploadMegabytes * 1_000_000
      const budget = Math.max(maxRecordingMegabytes, maxUploadMegabytes + 1) * 1_000_000
      const memory = makeBodyMemory(budget)
      // Parsing holds a body several times over: one at a time does.
      const parsing = yield* Semaphore.make(1)

      const holding =
        (bytes: number) =>
        <A, E, R>(effect: Effect.Effect<A, E, R>) =>
          Effect.acquireUseRelease(
            memory.claim(bytes),
            (claim) => Effect.andThen(memory.take(claim, claim.needs), effect),
            memory.release
          )

      const form = <A, E, R>(request: Request, use: (form: Form) => Effect.Effect<A, E, R>) =>
        Effect.gen(function* () {
          const type = request.headers.get("content-type") ?? ""
          if (!/^multipart\/form-data\s*;/i.test(type)) {
            return yield* refuse(415, "The body must be multipart/form-data with a file in the field `file`.")
          }
          yield* checkAnnounced(request, most + ENVELOPE)
          const announced = Number(request.headers.get("content-length") ?? most + ENVELOPE)
          return yield* Effect.acquireUseRelease(
            memory.claim(announced),
            (claim) =>
              readBody(request, most + ENVELOPE, (bytes) => memory.take(claim, bytes)).pipe(
                Effect.flatMap((bytes) => parsing.withPermit(parseForm(bytes, type, most))),
                Effect.flatMap(use)
              ),
            memory.release
          )
        })

      return Intake.of({ form, holding })
    })
  )
}

/** Parses a JSON body for the web framework, which would read one of any length; none, or null, counts as `{}`. */
export const readJson = ({ request }: { readonly request: Request }): Promise<unknown> =>
  Effect.runPromise(
    Effect.gen(function* () {
      yield* checkAnnounced(request, MOST_JSON)
      const bytes = yield* readBody(request, MOST_JSON, () => Effect.void)
      if (bytes.length === 0) return {}
      return yield* Effect.try({
        try: (): unknown => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) ?? {},
        catch: () => refuse(400, "The body is not JSON.")
      })
    }),
    { signal: request.signal }
  )

const tooLarge = (most: number) =>
  refuse(413, `The body is larger than the ${most >= 1e6 ? `${Math.floor(most / 1e6)} MB` : "few lines"} allowed.`)

const checkAnnounced = (request: Request, most: number) =>
  Number(request.headers.get("content-length") ?? 0) > most ? Effect.fail(tooLarge(most)) : Effect.void

/** Reads no further than one chunk beyond `most` bytes, whatever length was announced; `arrived` is told of each chunk. */
const readBody = Effect.fnUntraced(function* (
  request: Request,
  most: number,
  arrived: (bytes: number) => Effect.Effect<void, Refusal>
) {
  const reader = request.body?.getReader()
  if (reader === undefined) return new Uint8Array()
  const chunks: Array<Uint8Array> = []
  const read = Effect.gen(function* () {
    for (let length = 0; ; ) {
      const { done, value } = yield* nextChunk(reader)
      if (done) return Buffer.concat(chunks)
      length += value.length
      if (length > most) return yield* tooLarge(most)
      yield* arrived(value.length)
      chunks.push(value)
    }
  })
  return yield* Effect.onError(read, () => Effect.promise(() => reader.cancel().catch(() => {})))
})

const nextChunk = (reader: ReadableStreamDefaultReader<Uint8Array>) =>
  Effect.tryPromise({ try: () => reader.read(), catch: () => refuse(400, "The body broke off.") }).pipe(
    Effect.timeoutOrElse({
      duration: SILENCE,
      orElse: () => Effect.fail(refuse(408, `Nothing more of the body came for ${Duration.format(SILENCE)}.`))
    })
  )

const parseForm = Effect.fnUntraced(function* (bytes: Uint8Array, type: string, most: number) {
  const data = yield* Effect.tryPromise({
    try: () => new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { "content-type": type } }).formData(),
    catch: () => refuse(400, "The body is not the multipart/form-data that its header says.")
  })
  const file = data.get("file")
  if (!(file instanceof Blob)) return yield* refuse(422, "There is no file in the field `file`.")
  if (file.size === 0) return yield* refuse(400, "The file is empty.")
  if (file.size > most) return yield* tooLarge(most)
  const fields = [...data].flatMap(([name, value]) => (typeof value === "string" ? [[name, value] as const] : []))
  const form: Form = {
    file: { name: file instanceof File ? file.name : "", bytes: yield* Effect.promise(() => file.bytes()) },
    fields: new Map(fields)
  }
  return form
})
