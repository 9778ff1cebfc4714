import { describe, expect, setDefaultTimeout, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { s3Error } from "../../bench/s3/server.ts"
import { RunSummary } from "../../src/runs/summary.ts"
import { folderStore } from "../../src/store/folder.ts"
import { isRecording, LEASE_KEY, recordingKey } from "../../src/store/keys.ts"
import { s3Store } from "../../src/store/s3.ts"
import type { Store } from "../../src/store/store.ts"
import { encode, swell, wave } from "../support/pcmFiles.ts"
import { failure, fill, json, keysIn, runOn, smallCorpus, sound, succeed } from "../support/runWorld.ts"
import { impatient, kindsOfStore, s3Server, settingsFor, temporaryFolder } from "../support/stores.ts"

// Each test trains a few times, on a machine that may be busy.
setDefaultTimeout(60_000)

const inFolder = (use: (store: Store["Service"]) => Promise<void>) =>
  Effect.runPromise(
    temporaryFolder.pipe(
      Effect.flatMap((folder) => Effect.promise(() => use(folderStore(folder)))),
      Effect.scoped
    )
  )

const PUBLISHED = [
  "certificate.json",
  "class_names.json",
  "class_names.pkl",
  "classifier.onnx",
  "ecosight.onnx",
  "ecosight.tflite",
  "ecosight_int8.tflite",
  "held_out.json",
  "map.json",
  "model_metadata.json",
  "performance_metrics.json",
  "report.html",
  "retraining_log.json",
  "training_history.pkl",
  "yamnet_classifier.keras"
].map((file) => `models/${file}`)

describe("a first run", () => {
  for (const { kind, skip, empty } of kindsOfStore) {
    test.skipIf(skip)(`on ${kind} embeds, audits, trains and publishes`, () =>
      Effect.runPromise(
        Effect.gen(function* () {
          const store = yield* empty
          yield* Effect.promise(async () => {
            await fill(store, smallCorpus())
            const summary = await succeed(store)
            expect(Schema.is(RunSummary)(summary)).toBe(true)
            expect(summary).toMatchObject({ recordings: 10, embedded: 10, reused: 0, variants: 20, promoted: true })
            expect(summary.embedder).toBe("untrained")
            expect(summary.holdout.recordings).toBeGreaterThanOrEqual(2)
            // The same recordings give the same figures, wherever they are kept.
            expect(summary.holdout).toEqual((await reference).holdout)
            const copies = (await keysIn(store, "augmented_audio/")).filter((key) => key.endsWith(".wav"))
            expect(copies.length).toBe(20)
            expect(await keysIn(store, "models/")).toEqual(expect.arrayContaining(PUBLISHED))
            expect(summary.artifacts).toEqual(expect.arrayContaining(PUBLISHED))
            expect(await keysIn(store, "runs/")).toContain(`runs/${summary.runId}.json`)
          })
        }).pipe(Effect.scoped)
      )
    )
  }

  const reference = Effect.runPromise(
    temporaryFolder.pipe(
      Effect.flatMap((folder) =>
        Effect.promise(async () => {
          const store = folderStore(folder)
          await fill(store, smallCorpus())
          return succeed(store)
        })
      ),
      Effect.scoped
    )
  )

  test("records what went wrong with the engine's device and was made good", () =>
    inFolder(async (store) => {
      await fill(store, smallCorpus())
      const { engine, runId } = await succeed(store, {}, {}, undefined, ["The device was lost: opened another."])
      expect(engine.why).toBe("Native, as asked. The device was lost: opened another.")
      expect(await json(store, `runs/${runId}.json`)).toMatchObject({ summary: { engine } })
    }))

  test("says each stage as it goes", () =>
    inFolder(async (store) => {
      await fill(store, smallCorpus())
      const { events } = await runOn(store)
      const last = (stage: string) => events.findLast((event) => event.stage === stage)
      expect(last("list")).toEqual({ stage: "list", done: 10 })
      expect(last("stream")).toEqual({ stage: "stream", done: 10, total: 10 })
      expect(last("train")).toMatchObject({ done: 2, total: 2 })
      expect(last("publish")).toMatchObject({ done: PUBLISHED.length + 1 })
    }))
})

describe("a later run", () => {
  test("embeds what is new or changed, and leaves out what was removed", () =>
    inFolder(async (store) => {
      const corpus = smallCorpus()
      await fill(store, corpus)
      const first = await succeed(store)
      const again = await succeed(store)
      expect(again).toMatchObject({ embedded: 0, reused: 10, recordings: 10 })
      expect(again.holdout).toEqual(first.holdout)

      const [removed, changed] = [...corpus.keys()]
      await Effect.runPromise(store.remove(removed!))
      await fill(store, [
        [changed!, sound("dog_bark", 77)],
        [recordingKey("gun_shot", "900-1-0-0.wav"), sound("gun_shot", 900)]
      ])
      expect(await succeed(store)).toMatchObject({ embedded: 2, reused: 8, recordings: 10 })
    }))

  test("does not depend on the order in which recordings were embedded", () =>
    inFolder(async (store) => {
      const corpus = [...smallCorpus()]
      await fill(
        store,
        corpus.filter((_, i) => i % 2 === 1)
      )
      await succeed(store)
      await fill(store, corpus)
      const grown = await succeed(store)
      await inFolder(async (fresh) => {
        await fill(fresh, corpus)
        expect((await succeed(fresh)).holdout).toEqual(grown.holdout)
      })
    }))

  test("gives the audit copies the same bytes again", () =>
    inFolder(async (store) => {
      await fill(store, smallCorpus())
      await succeed(store)
      const copies = (await keysIn(store, "augmented_audio/")).filter((key) => key.endsWith(".wav"))
      const bytes = () => Effect.runPromise(Effect.forEach(copies, (key) => Effect.map(store.get(key), (o) => o.bytes)))
      const before = await bytes()
      for (const key of await keysIn(store, "embeddings/")) await Effect.runPromise(store.remove(key))
      expect(await succeed(store)).toMatchObject({ embedded: 10 })
      expect(await bytes()).toEqual(before)
    }))
})

describe("bad input", () => {
  const wav = sound("dog_bark", 1)
  const zip = Uint8Array.from([0x50, 0x4b, 3, 4, 20, 0, 9, 0, ...new Array(200).fill(7)])
  const silent = wav.slice().fill(0, 44)
  const bad = new Map<string, Uint8Array>([
    [recordingKey("dog_bark", "empty.wav"), new Uint8Array(0)],
    [recordingKey("dog_bark", "truncated.wav"), wav.slice(0, 60)],
    [recordingKey("dog_bark", "locked.mp3"), zip],
    [recordingKey("dog_bark", "page.flac"), new TextEncoder().encode("<html>not found</html>")],
    ["extracted_audio/loose.wav", wav]
  ])

  test("is skipped by key and reason, and silence is kept and flagged", () =>
    inFolder(async (store) => {
      await fill(store, smallCorpus())
      await fill(store, bad)
      await fill(store, [
        [recordingKey("dog_bark", "silent.wav"), silent],
        [recordingKey("gun_shot", "nested/deeper/SHOUT.WAV"), sound("gun_shot", 5)],
        [recordingKey("gun_shot", "really a wav.mp3"), sound("gun_shot", 6)],
        ["extracted_audio/gun_shot/.DS_Store", new Uint8Array(10)]
      ])
      const summary = await succeed(store, {}, { MAX_SKIPPED: "0.5" })
      expect(summary.recordings).toBe(13)
      expect(summary.silent).toEqual([recordingKey("dog_bark", "silent.wav")])
      expect(summary.skipped.map(({ key }) => key).sort()).toEqual([...bad.keys()].sort())
      for (const { reason } of summary.skipped) expect(reason).toMatch(/^[A-Z][^\n]+\.$/)
    }))

  test("what lies beside recordings is left alone and counted; what was not read as usual is named", () =>
    inFolder(async (store) => {
      const reversed = encode(
        Array.from(swell(16_000)).flatMap((sample) => [sample, -sample]),
        { kind: "integer", bits: 16, bytes: 2 }
      )
      const offset = new Uint8Array(new Int16Array(16_000).fill(4000).buffer)
      const stereo = recordingKey("dog_bark", "balanced.wav")
      await fill(store, smallCorpus())
      await fill(store, [
        [stereo, wave(reversed, { channels: 2 })],
        [recordingKey("dog_bark", "offset.wav"), wave(offset)],
        [recordingKey("dog_bark", "notes.txt"), new TextEncoder().encode("Rain from noon.")],
        [recordingKey("gun_shot", "selections/a.CSV"), new TextEncoder().encode("begin,end")],
        [recordingKey("gun_shot", ".hidden"), new Uint8Array(10)]
      ])
      const summary = await succeed(store, {}, { MAX_SKIPPED: "0" })
      const note = "Its channels cancel each other out, so channel 1 is used alone."
      expect(summary).toMatchObject({ recordings: 12, skipped: [], others: 3, noted: [{ key: stereo, note }] })
      expect(summary.silent).toEqual([recordingKey("dog_bark", "offset.wav")])
      expect(summary.notes).toEqual(
        expect.arrayContaining([`${note.slice(0, -1)}: ${stereo}.`, "3 other files were left alone."])
      )
      const [manifest] = await keysIn(store, "augmented_audio/manifest/")
      const lines = new TextDecoder()
        .decode((await Effect.runPromise(store.get(manifest!))).bytes)
        .trim()
        .split("\n")
      const notesOf = (key: string) => lines.map((line) => JSON.parse(line)).find(({ source }) => source === key).notes
      expect(notesOf(stereo)).toEqual([note])
    }))

  test("in a folder: a name that is not UTF-8 is told of as such, and has not vanished", () =>
    inFolder(async (store) => {
      await fill(store, smallCorpus())
      const dogs = Buffer.from(join(store.location, "extracted_audio/dog_bark/gr"))
      await writeFile(Buffer.concat([dogs, Buffer.from([0xfc]), Buffer.from("n.wav")]), "x")
      const summary = await succeed(store)
      expect(summary.skipped).toEqual([
        {
          key: "extracted_audio/dog_bark/gr\ufffdn.wav",
          reason: "Its name is not UTF-8, so it cannot be opened: rename it (convmv does so for a whole folder)."
        }
      ])
    }))

  test("in a bucket: what vanishes or cannot be read after it was listed is skipped", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const server = yield* s3Server()
        const store = s3Store(settingsFor(server.endpoint), "recordings", "", impatient)
        yield* Effect.promise(async () => {
          await fill(store, smallCorpus())
          const [vanished, refused] = [...smallCorpus().keys()]
          server.fault = ({ method, key }) => {
            if (method === "GET" && key === vanished) return s3Error(404, "NoSuchKey")
            if (method === "GET" && key === refused) return s3Error(403, "AccessDenied")
            return undefined
          }
          const summary = await succeed(store)
          expect(summary.recordings).toBe(8)
          expect(summary.skipped).toEqual([
            { key: vanished!, reason: "It vanished after it was listed." },
            { key: refused!, reason: expect.stringContaining(refused!) }
          ])
        })
      }).pipe(Effect.scoped)
    ))

  test("fails the run before training where it is more than MAX_SKIPPED, and leaves what is published", () =>
    inFolder(async (store) => {
      await fill(store, smallCorpus())
      const first = await succeed(store)
      const versions = await keysIn(store, "models/")
      const pointer = () => Effect.runPromise(store.get("models/current.json"))
      const promoted = await pointer()
      await fill(store, bad)
      const sentence = await failure(store)
      expect(sentence).toMatch(/^4 of 15 recordings cannot be used, more than MAX_SKIPPED \(20 %\) allows/)
      expect(await keysIn(store, "models/")).toEqual(versions)
      expect(await pointer()).toEqual(promoted)
      const record = (await keysIn(store, "runs/")).filter((key) => /\dZ-/.test(key) && !key.includes(first.runId))
      expect(await json(store, record[0]!)).toMatchObject({
        status: "failed",
        reason: { _tag: "TooManySkipped" }
      })
    }))

  test("a recording over MAX_RECORDING_MB is not fetched", () =>
    inFolder(async (store) => {
      await fill(store, smallCorpus())
      await fill(store, [[recordingKey("dog_bark", "long.wav"), new Uint8Array(2_500_000)]])
      const { skipped } = await succeed(store, {}, { MAX_RECORDING_MB: "2" })
      expect(skipped).toEqual([
        { key: recordingKey("dog_bark", "long.wav"), reason: "Its 3 MB are more than MAX_RECORDING_MB (2) allows." }
      ])
    }))

  test("one class, or nothing at all, is refused in a sentence", () =>
    inFolder(async (store) => {
      expect(await failure(store)).toContain("holds no recordings")
      await fill(store, [...smallCorpus()].slice(0, 5))
      expect(await failure(store)).toContain("holds recordings of one class only, dog_bark")
      expect(await keysIn(store, "models/")).toEqual([])
    }))
})

test("a run that is cancelled says so in its record, gives the lease back, and can be started again", () =>
  inFolder(async (store) => {
    await fill(store, smallCorpus())
    const cancel = new AbortController()
    const stuck: Store["Service"] = {
      ...store,
      get: (key) => {
        if (!key.startsWith("extracted_audio/")) return store.get(key)
        return Effect.sync(() => cancel.abort()).pipe(Effect.andThen(Effect.never))
      }
    }
    await expect(runOn(stuck, {}, {}, cancel.signal)).rejects.toThrow("interrupt")
    const [record] = (await keysIn(store, "runs/")).filter((key) => key !== LEASE_KEY)
    expect(await json(store, record!)).toMatchObject({ status: "cancelled" })
    expect(await json(store, LEASE_KEY)).toMatchObject({ released: true })
    expect(await succeed(store)).toMatchObject({ recordings: 10 })
  }))

test("a run that loses its lease says so in its record", () =>
  inFolder(async (store) => {
    await fill(store, smallCorpus())
    let isTaken = false
    const taken: Store["Service"] = {
      ...store,
      get: (key) =>
        Effect.gen(function* () {
          if (!key.startsWith("extracted_audio/")) return yield* store.get(key)
          if (isTaken) return yield* Effect.never
          isTaken = true
          const lease = JSON.parse(new TextDecoder().decode((yield* store.get(LEASE_KEY)).bytes))
          const other = { ...lease, runId: "other", instance: "other" }
          yield* store.put(LEASE_KEY, new TextEncoder().encode(JSON.stringify(other)))
          return yield* Effect.never
        })
    }
    expect(await failure(taken)).toContain("lost its lease to other")
    const [record] = (await keysIn(store, "runs/")).filter((key) => key !== LEASE_KEY)
    expect(await json(store, record!)).toMatchObject({
      status: "failed",
      reason: { _tag: "LeaseLost", message: expect.stringContaining("publishes nothing more") }
    })
  }))

test("no more recordings are fetched at once than FETCH_CONCURRENCY", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const server = yield* s3Server()
      const store = s3Store(settingsFor(server.endpoint), "recordings")
      yield* Effect.promise(() => fill(store, smallCorpus()))
      let fetching = 0
      let most = 0
      const counted: Store["Service"] = {
        ...store,
        get: (key) =>
          Effect.suspend(() => {
            if (!isRecording({ key })) return store.get(key)
            most = Math.max(most, ++fetching)
            return store.get(key).pipe(Effect.ensuring(Effect.sync(() => fetching--)))
          })
      }
      yield* Effect.promise(() => succeed(counted, {}, { FETCH_CONCURRENCY: "3" }))
      expect(most).toBe(3)
    }).pipe(Effect.scoped)
  ))

test("a damaged part costs its recordings' embedding again in the next run, and is kept aside", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const store = folderStore(yield* temporaryFolder)
      yield* Effect.promise(() => fill(store, smallCorpus()))
      const first = yield* Effect.promise(() => succeed(store))
      const [part] = yield* Effect.promise(() => keysIn(store, "embeddings/"))
      const { bytes } = yield* store.get(part!)
      // In the vectors, so that the index still reads.
      bytes[bytes.length >> 1]! ^= 1
      yield* store.put(part!, bytes)
      const second = yield* Effect.promise(() => succeed(store))
      expect(second).toMatchObject({ recordings: 10, embedded: 10, reused: 0, snapshot: first.snapshot })
      expect(second.holdout).toEqual(first.holdout)
      expect(yield* Effect.promise(() => keysIn(store, "embeddings/"))).toContain(
        part!.replace(/([^/]+)$/, "damaged/$1")
      )
    }).pipe(Effect.scoped)
  ))

test("a run leaves as many versions as it is told, beside what is promoted and what the last training is known by", () =>
  inFolder(async (store) => {
    await fill(store, smallCorpus())
    const once = (promotion: "auto" | "never") => succeed(store, { promotion, audit: false }, { KEEP_VERSIONS: "1" })
    const promoted = await once("auto")
    const [second, third, fourth] = [await once("never"), await once("never"), await once("never")]
    const versions = new Set((await keysIn(store, "models/versions/")).map((key) => key.split("/")[2]))
    expect([...versions]).toEqual([promoted.runId, third.runId, fourth.runId])
    expect(third.notes.join(" ")).not.toContain("Removed")
    expect(fourth.notes).toContain(
      `Removed 1 old version, all but the newest 1 and what was promoted: ${second.runId}.`
    )
    expect(await keysIn(store, "augmented_audio/")).toEqual([])
  }))
