import { Context, Duration, Effect, Layer } from "effect"
import { Settings } from "../config/settings.ts"
import { type Holding, shareMemory } from "../stream/memory.ts"
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
/** 50 MB at 0.4 MB/s; who is slower holds memory for nothing. */
export const PATIENCE = Duration.minutes(2)

/** Takes bodies in: bounded before they are read, and together no more than MAX_RECORDING_MB in memory. */
export class Intake extends Context.Service<
  Intake,
  {
    /** Runs `use` on a multipart request with a `file`, holding its share of the memory meanwhile. */
    readonly form: <A, E, R>(
      request: Request,
      use: (form: Form) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | Refusal, R>
    /** Runs `effect` while holding memory for so many bytes. */
    readonly holding: Holding
  }
>()("ecosight/service/Intake") {
  static readonly layer = Layer.effect(
    Intake,
    Effect.gen(function* () {
      const { maxUploadMegabytes, maxRecordingMegabytes } = yield* Settings
      const most = maxUploadMegabytes * 1_000_000
      const budget = Math.max(maxRecordingMegabytes, maxUploadMegabytes + 1)
      const holding = yield* shareMemory(budget)

      const form = <A, E, R>(request: Request, use: (form: Form) => Effect.Effect<A, E, R>) =>
        Effect.gen(function* () {
          const type = request.headers.get("content-type") ?? ""
          if (!/^multipart\/form-data\s*;/i.test(type)) {
            return yield* refuse(415, "The body must be multipart/form-data with a file in the field `file`.")
          }
          const announced = yield* announcedLength(request, most + ENVELOPE)
          return yield* readBody(request, most + ENVELOPE).pipe(
            Effect.flatMap((bytes) => parseForm(bytes, type, most)),
            Effect.flatMap(use),
            holding(announced ?? most)
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
      yield* announcedLength(request, MOST_JSON)
      const bytes = yield* readBody(request, MOST_JSON)
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

const announcedLength = (request: Request, most: number) => {
  const header = request.headers.get("content-length")
  if (header === null) return Effect.succeed(undefined)
  return Number(header) > most ? Effect.fail(tooLarge(most)) : Effect.succeed(Number(header))
}

/** Reads no further than one chunk beyond `most` bytes, whatever length was announced. */
const readBody = (request: Request, most: number) =>
  Effect.callback<Uint8Array, Refusal>((resume) => {
    const reader = request.body?.getReader()
    if (reader === undefined) {
      resume(Effect.succeed(new Uint8Array()))
      return
    }
    const chunks: Array<Uint8Array> = []
    let length = 0
    const read = (): Promise<void> =>
      reader.read().then(({ done, value }) => {
        if (done) return resume(Effect.succeed(Buffer.concat(chunks)))
        length += value.length
        if (length <= most) {
          chunks.push(value)
          return read()
        }
        chunks.length = 0
        void reader.cancel()
        resume(Effect.fail(tooLarge(most)))
      })
    read().catch(() => resume(Effect.fail(refuse(400, "The body broke off."))))
    return Effect.promise(() => reader.cancel().catch(() => {}))
  }).pipe(
    Effect.timeoutOrElse({
      duration: PATIENCE,
      orElse: () => Effect.fail(refuse(408, `The body took longer than ${Duration.format(PATIENCE)} to arrive.`))
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
