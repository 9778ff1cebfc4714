import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer, Stream } from "effect"
import { planVariants } from "../../src/augment/plan.ts"
import { Embeddings } from "../../src/embeddings/embeddings.ts"
import { makeRecipe } from "../../src/embeddings/recipe.ts"
import { folderStore } from "../../src/store/folder.ts"
import { recordingKey } from "../../src/store/keys.ts"
import { Store } from "../../src/store/store.ts"
import { countCorpus, isStored } from "../../src/stream/corpus.ts"
import { EMBEDDING_SIZE } from "../../src/yamnet/layers.ts"

// How long a run takes to know what there is to do: `bun pipelines/bench/index.ts [recordings] [variants]`.
// It stores synthetic embeddings, in parts of 128 recordings as a run does, in a folder under the system's temporary
// one (about 4 KB a variant), and plans with 20 recordings that are not stored, in a process of its own.

const PART = 128
const FRESH = 20

const recipe = makeRecipe({ weightsHash: "benchmark", clipMaxSeconds: 30, augmentations: 0 })

/** A key as long as a field recording's, and an ETag as S3's. */
const versionOf = (i: number) => {
  const hash = new Bun.CryptoHasher("sha256").update(String(i)).digest("hex")
  const key = recordingKey(`class_${i % 4}`, `2026-01-02/station-${i % 97}/${String(i).padStart(7, "0")}.wav`)
  return { key, etag: hash.slice(0, 32), contentHash: hash }
}

const embedded = (i: number, augmentations: number) => {
  const { key, etag, contentHash } = versionOf(i)
  const variants = planVariants(contentHash, augmentations).map((draw) => ({
    draw,
    seconds: 4,
    patches: 8,
    peak: 0.5,
    clipped: 0,
    vector: new Float32Array(EMBEDDING_SIZE).fill(i)
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
  const stored = yield* embeddings.index(recipe)
  const indexed = performance.now()
  const listing = Stream.range(0, count + FRESH - 1).pipe(Stream.map((i) => ({ ...versionOf(i), size: 128_044 })))
  const listed = Store.of({ ...(yield* Store), list: () => listing })
  const counted = yield* Effect.provideService(countCorpus(stored, new Map()), Store, listed)
  const toEmbed = yield* listing.pipe(
    Stream.filter((object) => !isStored(stored, object)),
    Stream.runCount
  )
  return { counted, toEmbed, index: (indexed - began) / 1000, plan: (performance.now() - began) / 1000 }
})

const [recordings = 100_000, variants = 6, folder = ""] = process.argv
  .slice(2)
  .map((text, i) => (i < 2 ? Number(text) : text)) as [number?, number?, string?]
const run = <A, E>(work: Effect.Effect<A, E, Embeddings | Store>, root: string) =>
  Effect.runPromise(
    work.pipe(Effect.provide(Embeddings.layer.pipe(Layer.provideMerge(Layer.sync(Store, () => folderStore(root))))))
  )

if (folder !== "") {
  const { counted, toEmbed, ...seconds } = await run(plan(recordings), folder)
  const memory = process.resourceUsage().maxRSS / (process.platform === "darwin" ? 1 : 1024)
  console.log(
    `${counted.recordings} recordings, ${counted.stored} stored, ${toEmbed} to embed: index ${seconds.index.toFixed(2)} s, ` +
      `plan ${seconds.plan.toFixed(2)} s, at most ${Math.round(memory)} MB of memory.`
  )
} else {
  const root = await mkdtemp(join(tmpdir(), "ecosight-bench-"))
  try {
    await run(fill(recordings, variants), root)
    const child = Bun.spawn(["bun", import.meta.path, String(recordings), String(variants), root], {
      stdout: "inherit"
    })
    process.exitCode = await child.exited
  } finally {
    await rm(root, { recursive: true })
  }
}
