import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test"
import { stat } from "node:fs/promises"
import { join } from "node:path"
import { startS3Server } from "../../bench/s3/server.ts"
import { untrainedNetwork } from "../../src/embedder/yamnet/untrained.ts"
import { toTfjs } from "../support/modelFiles.ts"
import { folderOf, resultOf, runProgram } from "../support/program.ts"
import { smallCorpus } from "../support/runWorld.ts"

setDefaultTimeout(180_000)

let weights: Awaited<ReturnType<typeof folderOf>>
beforeAll(async () => {
  weights = await folderOf(Object.fromEntries(toTfjs(untrainedNetwork(), "")))
})
afterAll(() => weights[Symbol.asyncDispose]())

const environment = () => ({ YAMNET_MODEL: weights.root, MODEL_CACHE: join(weights.root, "cache") })
const init = (folder: string, args: ReadonlyArray<string>, more: Record<string, string> = {}) =>
  runProgram("init", args, { ...environment(), ...more }, folder)

/** What a program that is started in this folder finds set. */
const settingsIn = async (folder: string): Promise<Record<string, string>> => {
  const child = Bun.spawn(["bun", "-e", "console.log(JSON.stringify(process.env))"], {
    cwd: folder,
    env: { PATH: process.env.PATH },
    stdout: "pipe"
  })
  return JSON.parse(await new Response(child.stdout).text())
}

test("a folder's name is written once it is looked at, and commands started there find it", async () => {
  await using folder = await folderOf(
    Object.fromEntries([...smallCorpus()].map(([key, bytes]) => [`birds/${key}`, bytes]))
  )
  const { code, stdout, stderr } = await init(folder.root, ["--store", "birds"])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  expect(stdout).toContain("10 in 2 classes: dog_bark 5, gun_shot 5.")
  expect(stdout).toContain("sets STORE now")
  const file = join(folder.root, ".env")
  expect(await Bun.file(file).text()).toBe(`STORE=${folder.root}/birds\n`)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const found = await runProgram("retrain", ["--dry-run"], environment(), folder.root)
  expect(found.stdout).toContain(`Would embed 10 of 10 recordings in ${folder.root}/birds`)
})

test("a file that is there is left alone unless --overwrite says so, and then keeps its other lines", async () => {
  const before = "# mine\nexport STORE='elsewhere'\nPORT=9000\n"
  await using folder = await folderOf({
    ...Object.fromEntries(smallCorpus()),
    ".env": before
  })
  const refused = await init(folder.root, ["--store", "."])
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain(`${folder.root}/.env is there already: --overwrite changes the store in it`)
  expect(await Bun.file(join(folder.root, ".env")).text()).toBe(before)
  expect(await init(folder.root, ["--store", ".", "--overwrite"])).toMatchObject({ code: 0 })
  expect(await Bun.file(join(folder.root, ".env")).text()).toBe(`# mine\nPORT=9000\nSTORE=${folder.root}\n`)
})

test("a bucket of another server is written with its keys, whatever they hold; a wrong key writes nothing", async () => {
  using server = startS3Server({ refused: "intruder" })
  await using folder = await folderOf({})
  const secret = `a$HOME\\$PATH$b#c"d\\n\`e`
  const args = (key: string) => [
    "--store",
    "s3://recordings/2024",
    "--endpoint",
    server.endpoint,
    "--access-key-id",
    key
  ]
  const refused = await init(folder.root, args("intruder"), { AWS_SECRET_ACCESS_KEY: secret })
  expect(refused.code).toBe(1)
  expect(refused.stdout).toContain("check AWS_ACCESS_KEY_ID")
  expect(refused.stderr).toContain("Nothing is written: mend that first.")
  expect(await Bun.file(join(folder.root, ".env")).exists()).toBe(false)

  const written = await init(folder.root, [...args("test"), "--json"], { AWS_SECRET_ACCESS_KEY: secret })
  expect(resultOf(written)).toMatchObject({
    status: "written",
    settings: ["STORE", "AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
  })
  expect(written.stdout + written.stderr).not.toContain(secret)
  expect(await settingsIn(folder.root)).toMatchObject({
    STORE: "s3://recordings/2024",
    AWS_ENDPOINT_URL_S3: server.endpoint,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: secret
  })
})

test("an apostrophe and a dollar in a folder's name are read as they are, by Bun and by a shell", async () => {
  for (const name of ["o'brien", "a $HOME", "d'or $1", "a #b"]) {
    await using folder = await folderOf(
      Object.fromEntries([...smallCorpus()].map(([key, bytes]) => [`${name}/${key}`, bytes]))
    )
    const { code, stderr } = await init(folder.root, ["--store", name])
    expect({ code, stderr }).toMatchObject({ code: 0 })
    const store = join(folder.root, name)
    expect((await settingsIn(folder.root)).STORE).toBe(store)
    const shell = Bun.spawnSync(["sh", "-c", '. ./.env; printf %s "$STORE"'], { cwd: folder.root })
    expect(shell.stdout.toString()).toBe(store)
  }
  await using folder = await folderOf({ ...Object.fromEntries(smallCorpus()) })
  const refused = await init(folder.root, ["--store", `o'"brien`])
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("STORE may hold no line breaks") })
  expect(await Bun.file(join(folder.root, ".env")).exists()).toBe(false)
})

test("what cannot be asked, or is missing, is told in a sentence", async () => {
  await using folder = await folderOf({})
  const asked = await init(folder.root, [])
  expect(asked).toMatchObject({ code: 1, stderr: expect.stringContaining("There is no terminal to ask on") })
  const secretless = await init(folder.root, ["--store", "s3://x", "--access-key-id", "me"])
  expect(secretless.stderr).toContain("--access-key-id needs its secret in AWS_SECRET_ACCESS_KEY.")
  const nowhere = await init(folder.root, ["--store", "nowhere"])
  expect(nowhere.stdout).toContain(`There is no folder ${folder.root}/nowhere.`)
  expect(nowhere.code).toBe(1)
})

test("on a terminal it asks, and a word with Enter is an answer", async () => {
  await using folder = await folderOf(Object.fromEntries(smallCorpus()))
  let seen = ""
  const answered = new Set<string>()
  const answers: Readonly<Record<string, string>> = {
    "Where are the recordings?": "\r",
    "The folder that holds": "\r",
    "Write it all the same?": "n\r"
  }
  const child = Bun.spawn(["bun", join(import.meta.dir, "../../pipelines/init.ts")], {
    cwd: folder.root,
    env: { PATH: process.env.PATH, HOME: "/nonexistent", TERM: "xterm", ...environment() },
    terminal: {
      cols: 100,
      rows: 40,
      data: (terminal, bytes) => {
        seen += new TextDecoder().decode(bytes)
        for (const [question, answer] of Object.entries(answers)) {
          if (seen.includes(question) && !answered.has(question)) {
            answered.add(question)
            terminal.write(answer)
          }
        }
      }
    }
  })
  expect({ code: await child.exited, seen }).toMatchObject({ code: 0 })
  expect(await Bun.file(join(folder.root, ".env")).text()).toBe(`STORE=${folder.root}\n`)
})

test("a file that is a folder, or lies where nothing may be written, is told of in words", async () => {
  await using folder = await folderOf({ ...Object.fromEntries(smallCorpus()), ".env/a": "", plain: "" })
  const refused = await init(folder.root, ["--store", ".", "--overwrite"])
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain(`${folder.root}/.env cannot be read: it is a folder.`)
  const below = await init(folder.root, ["--store", ".", "--file", "plain/.env"])
  expect(below.code).toBe(1)
  expect(below.stderr).toContain(`${folder.root}/plain/.env cannot be written: a folder on the way to it is a file.`)
})
