import { Effect, Schema } from "effect"
import { Tensor } from "onnxruntime-common"
import manifest from "../../../package.json"
import { EngineError } from "../../embedder/engine.ts"
import { rowSize } from "../../embedder/frontEnd.ts"
import { openSession } from "../../embedder/onnx/session.ts"
import { vectorsOf } from "../dataset.ts"
import { likeliest } from "../likeliest.ts"
import { countsIn, macroF1 } from "../macroF1.ts"
import { DeviceFacts } from "./tflite.ts"
import type { TrainingRun } from "./trainingRun.ts"

/** What each exported file is worth beside what is served. */
export const CERTIFICATE_FILE = "certificate.json"

/** A file whose macro-F1 is lower than what is served by more than this is marked. */
const TOLERATED_LOSS = 0.01

/** Held-out recordings that a certificate names at most, evenly chosen. */
const MOST_RECORDINGS = 1000

const Result = Schema.Struct({
  file: Schema.String,
  /** What ran it: its name and version. */
  runtime: Schema.String,
  /** How many of the held-out recordings it heard. */
  recordings: Schema.Int,
  /** On how many of these it answers the class that is served. */
  agreement: Schema.Finite,
  macro_f1: Schema.Finite,
  /** What is served comes to, on the same recordings. */
  served_macro_f1: Schema.Finite,
  /** The largest difference of a probability. */
  largest_difference: Schema.Finite,
  loses: Schema.Boolean
})
export type Result = typeof Result.Type

export const Certificate = Schema.Struct({
  run_id: Schema.String,
  classes: Schema.Array(Schema.String),
  /** What `.tflite` files take: so many samples, or so many times the hop more. */
  window: Schema.Struct({ sample_rate: Schema.Int, samples: Schema.Int, hop: Schema.Int }),
  devices: Schema.Array(DeviceFacts),
  results: Schema.Array(Result),
  /** Files that nothing has run yet: `bun run models certify` does. */
  not_run: Schema.Array(Schema.String),
  /** Of the holdout: their classes, and what is served says of them. */
  recordings: Schema.Array(
    Schema.Struct({ key: Schema.String, class: Schema.String, served: Schema.Array(Schema.Finite) })
  )
})
export type Certificate = typeof Certificate.Type

type Held = Pick<Certificate, "classes" | "recordings">

/** What answers [recordings * classes] of a file are worth beside those that are served, for some of the recordings, by place. */
export const resultOf = (
  { classes, recordings }: Held,
  { file, runtime }: Pick<Result, "file" | "runtime">,
  places: ReadonlyArray<number>,
  answers: ArrayLike<number>
): Result => {
  const [own, served] = [0, 1].map(() => classes.map(() => classes.map(() => 0)))
  let agreed = 0
  let largest = 0
  for (const [row, place] of places.entries()) {
    const recording = recordings[place]!
    const given = classes.map((_, at) => answers[row * classes.length + at]!)
    const [{ label: said }, { label: expected }] = [likeliest(given), likeliest(recording.served)]
    const label = classes.indexOf(recording.class)
    own![label]![said]!++
    served![label]![expected]!++
    if (said === expected) agreed++
    largest = Math.max(largest, ...given.map((value, at) => Math.abs(value - recording.served[at]!)))
  }
  const [f1, servedF1] = [macroF1(countsIn(own!)), macroF1(countsIn(served!))]
  return {
    file,
    runtime,
    recordings: places.length,
    agreement: agreed / places.length,
    macro_f1: f1,
    served_macro_f1: servedF1,
    largest_difference: largest,
    loses: servedF1 - f1 > TOLERATED_LOSS
  }
}

/** A certificate with further results, in place of what it held of these files. */
export const withResults = (certificate: Certificate, results: ReadonlyArray<Result>): Certificate => {
  const isNew = (file: string) => results.some((result) => result.file === file)
  return {
    ...certificate,
    results: [...certificate.results.filter(({ file }) => !isNew(file)), ...results],
    not_run: certificate.not_run.filter((file) => !isNew(file))
  }
}

/**
 * A new version's certificate: what is served says of the recordings held out, and `classifier.onnx` by onnxruntime. Files
 * that take sound are run later, for a run does not decode recordings twice.
 */
export const newCertificate = Effect.fn("newCertificate")(function* (
  { runId, classifier, result, dataset, split, embedder: { frontEnd } }: TrainingRun,
  classifierOnnx: Uint8Array,
  devices: ReadonlyArray<DeviceFacts>,
  files: ReadonlyArray<string>
) {
  const step = Math.max(1, Math.ceil(split.holdout.length / MOST_RECORDINGS))
  const { classes } = classifier
  const named =
    result === undefined
      ? []
      : split.holdout
          .map((row, at) => ({
            row,
            served: result.probabilities.subarray(at * classes.length, (at + 1) * classes.length)
          }))
          .filter((_, at) => at % step === 0)
  const rows = named.map(({ row }) => row)
  const certificate: Certificate = {
    run_id: runId,
    classes,
    window: { sample_rate: frontEnd.sampleRate, samples: frontEnd.window, hop: frontEnd.hop },
    devices,
    results: [],
    not_run: ["classifier.onnx", ...files],
    recordings: named.map(({ row, served }) => ({
      key: dataset.samples[row]!.key,
      class: dataset.samples[row]!.className,
      served: [...served]
    }))
  }
  if (rows.length === 0 || dataset.width !== rowSize(frontEnd)) return certificate
  return yield* runRows(classifierOnnx, vectorsOf(dataset, rows), dataset.width).pipe(
    Effect.map((answers) => {
      const by = { file: "classifier.onnx", runtime: ONNXRUNTIME }
      return withResults(certificate, [resultOf(certificate, by, [...rows.keys()], answers)])
    }),
    Effect.catch(({ message }) => Effect.as(Effect.logWarning(message), certificate))
  )
})

export const ONNXRUNTIME = `onnxruntime ${manifest.dependencies["onnxruntime-node"]}`

const runRows = Effect.fnUntraced(function* (model: Uint8Array, vectors: Float32Array, width: number) {
  const fail = (cause: unknown) =>
    new EngineError({ message: `The certificate says nothing of classifier.onnx, which could not be run (${cause}).` })
  const session = yield* openSession(model, 1, fail)
  const { probabilities } = yield* Effect.tryPromise({
    try: () => session.run({ embedding: new Tensor("float32", vectors, [vectors.length / width, width]) }),
    catch: fail
  })
  return probabilities!.data as Float32Array
}, Effect.scoped)
