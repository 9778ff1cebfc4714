import { afterEach, expect, test } from "bun:test"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { ConfigProvider, Effect, Layer, Option } from "effect"
import { startS3Server } from "../../bench/s3/server.ts"
import { Settings } from "../../src/config/settings.ts"
import { openStore } from "../../src/store/openStore.ts"
import { temporaryFolder } from "../support/stores.ts"

const home = process.cwd()
afterEach(() => process.chdir(home))

const open = (location: string | undefined, environment: Record<string, string> = {}, create = false) =>
  openStore(Option.fromUndefinedOr(location), { create }).pipe(
    Effect.map(Option.map(({ location }) => location)),
    Effect.provide(
      Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: environment }))))
    )
  )

const failureOf = <E>(effect: Effect.Effect<unknown, E>) => Effect.orDie(Effect.flip(effect))

const inFolder = (body: (folder: string) => Effect.Effect<unknown, unknown>) =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(temporaryFolder, body)))

const environmentFor = (endpoint: string) => ({
  AWS_ENDPOINT_URL_S3: endpoint,
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test-secret"
})

test("a folder of recordings is opened by the folder around it", () =>
  inFolder((folder) =>
    Effect.gen(function* () {
      const recordings = join(folder, "extracted_audio")
      expect(yield* failureOf(open(folder))).toMatchObject({
        reason: "missing",
        message: `${folder} holds no folder "extracted_audio": it should hold a folder for each class.`
      })
      expect(yield* open(folder, {}, true)).toEqual(Option.some(folder))
      yield* Effect.promise(() => mkdir(recordings))
      expect(yield* open(folder)).toEqual(Option.some(folder))
      expect(yield* failureOf(open(recordings))).toMatchObject({
        message: `${recordings} holds the recordings themselves: name the folder around it, ${folder}.`
      })
      const file = join(folder, "file")
      yield* Effect.promise(() => Bun.write(file, ""))
      for (const create of [false, true]) {
        expect(yield* failureOf(open(file, {}, create))).toMatchObject({
          message: `${file} is a file: name a folder.`
        })
      }
      expect(yield* failureOf(open(join(folder, "nowhere")))).toMatchObject({
        message: `There is no folder ${folder}/nowhere.`
      })
    })
  ))

test("without a name: what STORE names, the bucket that is set, else the recordings here, else none", () =>
  inFolder((folder) =>
    Effect.gen(function* () {
      using server = startS3Server()
      process.chdir(folder)
      expect(yield* open(undefined)).toEqual(Option.none())
      yield* Effect.promise(() => mkdir(join(folder, "extracted_audio")))
      expect(yield* open(undefined)).toEqual(Option.some(process.cwd()))
      const environment = { S3_BUCKET: "recordings", ...environmentFor(server.endpoint) }
      expect(yield* open(undefined, environment)).toEqual(Option.some("s3://recordings"))
      expect(yield* open(".", environment)).toEqual(Option.some(process.cwd()))
      expect(yield* open(undefined, { ...environment, STORE: "s3://recordings/2024" })).toEqual(
        Option.some("s3://recordings/2024")
      )
      expect(yield* open(undefined, { ...environment, STORE: "." })).toEqual(Option.some(process.cwd()))
    })
  ))

test("a bucket is opened with or without a prefix, and asked whether it answers", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      using server = startS3Server()
      const environment = environmentFor(server.endpoint)
      expect(yield* open("s3://recordings", environment)).toEqual(Option.some("s3://recordings"))
      expect(yield* open("s3://recordings/", environment)).toEqual(Option.some("s3://recordings"))
      expect(yield* open("s3://recordings/a/b/", environment)).toEqual(Option.some("s3://recordings/a/b"))
      expect(server.requests.at(-1)?.query.get("prefix")).toBe("a/b/")
      expect(yield* failureOf(open("s3://nowhere", environment))).toMatchObject({ reason: "missing" })
      expect(yield* failureOf(open("s3://", environment))).toMatchObject({ reason: "invalid" })
    })
  ))

test("an address of a kind that there is not is refused by name", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      for (const scheme of ["gs", "constructor"]) {
        const error = yield* failureOf(open(`${scheme}://recordings`))
        expect(error).toMatchObject({ reason: "invalid" })
        expect(error.message).toStartWith(`There is no kind of store "${scheme}://": name a folder, or one of `)
        expect(error.message).toContain("s3://")
      }
    })
  ))
