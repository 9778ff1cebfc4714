import { readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer, Stream } from "effect"
import { drawVariants } from "../src/augment/draw.ts"
import { Settings } from "../src/config/settings.ts"
import { rowSize } from "../src/embedder/frontEnd.ts"
import { frontEnd } from "../src/embedder/yamnet/frontEnd.ts"
import { Embeddings } from "../src/embeddings/embeddings.ts"
import { makeRecipe } from "../src/embeddings/recipe.ts"
import { folderStore } from "../src/store/folder.ts"
import { recordingKey } from "../src/store/keys.ts"
import { Store } from "../src/store/store.ts"
import { countCorpus } from "../src/stream/recordings.ts"
import { BenchError, inProcess } from "./inProcess.ts"
import { summarise } from "./measure.ts"

// How long a run takes to know what there is to do: synthetic embeddings in parts of 128 recordings, as a run stores
// them, about 4 KB a variant in a temporary folder; planned with 20 recordings that are not stored, in a process of its
// own for each time.

const RECORDINGS = 100_000
const VARIANTS = 6
const TIMES = 3
const PART = 128
const FRESH = 20

const recipe = makeRecipe(
  { frontEnd, hash: "benchmark" },
  { clipMaxSeconds: 30, augmentations: 0, precision: "float32" }
)

/** A key as long as a field recording's, and an ETag as S3's. */
const versionOf = (i: number) => {
  const hash = new Bun.CryptoHasher("sha256").update(String(i)).digest("hex")
  const key = recordingKey(`class_${i % 4}`, `2026-01-02/station-${i % 97}/${String(i).padStart(7, "0")}.wav`)
  return { key, etag: hash.slice(0, 32), contentHash: hash }
}

const embedded = (i: number, augmentations: number) => {
  const { key, etag, contentHash } = versionOf(i)
  const variants = drawVariants(contentHash, augmentations).map((draw) => ({
    draw,
    seconds: 4,
    patches: 8,
    peak: 0.5,
    clipped: 0,
    vector: new Float32Array(rowSize(frontEnd)).fill(i)
  }))
  return { key, etag, size: 128_044, contentHash, silent: false, variants }
}

const fill = Effect.fn("fill")(function* (count: number, variants: number) {
  const embeddings = yield* Embeddings
  for (let at = 0; at < count; at += PART) {
    const part = Array.from({ length: Math.min(PART, count - at) }, (_, i) => embedded(at + i, variants - 1))
    yield* embeddings.append(recipe, part)
  }
})

/** Indexes the parts and compares a corpus with them; the corpus' listing is made up, page by page. */
const plan = Effect.fn("plan")(function* (count: number) {
  const embeddings = yield* Embeddings
  const began = performance.now()
  const known = yield* embeddings.index(recipe)
  const indexed = performance.now()
  const listing = Stream.range(0, count + FRESH - 1).pipe(Stream.map((i) => ({ ...versionOf(i), size: 128_044 })))
  const listed = Store.of({ ...(yield* Store), list: () => listing })
  const counted = yield* Effect.provideService(
    countCorpus(known, () => true),
    Store,
    listed
  )
  const toEmbed = yield* listing.pipe(
    Stream.filter((object) => known.storedContentOf(object) === undefined),
    Stream.runCount
  )
  return { counted, toEmbed, index: (indexed - began) / 1000, plan: (performance.now() - began) / 1000 }
})

/** A folder of embeddings to plan with. */
export interface PlanningTask {
  readonly folder: string
  readonly recordings: number
}

interface Planned {
  readonly index: number
  readonly plan: number
  readonly megabytes: number
}

const onFolder = <A, E>(work: Effect.Effect<A, E, Embeddings | Store | Settings>, folder: string) => {
  const store = Embeddings.layer.pipe(Layer.provideMerge(Layer.sync(Store, () => folderStore(folder))))
  return work.pipe(Effect.provide(Layer.merge(store, Settings.layer)))
}

/** Plans once; in a fresh process, its memory is what planning takes. */
export const planOnce = ({ folder, recordings }: PlanningTask) =>
  Effect.gen(function* () {
    const { counted, toEmbed, index, plan: all } = yield* onFolder(plan(recordings), folder)
    if (counted.stored !== recordings || toEmbed !== FRESH) {
      return yield* new BenchError({ message: `Planning found ${counted.stored} of ${recordings} recordings stored` })
    }
    return { index, plan: all, megabytes: mostMemory() } satisfies Planned
  })

/** Megabytes of this process at most. On Linux, `maxRSS` begins with what the process that started it held. */
const mostMemory = (): number => {
  if (process.platform !== "linux") {
    return process.resourceUsage().maxRSS / (process.platform === "darwin" ? 1024 : 1) / 1024
  }
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))![1]) / 1024
}

/** Seconds, and memory at most, until a run over many stored recordings knows what is new. */
export const planning = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "ecosight-bench-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true }))
  )
  yield* onFolder(fill(RECORDINGS, VARIANTS), folder)
  const task = { folder, recordings: RECORDINGS }
  const found = yield* Effect.replicateEffect(inProcess<PlanningTask, Planned>("planning", task), TIMES)
  const many = `${RECORDINGS.toLocaleString("en")} recordings stored`
  const figure = (what: string, unit: string, values: ReadonlyArray<number>) =>
    summarise("planning", `${many}, ${what}`, { unit, lowerIsBetter: true }, values)
  return [
    figure(
      "index",
      "s",
      found.map(({ index }) => index)
    ),
    figure(
      "whole",
      "s",
      found.map(({ plan }) => plan)
    ),
    figure(
      "memory",
      "MB",
      found.map(({ megabytes }) => megabytes)
    )
  ]
}).pipe(Effect.scoped)
