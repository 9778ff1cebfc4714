import { describe, expect, test } from "bun:test"
import { Effect, Logger, Stream } from "effect"
import fc from "fast-check"
import { rowSize } from "../../src/embedder/frontEnd.ts"
import { frontEndOf } from "../../src/embedder/yamnet/frontEnd.ts"
import { Embeddings } from "../../src/embeddings/embeddings.ts"
import { makeRecipe } from "../../src/embeddings/recipe.ts"
import type { EmbeddedRecording } from "../../src/embeddings/recording.ts"
import { embeddingsPrefix } from "../../src/store/keys.ts"
import { Store, StoreError } from "../../src/store/store.ts"
import { mortal } from "../store/mortal.ts"
import { memoryStore } from "../support/memoryStore.ts"

// Without taps: the sizes below are of parts of such vectors.
const FRONT_END = frontEndOf([])
const RECIPE = makeRecipe(
  { frontEnd: FRONT_END, hash: "w" },
  { clipMaxSeconds: 30, augmentations: 0, precision: "float32" }
)
const PREFIX = embeddingsPrefix(RECIPE.id)

/** What a version holds: `v3@1` is what `v3` became by being touched or copied. */
const contentOf = (version: string) => version.split("@")[0]!

/** What embedding a recording gives: always the same for one content, and another for each. */
const embed = ([key, etag]: readonly [string, string]): EmbeddedRecording => ({
  key,
  etag,
  size: 1,
  contentHash: contentOf(etag),
  silent: false,
  variants: [
    {
      draw: { variant: "original", seed: 0, parameters: {} },
      seconds: 1,
      patches: 1,
      peak: 1,
      clipped: 0,
      vector: new Float32Array(rowSize(FRONT_END)).fill(Bun.hash.crc32(contentOf(etag)) % 1000)
    }
  ]
})

type Corpus = Map<string, string>
type Work<A> = Effect.Effect<A, StoreError, Embeddings>

/** Embeds what is not stored, two recordings a part, until all can be loaded, as a run does; returns what it loaded. */
const run = (corpus: Corpus, embedded: Array<string> = []): Work<ReadonlyArray<EmbeddedRecording>> =>
  Effect.gen(function* () {
    const embeddings = yield* Embeddings
    for (;;) {
      const live = new Map(corpus)
      const known = yield* embeddings.index(RECIPE)
      const read = [...live].filter(([key, etag]) => known.storedContentOf({ key, etag }) === undefined)
      const isStored = ([, etag]: readonly [string, string]) => known.has(contentOf(etag))
      const missing = [
        ...new Map(read.filter((version) => !isStored(version)).map((v) => [contentOf(v[1]), v])).values()
      ]
      yield* embeddings.sighted(read.filter(isStored).map(embed))
      for (let at = 0; at < missing.length; at += 2) {
        const part = missing.slice(at, at + 2)
        yield* embeddings.append(RECIPE, part.map(embed))
        embedded.push(...part.map(([, etag]) => contentOf(etag)))
      }
      const contents = new Set([...live.values()].map(contentOf))
      const loaded = yield* Stream.runCollect(embeddings.load(RECIPE, contents))
      if (loaded.length === contents.size) return loaded
    }
  })

const compact = (corpus: Corpus): Work<number> =>
  Effect.flatMap(Embeddings, (embeddings) =>
    embeddings.compact(
      RECIPE,
      Effect.sync(() => [...corpus].map(([key, etag]) => ({ key, etag })))
    )
  )

const layer = Embeddings.layerWith({ small: 40_000, least: 2, merged: 15_000 })
const on =
  (store: Store["Service"]) =>
  <A>(work: Work<A>) =>
    work.pipe(Effect.provide(layer), Effect.provideService(Store, store), Effect.provide(Logger.layer([])))

/** The vectors of each content. */
const vectorsOf = (recordings: ReadonlyArray<EmbeddedRecording>) =>
  new Map(recordings.map(({ contentHash, variants }) => [contentHash, variants]))
const fromScratch = (corpus: Corpus) => vectorsOf([...corpus].map(embed))

const damageOne = (objects: Map<string, Uint8Array>, at: number) => {
  const parts = [...objects.keys()].filter((key) => /^[^/]+$/.test(key.slice(PREFIX.length))).sort()
  const key = parts[at % parts.length]
  if (key === undefined) return
  const bytes = objects.get(key)!.slice()
  bytes[(at * 7919) % bytes.length]! ^= 0x10
  objects.set(key, bytes)
}

const name = fc.constantFrom("a", "b", "c", "d", "e", "f").map((stem) => `extracted_audio/dog/${stem}.wav`)
const writes = fc.nat(6)
const together = fc.record({
  kind: fc.constant("together" as const),
  tasks: fc.array(fc.record({ work: fc.constantFrom("run", "compact"), dies: fc.option(writes) }), {
    minLength: 2,
    maxLength: 4
  })
})
/** The same bytes, elsewhere or in another version. */
const elsewhere = fc.record({ kind: fc.constantFrom("copy", "move", "touch"), key: name, to: name })
const moveOn = (corpus: Corpus, { kind, key, to }: { kind: string; key: string; to: string }, next: () => number) => {
  const version = corpus.get(key)
  if (version === undefined) return
  if (kind === "move") corpus.delete(key)
  corpus.set(kind === "touch" ? key : to, `${contentOf(version)}@${next()}`)
}
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom("add", "change", "remove"), key: name }) },
  { weight: 3, arbitrary: elsewhere },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("run", "compact"), dies: fc.option(writes) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("damage" as const), at: fc.nat(1000) }) },
  { weight: 3, arbitrary: together }
)

test("any interleaving of changes, runs, crashes, merges and damage ends in what embedding from scratch gives", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 16 }), fc.scheduler(), async (steps, scheduler) => {
      const objects = new Map<string, Uint8Array>()
      const corpus: Corpus = new Map()
      const steady = memoryStore(objects)
      // fast-check chooses whose request goes next.
      const contended = memoryStore(
        objects,
        Effect.promise(() => scheduler.schedule(Promise.resolve()))
      )
      let version = 0
      const task = (work: string, dies: number | null, store: Store["Service"]) =>
        Effect.runPromiseExit(
          on(dies === null ? store : mortal(store, dies))(
            work === "run" ? Effect.asVoid(run(corpus)) : Effect.asVoid(compact(corpus))
          )
        )
      for (const step of steps) {
        if ("to" in step) moveOn(corpus, step, () => version++)
        else if ("key" in step) {
          if (step.kind === "remove") corpus.delete(step.key)
          else if (step.kind === "change" || !corpus.has(step.key)) corpus.set(step.key, `v${version++}`)
        } else if ("at" in step) damageOne(objects, step.at)
        else if ("tasks" in step) {
          await scheduler.waitFor(Promise.all(step.tasks.map(({ work, dies }) => task(work, dies, contended))))
        } else await task(step.kind, step.dies, steady)
      }
      const loaded = await Effect.runPromise(on(steady)(run(corpus)))
      expect(vectorsOf(loaded)).toEqual(fromScratch(corpus))
    }),
    { numRuns: 40 }
  )
})

test("without damage nothing that was stored is embedded again, whatever is merged meanwhile and whoever dies", async () => {
  const alone = fc.record({ work: fc.constantFrom("run" as const, "compact" as const), dies: fc.option(writes) })
  const merging = fc.record({ merges: fc.integer({ min: 1, max: 3 }) })
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          { weight: 2, arbitrary: fc.record({ key: name }) },
          { weight: 2, arbitrary: elsewhere },
          alone,
          merging
        ),
        {
          maxLength: 20
        }
      ),
      fc.scheduler(),
      async (steps, scheduler) => {
        const objects = new Map<string, Uint8Array>()
        const steady = memoryStore(objects)
        const contended = memoryStore(
          objects,
          Effect.promise(() => scheduler.schedule(Promise.resolve()))
        )
        const corpus: Corpus = new Map()
        const embedded: Array<string> = []
        const works = { run: Effect.asVoid(run(corpus, embedded)), compact: Effect.asVoid(compact(corpus)) }
        let version = 0
        for (const step of steps) {
          if ("to" in step) moveOn(corpus, step, () => version++)
          else if ("key" in step) corpus.set(step.key, `v${version++}`)
          else if ("merges" in step) {
            const together = [works.run, ...Array.from({ length: step.merges }, () => works.compact)]
            await scheduler.waitFor(Promise.all(together.map((work) => Effect.runPromise(on(contended)(work)))))
          } else
            await Effect.runPromiseExit(on(step.dies === null ? steady : mortal(steady, step.dies))(works[step.work]))
        }
        await Effect.runPromise(on(steady)(works.run))
        expect(new Set(embedded).size).toBe(embedded.length)
      }
    ),
    { numRuns: 60 }
  )
})

describe("a store of many parts", () => {
  const keys = Array.from({ length: 9 }, (_, i) => `extracted_audio/dog/${i}.wav`)
  const filled = async () => {
    const objects = new Map<string, Uint8Array>()
    const store = memoryStore(objects)
    const corpus: Corpus = new Map()
    for (const key of keys) {
      corpus.set(key, `v${corpus.size}`)
      await Effect.runPromise(on(store)(run(corpus)))
    }
    return { objects, store, corpus }
  }

  test("is merged into few, without what changed or went", async () => {
    const { objects, store, corpus } = await filled()
    expect(objects.size).toBe(9)
    corpus.delete(keys[0]!)
    corpus.set(keys[1]!, "v10")
    await Effect.runPromise(on(store)(run(corpus)))
    expect(await Effect.runPromise(on(store)(compact(corpus)))).toBe(10)
    expect(objects.size).toBeLessThan(7)
    const index = await Effect.runPromise(on(store)(Effect.flatMap(Embeddings, ({ index }) => index(RECIPE))))
    expect([...index.contents()].sort()).toEqual([...corpus.values()].sort())
    for (const [key, etag] of corpus) expect(index.storedContentOf({ key, etag })).toBe(etag)
  })

  test.each([
    ["truncated", -100],
    ["empty", -Infinity]
  ])("a part that is %s is named, set aside unchanged, and only its recordings are embedded again", async (_, end) => {
    const { objects, store, corpus } = await filled()
    const part = [...objects.keys()].sort()[4]!
    const damaged = objects.get(part)!.slice(0, end)
    objects.set(part, damaged)
    const warnings: Array<string> = []
    const listen = Logger.layer([Logger.make(({ message }) => void warnings.push(String(message)))])
    const embedded: Array<string> = []
    const work = run(corpus, embedded).pipe(Effect.provide(layer), Effect.provideService(Store, store))
    await Effect.runPromise(work.pipe(Effect.provide(listen)))
    expect(embedded.length).toBe(1)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain(part)
    expect(objects.get(part.replace(PREFIX, `${PREFIX}damaged/`))).toEqual(damaged)
    // Embedding the same again gives the same part again.
    expect(objects.has(part)).toBe(true)
  })

  test("arrives damaged now and then, and nothing is set aside for it", async () => {
    const { objects, store, corpus } = await filled()
    const before = [...objects.keys()]
    const damaged = new Set<string>()
    const once = (bytes: Uint8Array, what: string) => {
      if (damaged.has(what)) return bytes
      damaged.add(what)
      return bytes.map((byte, i) => (i % 7 === 3 ? byte ^ 16 : byte))
    }
    const flipping: Store["Service"] = {
      ...store,
      get: (key) => Effect.map(store.get(key), (found) => ({ ...found, bytes: once(found.bytes, key) })),
      getRange: (key, from, to) => Effect.map(store.getRange(key, from, to), (bytes) => once(bytes, `${key} ${from}`))
    }
    const index = await Effect.runPromise(on(flipping)(Effect.flatMap(Embeddings, ({ index }) => index(RECIPE))))
    expect([...index.contents()].sort()).toEqual([...corpus.values()].sort())
    damaged.clear()
    const load = Effect.flatMap(Embeddings, ({ load }) => Stream.runCollect(load(RECIPE, new Set(corpus.values()))))
    expect(vectorsOf(await Effect.runPromise(on(flipping)(load)))).toEqual(fromScratch(corpus))
    expect(damaged.size).toBe(before.length)
    expect([...objects.keys()]).toEqual(before)
  })

  test("stays as it is where nothing may be removed, which is said once", async () => {
    const { objects, store, corpus } = await filled()
    await Effect.runPromise(on(store)(run(corpus.set(keys[1]!, "v10"))))
    const before = [...objects.keys()]
    const warnings: Array<string> = []
    const kept: Store["Service"] = {
      ...store,
      remove: (key) => Effect.fail(new StoreError({ reason: "denied", key, message: "Allow s3:DeleteObject." }))
    }
    const work = compact(corpus).pipe(
      Effect.provide(layer),
      Effect.provideService(Store, kept),
      Effect.provide(Logger.layer([Logger.make(({ message }) => void warnings.push(String(message)))]))
    )
    expect(await Effect.runPromise(work)).toBe(0)
    expect(await Effect.runPromise(work)).toBe(0)
    expect([...objects.keys()]).toEqual(before)
    expect(warnings).toEqual(["Allow s3:DeleteObject. What is needed no more stays until then."])
  })

  test("is read whole although it is merged between listing and reading", async () => {
    const { objects, store, corpus } = await filled()
    let merged = false
    const merging: Store["Service"] = {
      ...store,
      list: (prefix) =>
        store.list(prefix).pipe(
          Stream.onEnd(
            Effect.suspend(() => {
              if (merged) return Effect.void
              merged = true
              return Effect.asVoid(on(store)(compact(corpus)))
            })
          )
        )
    }
    const before = [...objects.keys()]
    const index = await Effect.runPromise(on(merging)(Effect.flatMap(Embeddings, ({ index }) => index(RECIPE))))
    expect([...index.contents()].sort()).toEqual([...corpus.values()].sort())
    expect(before.filter((key) => objects.has(key)).length).toBeLessThan(before.length)
    merged = false
    await Effect.runPromise(on(store)(run(corpus.set("extracted_audio/dog/more.wav", "v11"))))
    const load = Effect.flatMap(Embeddings, ({ load }) => Stream.runCollect(load(RECIPE, new Set(corpus.values()))))
    expect(vectorsOf(await Effect.runPromise(on(merging)(load)))).toEqual(fromScratch(corpus))
  })

  test("where a recording without an ETag lay is not written down: it is read each time anyway", async () => {
    const objects = new Map<string, Uint8Array>()
    const sighting = { key: "extracted_audio/dog/a.wav", etag: "", size: 1, contentHash: "c" }
    await Effect.runPromise(on(memoryStore(objects))(Embeddings.use(({ sighted }) => sighted([sighting]))))
    expect([...objects.keys()]).toEqual([])
  })

  test("the index reads no vectors", async () => {
    const { objects } = await filled()
    let bytes = 0
    const counted = memoryStore(objects)
    const store: Store["Service"] = {
      ...counted,
      get: () => Effect.die("the whole part was read"),
      getRange: (key, from, to) =>
        Effect.tap(counted.getRange(key, from, to), (read) => Effect.sync(() => (bytes += read.length)))
    }
    const index = await Effect.runPromise(on(store)(Effect.flatMap(Embeddings, ({ index }) => index(RECIPE))))
    expect([...index.contents()]).toHaveLength(keys.length)
    expect(bytes).toBeGreaterThan(0)
  })
})

test("a recording that was cut at the limit is embedded again, once; all others stay as they are", async () => {
  const lasting = (name: string, seconds: number, parameters: Record<string, number> = {}): EmbeddedRecording => {
    const recording = embed([`extracted_audio/a/${name}.wav`, name])
    const [original] = recording.variants
    const stretched = {
      ...original!,
      draw: { variant: "time_stretch_slow" as const, seed: 1, parameters: {} },
      seconds: 30
    }
    return { ...recording, variants: [{ ...original!, seconds, draw: { ...original!.draw, parameters } }, stretched] }
  }
  const stored = [lasting("short", 29), lasting("cut", 30), lasting("whole", 70, { whole: 1 })]
  await Effect.gen(function* () {
    const embeddings = yield* Embeddings
    yield* embeddings.append(RECIPE, stored)
    const known = yield* embeddings.index(RECIPE)
    expect(["short", "cut", "whole"].map((content) => known.has(content))).toEqual([true, false, true])
    expect(known.contentOf({ key: "extracted_audio/a/cut.wav", etag: "cut" })).toBe("cut")
    yield* embeddings.append(RECIPE, [lasting("cut", 30, { whole: 1 })])
    expect((yield* embeddings.index(RECIPE)).has("cut")).toBe(true)
    const loaded = yield* Stream.runCollect(embeddings.load(RECIPE, new Set(["short", "cut", "whole"])))
    expect(loaded.map(({ contentHash }) => contentHash).sort()).toEqual(["cut", "short", "whole"])
    expect(loaded.find(({ contentHash }) => contentHash === "cut")!.variants[0]!.draw.parameters).toEqual({ whole: 1 })
  }).pipe(Effect.provide(Embeddings.layer), Effect.provideService(Store, memoryStore(new Map())), Effect.runPromise)
})
