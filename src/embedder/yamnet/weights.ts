import { createHash } from "node:crypto"
import { join } from "node:path"
import { type Duration, Effect, FileSystem, Option, Path, Schema } from "effect"
import type { HttpClient } from "effect/http"
import { withoutCredentials } from "../../config/forms.ts"
import { writeWhole } from "../../config/writeWhole.ts"
import { allFinite } from "../../sound/floats.ts"
import { beside, download, mainFile, OFFICIAL_ADDRESSES } from "./download.ts"
import { layersOf, type Mobilenet, UnusableWeights } from "./mobilenet.ts"
import { isHdf5, readKeras } from "./readKeras.ts"
import { readTfjs } from "./readTfjs.ts"
import { untrainedNetwork } from "./untrained.ts"

const TFJS_FILE = "model.json"
const KERAS_FILE = "yamnet.h5"

/** YAMNet, checked for every layer and shape. */
export interface YamnetWeights extends Mobilenet {
  /**
   * SHA-256 over all kernels and biases up to the embedding as float32, in hexadecimal.
   *
   * It stands for the numbers, not the file. Yet the same weights read from yamnet.h5 and from a TensorFlow.js model
   * differ in it: the converter folded the batch normalisation with other roundings (1e-6 of a weight).
   */
  readonly hash: string
  /** Where they were found, for people. */
  readonly source: string
  /** Whether they are YAMNet's, or random ones that stand in for a demonstration. */
  readonly embedder: "yamnet" | "untrained"
}

/** There are no usable weights; `message` names every place tried and how to supply them. */
export class WeightsError extends Schema.TaggedError<WeightsError>()("WeightsError", {
  message: Schema.String,
  tried: Schema.Array(Schema.String)
}) {}

/** Where to look for the weights. */
export interface WeightsOptions {
  /** Looked into unless `location` is a path, and where a download is kept. */
  readonly folder: string
  /** A folder, a file, or the address of either; nothing else is tried if it is wrong. */
  readonly location?: string
  /** Whether an untrained network may stand in where nothing can be downloaded. */
  readonly allowUntrained: boolean
  /** Where to download from when no location is given: the official addresses. */
  readonly addresses?: ReadonlyArray<string>
  /** How long a server may be silent; 10 s. */
  readonly patience?: Duration.Input
}

const finish = (network: Mobilenet, source: string, embedder: YamnetWeights["embedder"]) => {
  const hash = createHash("sha256")
  for (const { kernel, bias } of layersOf(network)) hash.update(kernel).update(bias)
  return { ...network, hash: hash.digest("hex"), source: withoutCredentials(source), embedder }
}

const checkFinite = (network: Mobilenet) =>
  [...layersOf(network), ...(network.scores === undefined ? [] : [network.scores])].every(
    ({ kernel, bias }) => allFinite(kernel) && allFinite(bias)
  )
    ? Effect.succeed(network)
    : Effect.fail(new UnusableWeights({ message: "holds weights that are not numbers" }))

// Content decides the format: an .h5 file is whole, a model.json has shards beside it.
const read = <R>(main: Uint8Array, sibling: (name: string) => Effect.Effect<Uint8Array, UnusableWeights, R>) =>
  (isHdf5(main) ? readKeras(main) : readTfjs(main, sibling)).pipe(Effect.flatMap(checkFinite))

const readFile = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const bytes = (name: string) =>
    fs
      .readFile(path.resolve(path.dirname(file), name))
      .pipe(Effect.mapError(() => new UnusableWeights({ message: `cannot be read (${name})` })))
  const main = yield* bytes(path.basename(file))
  return yield* read(main, bytes)
})

// The weights' main file in a folder, if there is one.
const findIn = Effect.fnUntraced(
  function* (folder: string) {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    for (const name of [TFJS_FILE, KERAS_FILE]) {
      const file = path.join(folder, name)
      if (yield* fs.exists(file)) return Option.some(file)
    }
    return Option.none<string>()
  },
  Effect.orElseSucceed(() => Option.none<string>())
)

const readPath = Effect.fnUntraced(function* (location: string) {
  const fs = yield* FileSystem.FileSystem
  const info = yield* fs.stat(location).pipe(Effect.mapError(() => new UnusableWeights({ message: "does not exist" })))
  if (info.type !== "Directory") return yield* readFile(location)
  const file = yield* findIn(location)
  if (Option.isNone(file)) {
    return yield* new UnusableWeights({ message: `holds neither ${TFJS_FILE} nor ${KERAS_FILE}` })
  }
  return yield* readFile(file.value)
})

// model.json, without which shards mean nothing, is last.
const keep = (files: ReadonlyMap<string, Uint8Array>, folder: string) =>
  Effect.forEach(
    [...files].sort(([a], [b]) => Number(a === TFJS_FILE) - Number(b === TFJS_FILE)),
    ([name, bytes]) => writeWhole(join(folder, name), bytes),
    { discard: true }
  ).pipe(Effect.mapError(({ message }) => new UnusableWeights({ message: `cannot be kept in ${folder} (${message})` })))

const fetchInto = Effect.fnUntraced(function* (address: string, folder: string, patience: Duration.Input) {
  const url = mainFile(address)
  const files = new Map<string, Uint8Array>()
  const main = yield* download(url, patience)
  const network = yield* read(main, (name) =>
    download(beside(url, name), patience).pipe(
      Effect.tap((bytes) => Effect.sync(() => files.set(name, bytes))),
      Effect.mapError(({ message }) => new UnusableWeights({ message: `is incomplete: ${name} ${message}` }))
    )
  )
  files.set(isHdf5(main) ? KERAS_FILE : TFJS_FILE, main)
  yield* keep(files, folder)
  return network
})

/**
 * Finds YAMNet's weights: at `location` if that is a path, else in `folder`, else at the address that `location` is or
 * the official ones, from where they are downloaded and kept in `folder`.
 *
 * What is found must be whole and right; a file that is not fails rather than being passed over.
 */
export const findWeights = Effect.fn("Weights.find")(function* (
  options: WeightsOptions
): Effect.fn.Return<YamnetWeights, WeightsError, FileSystem.FileSystem | Path.Path | HttpClient.HttpClient> {
  const { folder, location, addresses = OFFICIAL_ADDRESSES, patience = "10 seconds" } = options
  const fail = (places: ReadonlyArray<string>, isNamed = false) => {
    const tried = places.map(withoutCredentials)
    const files = `${KERAS_FILE}, or ${TFJS_FILE} and its shards`
    const supply =
      isNamed && location !== undefined
        ? `YAMNET_MODEL names ${withoutCredentials(location)}: put ${files}, there, or set YAMNET_MODEL to where they are.`
        : `Put ${files}, into ${folder}, or set YAMNET_MODEL to where they are.`
    return new WeightsError({ message: `No usable YAMNet weights: ${tried.join("; ")}. ${supply}`, tried })
  }
  const at = (place: string) =>
    Effect.mapError(({ message }: UnusableWeights) => fail([`${place} ${message}`], place === location))

  const isAddress = location !== undefined && /^https?:\/\//i.test(location)
  if (location !== undefined && !isAddress) {
    return finish(yield* readPath(location).pipe(at(location)), location, "yamnet")
  }
  const kept = yield* findIn(folder).pipe(at(folder))
  if (Option.isSome(kept)) {
    return finish(yield* readFile(kept.value).pipe(at(kept.value)), kept.value, "yamnet")
  }
  if (location !== undefined) {
    return finish(yield* fetchInto(location, folder, patience).pipe(at(location)), location, "yamnet")
  }
  const tried = [`${folder} holds neither ${TFJS_FILE} nor ${KERAS_FILE}`]
  for (const address of addresses) {
    const result = yield* Effect.result(fetchInto(address, folder, patience))
    if (result._tag === "Success") return finish(result.success, address, "yamnet")
    tried.push(`${address} ${result.failure.message}`)
  }
  if (!options.allowUntrained) return yield* fail(tried)
  return finish(untrainedNetwork(), `an untrained network, because ${tried.join("; ")}`, "untrained")
})
