import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SQL } from "bun"
import { ConfigProvider, Effect, Layer, Logger, Redacted, Stream } from "effect"
import { Settings } from "../../src/config/settings.ts"
import type { FrontEnd } from "../../src/embedder/frontEnd.ts"
import { Embeddings } from "../../src/embeddings/embeddings.ts"
import { newRunId } from "../../src/registry/runRecord.ts"
import { clientLayer } from "../../src/runs/cluster/connections.ts"
import { type Member, Roster } from "../../src/runs/cluster/roster.ts"
import { retrainOnCluster } from "../../src/runs/cluster/submit.ts"
import type { RetrainOptions } from "../../src/runs/planRun.ts"
import { folderStore } from "../../src/store/folder.ts"
import { recordingKey } from "../../src/store/keys.ts"
import { Store } from "../../src/store/store.ts"
import { type RunEvent, RunEvents } from "../../src/stream/events.ts"
import { lookUntil } from "./lookUntil.ts"
import { fill, keysIn, OPTIONS, sound } from "./runWorld.ts"
import { storeAt } from "./stores.ts"

const server = process.env.TEST_DATABASE_URL
export const withoutDatabase = server === undefined
/** For the names of tests that need one. */
export const needsDatabase = withoutDatabase ? " (skipped: set TEST_DATABASE_URL to a PostgreSQL server)" : ""

/** A database of its own on the server, for one test file. */
export const createDatabase = async () => {
  const name = `ecosight_${crypto.randomUUID().replaceAll("-", "")}`
  const admin = new SQL(server!)
  await admin.unsafe(`CREATE DATABASE ${name}`)
  const url = new URL(server!)
  url.pathname = `/${name}`
  return {
    url: url.href,
    sql: new SQL(url.href),
    [Symbol.asyncDispose]: async () => {
      await admin.unsafe(`DROP DATABASE ${name} WITH (FORCE)`)
      await admin.end()
    }
  }
}

/** So many recordings of two classes, by key. */
export const corpusOf = (recordings: number) =>
  Array.from({ length: recordings }, (_, i) => {
    const className = i % 2 === 0 ? "dog_bark" : "gun_shot"
    return [recordingKey(className, `${String(i).padStart(3, "0")}-0-0-0.wav`), sound(className, i)] as const
  })

/** A folder with such a corpus. */
export const createCorpus = async (recordings: number) => {
  const folder = await mkdtemp(join(tmpdir(), "cluster-"))
  await fill(folderStore(folder), corpusOf(recordings))
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}

/** Waits until something is so, however long a busy machine takes; what it came to. */
export const until = <A>(what: string, look: () => Promise<A | undefined> | A | undefined): Promise<A> =>
  lookUntil(look, 200_000, () => `Waited in vain for ${what}.`)

export interface TestWorker {
  readonly process: Bun.Subprocess<"ignore", "pipe", "pipe">
  readonly address: string
  readonly health: string
  /** What it said on standard error until now. */
  readonly errors: () => string
  /** And on standard output, where it logs. */
  readonly said: () => string
}

/** Starts a worker, and waits until it has joined or given up. */
export const startWorker = async (
  url: string,
  location: string,
  options: { readonly engine?: string; readonly capacity?: number; readonly clockSkew?: number } = {}
): Promise<TestWorker> => {
  const { engine = "native", capacity = 1, clockSkew = 0 } = options
  const [misfortune, program] = ["misfortune.ts", "workerProgram.ts"].map((file) =>
    join(import.meta.dir, "../runs/cluster", file)
  )
  const command = ["bun", "--preload", misfortune!, program!, url, location, engine, String(capacity)]
  const process = Bun.spawn(command, {
    env: { ...globalThis.process.env, CLOCK_SKEW: String(clockSkew) },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe"
  })
  let output = ""
  let errors = ""
  const read = async (stream: ReadableStream<Uint8Array>, take: (text: string) => void) => {
    for await (const chunk of stream) take(new TextDecoder().decode(chunk))
  }
  void read(process.stdout, (text) => {
    output += text
  })
  void read(process.stderr, (text) => {
    errors += text
  })
  const [, address, health] = await until("a worker to join", async () => {
    const joined = /^joined (\S+) (\S+)$/m.exec(output)
    if (joined !== null) return joined
    if (process.exitCode !== null || process.signalCode !== null) {
      await Bun.sleep(100)
      throw new Error(`The worker ended: ${errors}${output}`)
    }
    return undefined
  })
  return { process, address: address!, health: health!, errors: () => errors, said: () => output }
}

export const stopWorkers = (workers: Iterable<TestWorker>) =>
  Promise.all(
    [...workers].map(({ process }) => {
      process.kill("SIGCONT")
      process.kill("SIGKILL")
      return process.exited
    })
  )

/** Submits a run and follows it, as `bun run retrain --cluster` does. */
export const runOnCluster = (
  url: string,
  location: string,
  options: Partial<RetrainOptions> = {},
  environment: Record<string, string> = {}
) => {
  const events: Array<RunEvent> = []
  const log: Array<string> = []
  const controller = new AbortController()
  const result = Effect.runPromise(
    Effect.gen(function* () {
      const id = yield* newRunId
      return yield* retrainOnCluster(id, location, { ...OPTIONS, augmentations: 0, audit: false, ...options })
    }).pipe(
      Effect.provide(Layer.merge(clientLayer(Redacted.make(url)), Settings.layer)),
      Effect.provide(Logger.layer([Logger.make(({ message }) => void log.push([message].flat().join(" ")))])),
      Effect.provideService(RunEvents, (event) => Effect.sync(() => void events.push(event))),
      Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: environment }))),
      Effect.result
    ),
    { signal: controller.signal }
  )
  return { result, events, log, cancel: () => controller.abort() }
}

/** The workers that are there, as the database has them. */
export const membersOf = (url: string): Promise<ReadonlyArray<Member>> =>
  Effect.runPromise(
    Effect.flatMap(Roster, ({ members }) => members).pipe(Effect.provide(clientLayer(Redacted.make(url))))
  )

/** Every recording whose vectors (of YAMNet, unless another's are named) are stored, as text that differs where a bit does; sorted. */
export const storedVectors = async (
  at: string | Store["Service"],
  embedder?: FrontEnd
): Promise<ReadonlyArray<string>> => {
  const store = typeof at === "string" ? storeAt(at) : at
  const [part] = await keysIn(store, "embeddings/")
  const recipe = { id: part!.split("/")[1]!, parts: { embedder } }
  const loaded = await Effect.runPromise(
    Effect.gen(function* () {
      const { index, load } = yield* Embeddings
      return yield* Stream.runCollect(load(recipe, new Set((yield* index(recipe)).contents())))
    }).pipe(Effect.provide(Embeddings.layer.pipe(Layer.provide(Layer.succeed(Store, store)))))
  )
  return loaded
    .flatMap(({ key, variants }) =>
      variants.map(({ draw, vector }) => `${key} ${draw.variant} ${Buffer.from(vector.buffer).toString("base64")}`)
    )
    .sort()
}
