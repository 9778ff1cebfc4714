import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { untrainedNetwork } from "../../src/embedder/yamnet/untrained.ts"
import { lookUntil } from "./lookUntil.ts"
import { toTfjs } from "./modelFiles.ts"
import { smallCorpus } from "./runWorld.ts"

const ROOT = resolve(import.meta.dir, "../..")

/** A service over HTTP, in a process of its own. */
export interface Service extends AsyncDisposable {
  readonly url: string
  readonly store: string
  /** The folder with its copy of the model. */
  readonly cache: string
  readonly pid: number
  /** What it has written to its log. */
  readonly log: () => string
  readonly get: (path: string, init?: RequestInit) => Promise<Response>
  readonly post: (path: string, body?: BodyInit, headers?: Record<string, string>) => Promise<Response>
}

const writeFiles = (folder: string, files: ReadonlyMap<string, Uint8Array>) =>
  Promise.all(
    [...files].map(async ([name, bytes]) => {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await Bun.write(join(folder, name), bytes)
    })
  )

export interface ServiceOptions {
  readonly environment?: Record<string, string>
  readonly bucket?: string
  /** A store in a folder that is there already. */
  readonly place?: string
  /** Whether it embeds recordings as they land, and trains by itself. */
  readonly watching?: boolean
}

/** Starts the service on a corpus of its own, with an untrained network as YAMNet, which needs no download. */
export const startService = async (options: ServiceOptions = {}): Promise<Service> => {
  const folder = await mkdtemp(join(tmpdir(), "ecosight-serve-"))
  const store = options.bucket ?? options.place ?? join(folder, "store")
  if (options.bucket === undefined && options.place === undefined) await writeFiles(store, smallCorpus())
  await writeFiles(join(folder, "yamnet"), toTfjs(untrainedNetwork(), ""))
  const watch = options.watching ? "--watch" : "--no-watch"
  const command = [globalThis.process.execPath, "pipelines/serve.ts", "--store", store, "--port", "0", watch]
  const process = Bun.spawn(command, {
    cwd: ROOT,
    env: {
      PATH: globalThis.process.env.PATH,
      HOME: globalThis.process.env.HOME,
      YAMNET_MODEL: join(folder, "yamnet"),
      MODEL_CACHE: join(folder, "cache"),
      ENGINE: "native",
      WORKERS: "2",
      PREDICTORS: "1",
      ...options.environment
    },
    stdio: ["ignore", "pipe", "pipe"]
  })
  let log = ""
  const told = () => log
  logs.add(told)
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder()
    for await (const chunk of stream) log += decoder.decode(chunk, { stream: true })
  }
  void collect(process.stdout)
  void collect(process.stderr)
  const url = await until(async () => {
    if (process.exitCode !== null) throw new Error(log)
    return /Serving .* at (http:\S+),/.exec(log)?.[1]
  })
  return {
    url,
    store,
    cache: join(folder, "cache"),
    pid: process.pid,
    log: told,
    get: (path, init) => fetch(url + path, init),
    post: (path, body, headers = {}) =>
      fetch(url + path, { method: "POST", ...(body === undefined ? {} : { body }), headers }),
    [Symbol.asyncDispose]: async () => {
      process.kill()
      await process.exited
      logs.delete(told)
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** Logs of the services that run: what they say tells why a wait was in vain. */
const logs = new Set<() => string>()

/** Milliseconds, less than tests have: a busy machine may take so long for what takes it seconds. */
const PATIENCE = 90_000

/** Asks again and again until there is an answer; fails, with what the services have logged, where none comes. */
export const until = <A>(ask: () => Promise<A | undefined>): Promise<A> =>
  lookUntil(
    ask,
    PATIENCE,
    () => `Waited in vain. The services have logged:\n${[...logs].map((log) => log()).join("\n")}`
  )

/** A multipart body. */
export const form = (bytes: Uint8Array, name: string, fields: Record<string, string> = {}): FormData => {
  const data = new FormData()
  data.append("file", new Blob([bytes as Uint8Array<ArrayBuffer>]), name)
  for (const [field, value] of Object.entries(fields)) data.append(field, value)
  return data
}

/** Waits until a service has said this in its log, which comes by a pipe of its own, after its answers or before. */
export const logged = ({ log }: Pick<Service, "log">, text: string) =>
  until(async () => log().includes(text) || undefined)

/** Trains until the end and returns the run as the service tells of it. */
export const train = async ({ post, get }: Service, reason: string) => {
  const answer = await post("/retrain", JSON.stringify({ trigger_reason: reason, min_new_samples: 0 }))
  const { run_id: id } = (await answer.json()) as { run_id: string }
  return until(async () => {
    const run = (await (await get(`/runs/${id}`)).json()) as {
      id: string
      status: string
      outcome: string
      summary: unknown
    }
    return run.status === "running" ? undefined : run
  })
}

/** The service's processes that run this program. */
export const processesOf = async ({ pid }: Service, program: string): Promise<Array<number>> => {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ")
  const commands = await Promise.all(
    children.map(async (pid) => [Number(pid), await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")] as const)
  )
  return commands.filter(([, command]) => command.includes(program)).map(([pid]) => pid)
}

/** Server-Sent Events, parsed, until the stream ends. */
export const readEvents = async (response: Response) =>
  (await response.text())
    .split("\n\n")
    .filter((block) => block.startsWith("id: "))
    .map((block) => {
      const [, id, event, data] = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/.exec(block)!
      return { id: Number(id), event, data: JSON.parse(data!) }
    })
