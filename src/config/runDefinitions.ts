import { Option, Schema } from "effect"
import { define } from "./define.ts"
import {
  compile,
  FURTHER_NAMES,
  furtherVariants,
  guardedAddress,
  matching,
  PRECISION_NAMES,
  seconds,
  share,
  wholeNumber,
  yesOrNo
} from "./forms.ts"

/** What recordings are taken, what becomes of them, and which models are kept. */
export const runDefinitions = {
  clipMaxSeconds: define({
    name: "CLIP_MAX_SECONDS",
    fallback: "30",
    description:
      "Seconds of sound that variants, and predictions, are made of at most; a longer recording trains from all of its windows, " +
      "up to ten minutes of it (or up to this, if it is more)",
    allowed: "a number of seconds from 1 to 3600",
    schema: seconds
  }),
  maxRecordingMegabytes: define({
    name: "MAX_RECORDING_MB",
    fallback: "512",
    description:
      "Recordings that have to be read whole and are larger than this are skipped; also what may be held at once before decoding, and by requests to the service",
    allowed: "a whole number of megabytes from 1 to 4096",
    schema: wholeNumber(1, 4096)
  }),
  maxSkipped: define({
    name: "MAX_SKIPPED",
    fallback: "20%",
    description: "The share of recordings that may be unreadable before a run fails",
    allowed: "a share from 0 to 1, or from 0% to 100%",
    schema: share
  }),
  gateTolerance: define({
    name: "GATE_TOLERANCE",
    fallback: "0",
    description: "By how much a new model's macro-F1 may be lower than the promoted one's, for it to be promoted",
    allowed: "a share from 0 to 1, or from 0% to 100%",
    schema: share
  }),
  gateClassTolerance: define({
    name: "GATE_CLASS_TOLERANCE",
    fallback: "0.05",
    description: "The same for the recall of each class",
    allowed: "a share from 0 to 1, or from 0% to 100%",
    schema: share
  }),
  fieldMinutes: define({
    name: "FIELD_MINUTES",
    fallback: "60",
    description:
      "Minutes in which a run hears its model and the promoted one: of field recordings held out and annotated completely, or, " +
      "where these are fewer than five, of soundscape made of the recordings held out (fewer where there are fewer minutes of " +
      "recordings); 0 for none",
    allowed: "a whole number of minutes from 0 to 10000",
    schema: wholeNumber(0, 10_000)
  }),
  learnSites: define({
    name: "LEARN_SITES",
    fallback: "1",
    description:
      "Whether scans learn the sound of each site, so that what is always heard there is told as an event less often",
    allowed: "1 or 0",
    schema: yesOrNo
  }),
  keepVersions: define({
    name: "KEEP_VERSIONS",
    fallback: "50",
    description:
      "Versions of the model that a run leaves, the newest; what is promoted, and what a rollback may go back to, stay beside them",
    allowed: "a whole number from 1 to 100000",
    schema: wholeNumber(1, 100_000)
  }),
  trackingUri: define({
    name: "MLFLOW_TRACKING_URI",
    fallback: "none; runs are recorded in the store alone",
    description:
      "The MLflow server that finished runs are logged to, and their versions registered with; may hold user:password@",
    allowed: "an address such as http://localhost:5000 or https://user:password@mlflow.example.org",
    schema: guardedAddress
  }),
  auditCopies: define({
    name: "AUDIT_COPIES",
    fallback: "1",
    description:
      "Whether the service's own runs, and what it embeds as it lands, write the variants to augmented_audio",
    allowed: "1 or 0",
    schema: yesOrNo
  }),
  groupPattern: define({
    name: "GROUP_PATTERN",
    fallback: "the number before the first hyphen of UrbanSound8K's names, else the name without ending and variant",
    description:
      "A regular expression whose first group names a recording's source, so that all that was cut from one source is " +
      "either trained on or held out; matched against the file name, or <class>/<path> if it contains a slash",
    allowed: "a regular expression",
    schema: Schema.String.check(Schema.makeFilter((text) => Option.isSome(compile(text))))
  }),
  annotationColumn: define({
    name: "ANNOTATION_COLUMN",
    fallback: "the first of Species, Annotation, Label, Class, Tag and the like",
    description: "The column of tables of annotations that names the class",
    allowed: "a column's name",
    schema: matching(/\S/)
  }),
  annotationsComplete: define({
    name: "ANNOTATIONS_COMPLETE",
    fallback: "0",
    description:
      "Whether all field recordings that have a table were listened to completely, so that what is not annotated is background",
    allowed: "1 or 0",
    schema: yesOrNo
  }),
  embedder: define({
    name: "EMBEDDER",
    fallback: "yamnet",
    description:
      "What makes vectors of sound: an embedder's id, or the path of an ONNX file with embedder.json beside it",
    allowed: "an embedder's id, or the path of an .onnx file",
    schema: Schema.NonEmptyString
  }),
  yamnetModel: define({
    name: "YAMNET_MODEL",
    fallback: "models/yamnet, else downloaded once",
    description: "Where YAMNet's weights are: a TensorFlow.js model folder, a yamnet.h5 file, or the address of either",
    allowed: "a path or an address",
    schema: Schema.NonEmptyString
  }),
  engine: define({
    name: "ENGINE",
    fallback: "auto",
    description: "Where the network runs: auto takes WebGPU on a graphics card, else the native engine",
    allowed: "auto, webgpu or native",
    schema: Schema.Literals(["auto", "webgpu", "native"])
  }),
  trainer: define({
    name: "TRAINER",
    fallback: "native",
    description:
      "What trains the classifier. native: onnxruntime, on the processor. webgpu: TensorFlow.js, on the graphics card, where ENGINE " +
      "has the embedder run there; it is slower, for comparison",
    allowed: "native or webgpu",
    schema: Schema.Literals(["native", "webgpu"])
  }),
  variants: define({
    name: "VARIANTS",
    fallback: "none",
    description:
      "Variants that each recording gives beside those drawn: low_pass, as heard from afar or by a recorder of less bandwidth; none of them unless named. Each embeds everything again, and takes a sixth longer",
    allowed: `none, or a list of ${FURTHER_NAMES.join(", ")}`,
    schema: Schema.String.check(Schema.makeFilter((text) => furtherVariants(text) !== undefined))
  }),
  precision: define({
    name: "PRECISION",
    fallback: "float32",
    description:
      "What the network keeps its numbers in: int8 is faster on processors, float16 on cards that have it; the vectors of each are kept apart",
    allowed: "float32, float16 or int8",
    schema: Schema.Literals(PRECISION_NAMES)
  }),
  fetchConcurrency: define({
    name: "FETCH_CONCURRENCY",
    fallback: "16",
    description: "Recordings fetched at once",
    allowed: "a whole number from 1 to 256",
    schema: wholeNumber(1, 256)
  }),
  workers: define({
    name: "WORKERS",
    fallback: "one per processor core; where clips are embedded, one fewer",
    description: "Threads that decode and augment",
    allowed: "a whole number from 1 to 256",
    schema: wholeNumber(1, 256)
  })
}
