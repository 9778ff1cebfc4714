import { zipSync } from "fflate"
import { encodeTable, type Table } from "./flat.ts"

/** What a file tells TensorFlow Lite's task library of itself. */
export interface ModelDescription {
  readonly name: string
  readonly description: string
  readonly version: string
  readonly input: { readonly name: string; readonly description: string; readonly sampleRate: number }
  readonly output: { readonly name: string; readonly description: string; readonly classes: ReadonlyArray<string> }
}

const LABELS_FILE = "labels.txt"
// ContentProperties: FeatureProperties 1, AudioProperties 4. AssociatedFileType: TENSOR_AXIS_LABELS 2.
const FEATURES: Table = { 0: { byte: 1 }, 1: {} }
const TENSOR_AXIS_LABELS = 2

/**
 * The metadata (metadata_schema.fbs, "M001"), and the file of labels that it names: a zip archive, not compressed, which
 * follows the model in one file.
 */
export const metadataOf = ({ name, description, version, input, output }: ModelDescription) => ({
  table: encodeTable(
    {
      0: name,
      1: description,
      2: version,
      3: [
        {
          2: [
            {
              0: input.name,
              1: input.description,
              3: { 0: { byte: 4 }, 1: { 0: { int: input.sampleRate }, 1: { int: 1 } } }
            }
          ],
          3: [
            {
              0: output.name,
              1: output.description,
              3: FEATURES,
              5: { 0: Float32Array.of(1), 1: Float32Array.of(0) },
              6: [{ 0: LABELS_FILE, 1: "The classes, a line each.", 2: { byte: TENSOR_AXIS_LABELS } }]
            }
          ]
        }
      ],
      4: "EcoSight Retrain",
      7: "1.3.0"
    },
    "M001"
  ),
  files: zipSync(
    { [LABELS_FILE]: new TextEncoder().encode(`${output.classes.join("\n")}\n`) },
    { level: 0, mtime: new Date(1980, 0, 1) }
  )
})
