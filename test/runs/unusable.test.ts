import { expect, setDefaultTimeout, test } from "bun:test"
import { ConfigProvider, Effect, Layer, Stream } from "effect"
import { parquetReadObjects } from "hyparquet"
import { parquetWriteBuffer } from "hyparquet-writer"
import { Settings } from "../../src/config/settings.ts"
import { Embeddings } from "../../src/embeddings/embeddings.ts"
import { partName } from "../../src/embeddings/parts.ts"
import { ascertain } from "../../src/runs/ascertain.ts"
import { planRun } from "../../src/runs/planRun.ts"
import { folderStore } from "../../src/store/folder.ts"
import { recordingKey } from "../../src/store/keys.ts"
import { Store } from "../../src/store/store.ts"
import { fill, OPTIONS, smallCorpus, sound, succeed } from "../support/runWorld.ts"
import { temporaryFolder } from "../support/stores.ts"
import { untrainedYamnet } from "../support/untrainedYamnet.ts"

setDefaultTimeout(120_000)

const TEXT = recordingKey("dog_bark", "notes.wav")
const COPY = recordingKey("dog_bark", "notes again.wav")
const LONG = recordingKey("gun_shot", "long.wav")
const LOOSE = "extracted_audio/loose.wav"
const LIMITS = { MAX_RECORDING_MB: "1", MAX_SKIPPED: "0.5" }
const text = new TextEncoder().encode("this is no sound")

/** How many recordings count as new, as a run that asks for at least one tells. */
const fresh = (store: Store["Service"]) =>
  Effect.gen(function* () {
    const embedder = yield* untrainedYamnet
    const { count } = yield* ascertain(yield* planRun(embedder, OPTIONS.augmentations), 1)
    return count.fresh
  }).pipe(
    Effect.provide(Embeddings.layer),
    Effect.provide(Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: LIMITS }))))),
    Effect.provideService(Store, store),
    Effect.runPromise
  )

const inFolder = (body: (store: Store["Service"]) => Promise<void>) =>
  Effect.runPromise(
    Effect.flatMap(temporaryFolder, (folder) => Effect.promise(() => body(folderStore(folder)))).pipe(Effect.scoped)
  )

test("pipes among recordings and tables are told of, and wait for nobody", () =>
  inFolder(async (store) => {
    await fill(store, smallCorpus())
    await fill(store, [["field_audio/ridge/a.wav", sound("dog_bark", 9)]])
    const at = (key: string) => `${store.location}/${key}`
    await Bun.$`mkdir -p ${at("annotations/ridge")}`
    await Bun.$`mkfifo ${at("extracted_audio/dog_bark/pipe.wav")} ${at("annotations/ridge/a.csv")}`
    const why = (key: string) => `${at(key)} cannot be read: it is a named pipe, and no file.`
    const { skipped, annotations } = await succeed(store, {}, { MAX_SKIPPED: "0.5" })
    const key = "extracted_audio/dog_bark/pipe.wav"
    expect(skipped).toEqual([{ key, reason: why(key) }])
    expect(annotations?.problems).toMatchObject([{ reason: why("annotations/ridge/a.csv") }])
  }))

test("what cannot be used counts as new until a run has tried it, and again when its bytes change", () =>
  inFolder(async (store) => {
    await fill(store, smallCorpus())
    await fill(store, [
      [TEXT, text],
      [COPY, text],
      [LONG, new Uint8Array(1_500_000)],
      [LOOSE, sound("dog_bark", 9)]
    ])
    const first = await succeed(store, {}, LIMITS)
    const named = [COPY, TEXT, LONG, LOOSE].sort()
    expect(first.skipped.map(({ key }) => key).sort()).toEqual(named)

    const read: Array<string> = []
    const watched = Store.of({
      ...store,
      get: (key) =>
        Effect.andThen(
          Effect.sync(() => void read.push(key)),
          store.get(key)
        )
    })
    expect(await fresh(watched)).toBe(0)
    const second = await succeed(watched, {}, LIMITS)
    expect(second).toMatchObject({ embedded: 0, reused: 10 })
    const inOrder = (skipped: typeof first.skipped) => [...skipped].sort((a, b) => (a.key < b.key ? -1 : 1))
    expect(inOrder(second.skipped)).toEqual(inOrder(first.skipped))
    expect(read.filter((key) => [TEXT, COPY].includes(key))).toEqual([])

    await fill(store, [[COPY, sound("dog_bark", 77)]])
    expect(await fresh(store)).toBe(1)
    const third = await succeed(store, {}, LIMITS)
    expect(third).toMatchObject({ recordings: 11, embedded: 1 })
    expect(await fresh(store)).toBe(0)
  }))

test("what another version of the decoder could not read is tried again", () =>
  inFolder(async (store) => {
    await fill(store, smallCorpus())
    await fill(store, [[TEXT, text]])
    await succeed(store)
    expect(await fresh(store)).toBe(0)
    const [part] = await Effect.runPromise(Stream.runCollect(store.list("embeddings/seen/")))
    const { bytes } = await Effect.runPromise(store.get(part!.key))
    const rows = (await parquetReadObjects({ file: bytes.slice().buffer })) as ReadonlyArray<Record<string, string>>
    const column = (name: string, type: "STRING" | "DOUBLE", data: Array<unknown>) => ({
      name,
      type,
      data,
      nullable: false
    })
    const older = new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          ...["key", "etag", "content_hash", "unusable"].map((name) =>
            column(
              name,
              "STRING",
              rows.map((row) => row[name])
            )
          ),
          column(
            "size",
            "DOUBLE",
            rows.map((row) => row.size)
          ),
          column(
            "decoder",
            "DOUBLE",
            rows.map(() => 0)
          )
        ]
      })
    )
    await Effect.runPromise(store.remove(part!.key))
    await fill(store, [[`embeddings/seen/${partName(older)}.parquet`, older]])
    expect(await fresh(store)).toBe(1)
  }))
