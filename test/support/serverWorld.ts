import { join } from "node:path"
import { Effect } from "effect"
import { untrainedNetwork } from "../../src/embedder/yamnet/untrained.ts"
import { toTfjs } from "./modelFiles.ts"
import { folderOf } from "./program.ts"
import { clientOf, otherS3Store } from "./stores.ts"
import { standInScores } from "./trainingRuns.ts"

const ROOT = join(import.meta.dir, "../..")

/** A bucket on an S3 server, and the environment in which commands reach it, with a whole YAMNet that has learnt nothing. */
export const serverWorld = async (endpoint: string) => {
  const { bucket, store } = await Effect.runPromise(otherS3Store(endpoint))
  const yamnet = toTfjs({ ...untrainedNetwork(), scores: standInScores() }, "")
  const folder = await folderOf(Object.fromEntries([...yamnet].map(([name, bytes]) => [`yamnet/${name}`, bytes])))
  const { credentials } = clientOf(endpoint)
  const environment = {
    PATH: process.env.PATH ?? "",
    HOME: folder.root,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: "us-east-1",
    ALLOW_UNCONDITIONAL_WRITES: process.env.ALLOW_UNCONDITIONAL_WRITES ?? "0",
    YAMNET_MODEL: join(folder.root, "yamnet"),
    ENGINE: "native",
    WATCH_INTERVAL: "1"
  }
  return {
    location: `s3://${bucket}`,
    store,
    folder: folder.root,
    environment,
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose]
  }
}

/** Starts a command of the project, whose whole output can be read as it comes. */
export const startCommand = (
  command: string,
  args: ReadonlyArray<string>,
  environment: Record<string, string>,
  folder: string
) => {
  const child = Bun.spawn(["bun", join(ROOT, `pipelines/${command}.ts`), ...args], {
    env: environment,
    cwd: folder,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe"
  })
  let said = ""
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream) said += new TextDecoder().decode(chunk)
  }
  const reading = Promise.all([read(child.stdout), read(child.stderr)])
  return {
    child,
    said: () => said,
    /** Its exit status, once it has ended and all that it said is read. */
    ended: Promise.all([child.exited, reading]).then(([code]) => code)
  }
}
