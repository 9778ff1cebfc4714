import { afterEach, beforeEach, expect, test } from "bun:test"
import { cp, mkdtemp, readdir, rename, rm, utimes } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Option } from "effect"
import { untrainedNetwork } from "../../src/embedder/yamnet/untrained.ts"
import { backboneOf } from "../../src/embedder/yamnet/yamnet.ts"
import { Embeddings } from "../../src/embeddings/embeddings.ts"
import { lastTraining, newSince, readTrainingSet } from "../../src/registry/trainingSet.ts"
import { folderStore } from "../../src/store/folder.ts"
import { Store, type Store as StoreService } from "../../src/store/store.ts"
import { planUpload, upload } from "../../src/store/uploadFolder.ts"
import { memoryStore } from "../support/memoryStore.ts"
import { failure, fill, json, keysIn, smallCorpus, sound, succeed } from "../support/runWorld.ts"
import { untrainedYamnet } from "../support/untrainedYamnet.ts"

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ecosight-"))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const trained = async (place: string) => {
  const store = folderStore(place)
  await fill(store, smallCorpus())
  expect(await succeed(store)).toMatchObject({ recordings: 10, embedded: 10, reused: 0 })
  return store
}

const nothingNew = { recordings: 10, embedded: 0, reused: 10 }

/** Keys that are read. */
const logging = (store: StoreService["Service"], read: Array<string>): StoreService["Service"] => ({
  ...store,
  get: (key) => {
    if (key.startsWith("extracted_audio/")) read.push(key)
    return store.get(key)
  }
})

test("a copied store embeds nothing, and reads its recordings once", async () => {
  await trained(join(folder, "one"))
  await cp(join(folder, "one"), join(folder, "other"), { recursive: true })
  const read: Array<string> = []
  const store = logging(folderStore(join(folder, "other")), read)
  expect(await succeed(store)).toMatchObject(nothingNew)
  expect(read).toHaveLength(10)
  read.length = 0
  expect(await succeed(store)).toMatchObject(nothingNew)
  expect(read).toEqual([])
})

test("a class whose folder is renamed embeds nothing, and has its new name", async () => {
  const store = await trained(folder)
  await rename(join(folder, "extracted_audio/dog_bark"), join(folder, "extracted_audio/bark"))
  const summary = await succeed(store)
  expect(summary).toMatchObject(nothingNew)
  expect(summary.holdout.perClass.map(({ className }) => className)).toEqual(["bark", "gun_shot"])
  // What it is compared with is the same but for the name.
  expect(summary.comparison!.macroF1.promoted).toBe(summary.comparison!.macroF1.candidate)
  expect(summary.notes).toContain("What the promoted model calls dog_bark is called bark now, and compared as such.")
})

test("recordings that were touched embed nothing", async () => {
  const store = await trained(folder)
  for (const key of await keysIn(store, "extracted_audio/")) await utimes(join(folder, key), new Date(), new Date())
  expect(await succeed(store)).toMatchObject(nothingNew)
})

test("a store that is uploaded into another bucket, whatever its ETags are, embeds nothing there", async () => {
  const store = await trained(folder)
  // As of a bucket that encrypts by keys of its own: they look like MD5 sums.
  const objects = new Map<string, Uint8Array>()
  const plain = memoryStore(objects)
  const disguise = (etag: string) => new Bun.CryptoHasher("md5").update(`key ${etag}`).digest("hex")
  const bucket: StoreService["Service"] = {
    ...plain,
    get: (key) => Effect.map(plain.get(key), (found) => ({ ...found, etag: disguise(found.etag) })),
    find: (key) =>
      Effect.map(
        plain.find(key),
        Option.map((found) => ({ ...found, etag: disguise(found.etag) }))
      )
  }
  const uploaded = async () => {
    const { uploads, embeddings } = await Effect.runPromise(planUpload(store))
    const results = await Effect.runPromise(
      Effect.forEach([...uploads, ...embeddings], (file) =>
        upload(store, bucket, file, { dryRun: false, receipts: new Set() })
      )
    )
    return new Set(results.map(({ outcome }) => outcome))
  }
  expect(await uploaded()).toEqual(new Set(["uploaded"]))
  expect(await uploaded()).toEqual(new Set(["unchanged"]))
  expect(await succeed(bucket)).toMatchObject(nothingNew)
})

test("bytes that landed twice in one run are embedded once and count once", async () => {
  const objects = smallCorpus()
  const [key, bytes] = [...objects][0]!
  objects.set("extracted_audio/dog_bark/again.wav", bytes)
  const summary = await succeed(memoryStore(objects))
  expect(summary).toMatchObject({ recordings: 10, embedded: 10, variants: 20, contradictions: [] })
  expect(summary.notes).toContain("1 recording holds the same bytes as another: each counts once.")
  const set = await json(memoryStore(objects), `models/versions/${summary.runId}/training_set.json`)
  expect((set as Record<string, string>)["extracted_audio/dog_bark/again.wav"]).toBe(
    (set as Record<string, string>)[key]!
  )
})

test("bytes in two classes are left out and named", async () => {
  const objects = smallCorpus()
  const [key, bytes] = [...objects][0]!
  objects.set("extracted_audio/gun_shot/bark.wav", bytes)
  const summary = await succeed(memoryStore(objects))
  expect(summary).toMatchObject({ recordings: 9, contradictions: [[key, "extracted_audio/gun_shot/bark.wav"]] })
  expect(summary.notes).toContain(
    `The same bytes lie in several classes and were left out: ${key}, extracted_audio/gun_shot/bark.wav.`
  )
})

test("of many copies in two classes a few are named, of both classes, and the record has all", async () => {
  const objects = smallCorpus()
  const [key, bytes] = [...objects].find(([one]) => one.includes("/dog_bark/"))!
  for (let i = 0; i < 30; i++) objects.set(`extracted_audio/dog_bark/copy${i}.wav`, bytes)
  objects.set("extracted_audio/gun_shot/bark.wav", bytes)
  const summary = await succeed(memoryStore(objects))
  expect(summary.contradictions?.map(({ length }) => length)).toEqual([32])
  expect(summary.notes).toContain(
    "The same bytes lie in several classes and were left out: " +
      `${key}, extracted_audio/gun_shot/bark.wav, extracted_audio/dog_bark/copy0.wav and 29 more.`
  )
})

test("where nothing else is left of a class, bytes in two classes are why nothing can be trained", async () => {
  const objects = new Map([...smallCorpus()].filter(([key]) => key.includes("/dog_bark/")))
  const [key, bytes] = [...objects][0]!
  objects.set("extracted_audio/gun_shot/bark.wav", bytes)
  expect(await failure(memoryStore(objects))).toBe(
    'A classifier needs recordings of at least two classes, but there is only "dog_bark". ' +
      `The same bytes lie in several classes and were left out: ${key}, extracted_audio/gun_shot/bark.wav.`
  )
})

test("a class that was copied whole is told in one sentence, and no model without it is promoted", async () => {
  const objects = smallCorpus()
  for (let i = 0; i < 5; i++) objects.set(`extracted_audio/clips/${300 + i}-0-0-0.wav`, sound("dog_bark", 300 + i))
  await succeed(memoryStore(objects))
  for (const [key, bytes] of smallCorpus()) {
    if (key.includes("/dog_bark/")) objects.set(key.replace("/dog_bark/", "/backup/"), bytes)
  }
  const summary = await succeed(
    memoryStore(objects),
    {},
    { GATE_TOLERANCE: "1", GATE_CLASS_TOLERANCE: "1", FIELD_MINUTES: "0" }
  )
  expect(summary).toMatchObject({ embedded: 0, recordings: 10, promoted: false })
  expect(summary.contradictions).toHaveLength(5)
  expect(summary.decision).toStartWith(
    "Not promoted: most recordings of backup and dog_bark were left out, because the same bytes lie in another class."
  )
  expect(summary.notes.filter((note) => note.startsWith("The same bytes"))).toEqual([
    "The same bytes lie in several classes (backup, dog_bark) 5 times and were left out, such as " +
      "extracted_audio/backup/0-0-0-0.wav, extracted_audio/dog_bark/0-0-0-0.wav."
  ])
})

test("a recording that cannot be decoded is refused under each of its names", async () => {
  const objects = smallCorpus()
  for (const name of ["a", "b"]) objects.set(`extracted_audio/dog_bark/${name}.wav`, new Uint8Array(1000))
  const { skipped } = await succeed(memoryStore(objects))
  expect(skipped.map(({ key }) => key).sort()).toEqual([
    "extracted_audio/dog_bark/a.wav",
    "extracted_audio/dog_bark/b.wav"
  ])
  expect(new Set(skipped.map(({ reason }) => reason)).size).toBe(1)
})

/** As the old store's vectors are: the embedding alone. */
const untapped = async () => ({
  ...(await Effect.runPromise(untrainedYamnet)),
  ...backboneOf(untrainedNetwork(), [])
})

/** The store in test/golden/store, its recipe that of today's runs: it is its form that is old. */
const oldStore = async () => {
  const today = memoryStore(smallCorpus())
  await succeed(today, {}, {}, undefined, [], await untapped())
  const [, recipe] = (await keysIn(today, "embeddings/"))[0]!.split("/")
  const objects = smallCorpus()
  const root = join(import.meta.dir, "../golden/store")
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === "README.md") continue
    const file = join(entry.parentPath, entry.name)
    const bytes = await Bun.file(file).bytes()
    const isText = file.endsWith(".json")
    objects.set(
      file.slice(root.length + 1).replace("2c10f11952a0d52b", recipe!),
      isText ? new TextEncoder().encode(new TextDecoder().decode(bytes).replaceAll("2c10f11952a0d52b", recipe!)) : bytes
    )
  }
  return memoryStore(objects)
}
const OLD_RUN = "20261126T014436593Z-cb1477"

test("a store written when recordings were known by key and ETag stays embedded, and its training known", async () => {
  const store = await oldStore()
  const on = <A, E>(effect: Effect.Effect<A, E, Store | Embeddings>) =>
    Effect.runPromise(effect.pipe(Effect.provide(Embeddings.layer), Effect.provideService(Store, store)))
  expect((await on(readTrainingSet(OLD_RUN))).size).toBe(10)
  const { set, known } = await on(lastTraining)
  const listed = await on(Effect.forEach(await keysIn(store, "extracted_audio/"), (key) => store.find(key)))
  const isNew = newSince(set)
  const fresh = listed.map(Option.getOrThrow).filter((object) => isNew(object.key, known.contentOf(object)))
  expect(fresh).toEqual([])

  await fill(store, [["extracted_audio/gun_shot/new.wav", sound("gun_shot", 4711)]])
  const read: Array<string> = []
  const summary = await succeed(logging(store, read), {}, {}, undefined, [], await untapped())
  expect(summary).toMatchObject({ recordings: 11, embedded: 1, reused: 10, comparison: { promotedRun: OLD_RUN } })
  expect(read).toEqual(["extracted_audio/gun_shot/new.wav"])
  // Of the label check's recordings one is new.
  expect(summary.labels).toMatchObject({ fresh: { recordings: 1 } })
})
