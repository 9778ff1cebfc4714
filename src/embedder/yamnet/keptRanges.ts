import { join } from "node:path"
import { Effect, FileSystem, Option, Schema } from "effect"
import { writeWhole } from "../../config/writeWhole.ts"
import { calibrationPatches } from "./calibrationSounds.ts"
import { channels, layersOf } from "./mobilenet.ts"
import type { Measured } from "./quantise.ts"
import { measureRanges } from "./ranges.ts"
import type { YamnetWeights } from "./weights.ts"

// 64 patches: with half as many, a recording's vector is 5 % further from the one in float32.
const CALIBRATION_SOUNDS = 32

/** Enters the file's name: rises whenever the same weights would be measured otherwise. */
const VERSION = 1

const Kept = Schema.fromJsonString(
  Schema.Array(
    Schema.Tuple([
      Schema.Int,
      Schema.Struct({ ranges: Schema.Array(Schema.Finite), means: Schema.Array(Schema.Finite) })
    ])
  )
)

/**
 * What each layer of YAMNet gives for made sounds, kept in `folder` by the weights' hash: to measure it takes a second of
 * processor time. A file that cannot be read is measured anew, and one that cannot be written is done without.
 */
export const keptRanges = Effect.fn("keptRanges")(function* (weights: YamnetWeights, folder: string) {
  const fs = yield* FileSystem.FileSystem
  const file = join(folder, `yamnet-ranges-${VERSION}-${weights.hash.slice(0, 32)}.json`)
  const kept = yield* fs
    .readFileString(file)
    .pipe(Effect.flatMap(Schema.decodeUnknownEffect(Kept)), Effect.map(measuredOf), Effect.option)
  if (Option.isSome(kept) && fits(kept.value, weights)) return kept.value
  const measured = yield* measureRanges(weights, calibrationPatches(CALIBRATION_SOUNDS))
  const text = yield* Effect.orDie(
    Schema.encodeEffect(Kept)(
      [...measured].map(([layer, { ranges, means }]) => [layer, { ranges: [...ranges], means: [...means] }])
    )
  )
  yield* Effect.ignore(writeWhole(file, text))
  return measured
})

const measuredOf = (layers: typeof Kept.Type): ReadonlyMap<number, Measured> =>
  new Map(
    layers.map(([layer, { ranges, means }]) => [
      layer,
      { ranges: Float64Array.from(ranges), means: Float64Array.from(means) }
    ])
  )

const fits = (measured: ReadonlyMap<number, Measured>, weights: YamnetWeights): boolean => {
  const layers = layersOf(weights)
  return (
    measured.has(layers.length - 1) &&
    [...measured].every(([at, { ranges, means }]) => {
      const count = layers[at] === undefined ? 0 : channels(layers[at].shape)
      return ranges.length === count && means.length === count
    })
  )
}
