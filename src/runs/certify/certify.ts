import { Effect, Option } from "effect"
import { Tensor } from "onnxruntime-common"
import {
  CERTIFICATE_FILE,
  Certificate,
  ONNXRUNTIME,
  type Result,
  resultOf,
  withResults
} from "../../classifier/export/certificate.ts"
import { TFLITE_FILES } from "../../classifier/export/tflite.ts"
import { Settings } from "../../config/settings.ts"
import { EngineError } from "../../embedder/engine.ts"
import { openSession } from "../../embedder/onnx/session.ts"
import { readPointer } from "../../registry/pointer.ts"
import type { Artifacts } from "../../registry/publish.ts"
import { readTrainingSet } from "../../registry/trainingSet.ts"
import { findStored, readVersionDocument, VersionError, versionReader } from "../../registry/versionFiles.ts"
import { decodeClip } from "../../sound/decode/decode.ts"
import { encodeDocument } from "../../store/documents.ts"
import { modelKey, spanOf, versionKey } from "../../store/keys.ts"
import { Store } from "../../store/store.ts"
import { readRecording } from "../../stream/readRecording.ts"
import { runLitert } from "./litert.ts"

/**
 * Runs a version's files that take sound on its own held-out recordings, by onnxruntime here and by LiteRT in a Python, and
 * writes what they are worth into its certificate. Where that Python has no LiteRT, the rest is written all the same; where
 * the store may not be written, a note says so.
 */
export const certify = Effect.fn("certify")(function* (runId: string, python: string) {
  const store = yield* Store
  const found = yield* readVersionDocument(runId, CERTIFICATE_FILE, Certificate)
  if (Option.isNone(found)) {
    const message = `${runId} has no ${CERTIFICATE_FILE}: it was trained before there were any, or is none of this store's.`
    return yield* new VersionError({ runId, message })
  }
  const certificate = found.value
  const heard = yield* hear(runId, certificate)
  const places = heard.map(({ place }) => place)
  const read = yield* versionReader(yield* findStored(runId))
  const models = new Map<string, Uint8Array>()
  for (const file of ["ecosight.onnx", ...Object.keys(TFLITE_FILES)]) {
    const bytes = yield* read(file)
    if (Option.isSome(bytes)) models.set(file, bytes.value)
  }
  const results: Array<Result> = []
  const notes: Array<string> = []
  const onnx = models.get("ecosight.onnx")
  if (heard.length > 0 && onnx !== undefined) {
    const answers = yield* runWhole(onnx, heard)
    results.push(resultOf(certificate, { file: "ecosight.onnx", runtime: ONNXRUNTIME }, places, answers))
  }
  const tflite: Artifacts = new Map([...models].filter(([file]) => file in TFLITE_FILES))
  if (heard.length > 0 && tflite.size > 0) {
    const waveforms = heard.map(({ samples }) => inWindows(samples, certificate.window))
    yield* runLitert(python, tflite, waveforms).pipe(
      Effect.map(({ runtime, answers }) =>
        results.push(...answers.map(([file, each]) => resultOf(certificate, { file, runtime }, places, each.flat())))
      ),
      Effect.catchTag("NoLitert", ({ message }) => Effect.sync(() => notes.push(message)))
    )
  }
  const missing = certificate.recordings.length - heard.length
  if (missing > 0) notes.push(`${missing} of the recordings held out are no longer there, or are others now.`)
  const grown = withResults(certificate, results)
  const bytes = encodeDocument(grown)
  const promoted = yield* readPointer()
  const isPromoted = Option.isSome(promoted) && promoted.value.runId === runId
  yield* Effect.forEach(
    [versionKey(runId, CERTIFICATE_FILE), ...(isPromoted ? [modelKey(CERTIFICATE_FILE)] : [])],
    (key) => store.put(key, bytes)
  ).pipe(
    Effect.catchIf(
      ({ reason }) => reason === "denied",
      ({ message }) => Effect.sync(() => notes.push(`The certificate stays as it was: ${message}`))
    )
  )
  return { certificate: grown, notes }
})

interface HeldOutClip {
  /** Among the certificate's recordings. */
  readonly place: number
  readonly samples: Float32Array
}

/** Those of a certificate's recordings that are there still, as they were. */
const hear = Effect.fnUntraced(function* (runId: string, { recordings, window }: Certificate) {
  const { clipMaxSeconds } = yield* Settings
  const contents = yield* readTrainingSet(runId)
  const store = yield* Store
  const one = Effect.fnUntraced(function* (key: string, place: number) {
    const object = yield* store.find(spanOf(key)?.recording ?? key)
    if (Option.isNone(object)) return []
    const { bytes, sighting } = yield* readRecording({ ...object.value, key })
    if (contents.get(key) !== sighting.contentHash) return []
    const { samples } = yield* decodeClip(bytes, { maxSeconds: clipMaxSeconds, sampleRate: window.sample_rate })
    return [{ place, samples } satisfies HeldOutClip]
  })
  const heard = yield* Effect.forEach(
    recordings,
    // What cannot be read counts as gone; that the store does not answer is an error.
    ({ key }, place) =>
      one(key, place).pipe(Effect.catchTags({ Vanished: none, PrepareError: none, DecodeError: none })),
    { concurrency: 4 }
  )
  return heard.flat()
})

const none = () => Effect.succeed<ReadonlyArray<HeldOutClip>>([])

/** Silence after it to whole windows. */
const inWindows = (samples: Float32Array, { samples: first, hop }: Certificate["window"]): Float32Array => {
  const whole = new Float32Array(first + hop * Math.ceil(Math.max(0, samples.length - first) / hop))
  whole.set(samples)
  return whole
}

const runWhole = Effect.fnUntraced(function* (model: Uint8Array, heard: ReadonlyArray<HeldOutClip>) {
  const fail = (cause: unknown) => new EngineError({ message: `ecosight.onnx cannot be run: ${cause}` })
  const session = yield* openSession(model, 1, fail)
  const answers = yield* Effect.forEach(heard, ({ samples }) =>
    Effect.tryPromise({
      try: () => session.run({ waveform: new Tensor("float32", samples, [samples.length]) }),
      catch: fail
    })
  )
  return answers.flatMap(({ probabilities }) => [...(probabilities!.data as Float32Array)])
}, Effect.scoped)
