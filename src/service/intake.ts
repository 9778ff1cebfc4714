import { Context, Duration, Effect, Layer, type Schema, Scope } from "effect"
import { Settings } from "../config/settings.ts"
import { makeBodyMemory } from "./bodyMemory.ts"
import { makeFormParser } from "./formParser.ts"
import { type Refusal, refuse } from "./refusal.ts"
import { type FormShape, givenTwice, readShape, repeatedMember } from "./shape.ts"
import { makeSpool, type Spooled, spoolFolder } from "./spool.ts"

/** A multipart request that has arrived. */
export interface Form<Fields> {
  readonly file: { readonly name: string; readonly recording: Spooled }
  readonly fields: Fields
}

/** Boundaries, headers and fields around a file. */
const ENVELOPE = 64 * 1024
/** A JSON body here holds a reason and a number. */
const MOST_JSON = 16 * 1024
/** A body of which nothing comes for so long is given up; one that comes slowly is not. */
const SILENCE = Duration.seconds(30)

/**
 * Takes bodies in: bounded, and together no more than MAX_RECORDING_MB, in memory or in files, which are taken as their
 * bytes arrive, so that who announces much and sends nothing holds nothing.
 */
export class Intake extends Context.Service<
  Intake,
  {
    /**
     * Runs `use` on a multipart request with a `file`, which is kept meanwhile, and fields of this shape; one of MAX_UPLOAD_MB,
     * or of `most` bytes.
     */
    readonly form: <S extends Schema.ConstraintDecoder<unknown>, A, E, R>(
      request: Request,
      shape: FormShape<S>,
      use: (form: Form<S["Type"]>) => Effect.Effect<A, E, R>,
      most?: number
    ) => Effect.Effect<A, E | Refusal, R>
    /** Runs `effect` while holding memory for so many bytes. */
    readonly holding: (bytes: number) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | Refusal, R>
  }
>()("ecosight/service/Intake") {
  static readonly layer = Layer.effect(
    Intake,
    Effect.gen(function* () {
      const { maxUploadMegabytes, maxRecordingMegabytes, modelCache } = yield* Settings
      const usual = maxUploadMegabytes * 1_000_000
      const budget = Math.max(maxRecordingMegabytes, maxUploadMegabytes + 1) * 1_000_000
      const memory = makeBodyMemory(budget)
      const folder = spoolFolder(modelCache)

      const holding =
        (bytes: number) =>
        <A, E, R>(effect: Effect.Effect<A, E, R>) =>
          Effect.acquireUseRelease(
            memory.claim(bytes),
            (claim) => Effect.andThen(memory.take(claim, claim.needs), effect),
            memory.release
          )

      const form = <S extends Schema.ConstraintDecoder<unknown>, A, E, R>(
        request: Request,
        shape: FormShape<S>,
        use: (form: Form<S["Type"]>) => Effect.Effect<A, E, R>,
        most = usual
      ) =>
        Effect.gen(function* () {
          const type = request.headers.get("content-type") ?? ""
          if (!/^multipart\/form-data\s*;/i.test(type)) {
            return yield* refuse(415, "The body must be multipart/form-data with a file in the field `file`.")
          }
          yield* checkAnnounced(request, most + ENVELOPE)
          const announced = Number(request.headers.get("content-length") ?? most + ENVELOPE)
          return yield* Effect.acquireUseRelease(
            memory.claim(announced),
            (claim) => {
              const read = readForm(request, type, most, folder, (bytes) => memory.take(claim, bytes)).pipe(
                Effect.flatMap(({ file, given }) =>
                  Effect.map(readFields(shape, given), (fields) => ({ file, fields }) satisfies Form<S["Type"]>)
                )
              )
              return Effect.scopedWith((scope) => Effect.flatMap(Scope.provide(read, scope), use))
            },
            memory.release
          )
        })

      return Intake.of({ form, holding })
    })
  )
}

const readFields = <S extends Schema.ConstraintDecoder<unknown>>(
  { fields, rules }: FormShape<S>,
  given: ReadonlyMap<string, string>
) =>
  Effect.fromResult(readShape(fields, rules)(Object.fromEntries(given))).pipe(
    Effect.mapError((wrong) => refuse(422, wrong))
  )

/** How a body is read as JSON. */
interface JsonOptions {
  /** Bytes that it may have. */
  readonly most?: number | undefined
  /** What a client is told whose body is none. */
  readonly otherwise?: string
}

/** Parses a JSON body for the web framework, which would read one of any length; none counts as `{}`. */
export const readJson = (
  request: Request,
  { most = MOST_JSON, otherwise = "The body is not JSON." }: JsonOptions = {}
): Promise<unknown> =>
  Effect.runPromise(
    Effect.gen(function* () {
      yield* checkAnnounced(request, most)
      const chunks: Array<Uint8Array> = []
      yield* readBody(request, most, (chunk) => Effect.sync(() => chunks.push(chunk)))
      if (chunks.length === 0) return {}
      const { text, value } = yield* Effect.try({
        try: () => {
          const text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks))
          return { text, value: JSON.parse(text) as unknown }
        },
        catch: () => refuse(400, otherwise)
      })
      const twice = repeatedMember(text)
      return twice === undefined ? value : yield* refuse(422, givenTwice(twice))
    }),
    { signal: request.signal }
  )

const tooLarge = (most: number) =>
  refuse(413, `The body is larger than the ${most >= 1e6 ? `${Math.floor(most / 1e6)} MB` : "few lines"} allowed.`)

const checkAnnounced = (request: Request, most: number) =>
  Number(request.headers.get("content-length") ?? 0) > most ? Effect.fail(tooLarge(most)) : Effect.void

/** Reads no further than one chunk beyond `most` bytes, whatever length was announced; `take` is given each chunk. */
const readBody = Effect.fnUntraced(function* <R>(
  request: Request,
  most: number,
  take: (chunk: Uint8Array) => Effect.Effect<void, Refusal, R>
) {
  const reader = request.body?.getReader()
  if (reader === undefined) return
  const read = Effect.gen(function* () {
    for (let length = 0; ; ) {
      const { done, value } = yield* nextChunk(reader)
      if (done) return
      length += value.length
      if (length > most) return yield* tooLarge(most)
      yield* take(value)
    }
  })
  yield* Effect.onError(read, () => Effect.promise(() => reader.cancel().catch(() => {})))
})

const nextChunk = (reader: ReadableStreamDefaultReader<Uint8Array>) =>
  Effect.tryPromise({ try: () => reader.read(), catch: () => refuse(400, "The body broke off.") }).pipe(
    Effect.timeoutOrElse({
      duration: SILENCE,
      orElse: () => Effect.fail(refuse(408, `Nothing more of the body came for ${Duration.format(SILENCE)}.`))
    })
  )

/** Reads a multipart body with a file of up to `most` bytes, which is kept as long as the scope. */
const readForm = Effect.fnUntraced(function* (
  request: Request,
  type: string,
  most: number,
  folder: string,
  arrived: (bytes: number) => Effect.Effect<void, Refusal>
) {
  const spool = yield* makeSpool(folder)
  const parser = makeFormParser(type, spool.add)
  yield* readBody(
    request,
    most + ENVELOPE,
    Effect.fnUntraced(function* (chunk) {
      yield* arrived(chunk.length)
      parser.write(chunk)
      yield* spool.settle
    })
  )
  const parts = parser.end()
  if (parts === undefined) return yield* refuse(400, "The body is not the multipart/form-data that its header says.")
  const { fileName, files, otherFiles, fields, repeated } = parts
  if (otherFiles[0] !== undefined) {
    return yield* refuse(
      422,
      `There is a file in the field \`${otherFiles[0].slice(0, 60)}\`: only \`file\` holds one.`
    )
  }
  if (repeated !== undefined) return yield* refuse(422, givenTwice(repeated))
  if (fileName === undefined) return yield* refuse(422, "There is no file in the field `file`.")
  if (files > 1) return yield* refuse(422, `There are ${files} files in the field \`file\`: send one at a time.`)
  if (spool.size() === 0) return yield* refuse(400, "The file is empty.")
  if (spool.size() > most) return yield* tooLarge(most)
  return { file: { name: fileName, recording: spool.spooled() }, given: fields }
})
