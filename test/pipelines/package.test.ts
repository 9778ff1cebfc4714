import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test"
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import packageJson from "../../package.json"
import { untrainedNetwork } from "../../src/embedder/yamnet/untrained.ts"
import { sha256 } from "../../src/store/sha256.ts"
import { toTfjs } from "../support/modelFiles.ts"
import { folderOf, resultOf, runProgram } from "../support/program.ts"
import { smallCorpus } from "../support/runWorld.ts"
import { standInScores } from "../support/trainingRuns.ts"

setDefaultTimeout(180_000)

// The one file is for Linux, and made for another processor with a Bun that would have to be downloaded.
const packs = test.skipIf(process.platform !== "linux")

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ecosight-packed-"))
  if (process.platform !== "linux") return console.log("Skipped: the one file is packed on Linux.")
  const { code, stderr } = await runProgram("package", ["--arch", process.arch, "--output", folder])
  expect({ code, stderr }).toMatchObject({ code: 0 })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs the one file with nothing in its environment, in a folder that it may not write. */
const ecosight = async (args: ReadonlyArray<string>, environment: Record<string, string> = {}) => {
  const child = Bun.spawn([join(folder, `ecosight-linux-${process.arch}`), ...args], {
    cwd: "/proc",
    env: environment,
    stdout: "pipe",
    stderr: "pipe"
  })
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return { stdout, stderr, code: await child.exited }
}

/** A small corpus, and a whole YAMNet that has learnt nothing. */
const worldOf = () => {
  const yamnet = toTfjs({ ...untrainedNetwork(), scores: standInScores() }, "")
  return folderOf({
    ...Object.fromEntries([...smallCorpus()].map(([key, bytes]) => [`store/${key}`, bytes])),
    ...Object.fromEntries([...yamnet].map(([name, bytes]) => [`yamnet/${name}`, bytes]))
  })
}

packs("its help names every command; one that is not there is told", async () => {
  const { stdout, code } = await ecosight([])
  expect(code).toBe(0)
  const commands = (await readdir(join(import.meta.dir, "../../pipelines")))
    .filter((name) => name.endsWith(".ts") && name !== "package.ts")
    .map((name) => name.replace(".ts", ""))
  for (const name of commands) expect(stdout).toContain(`\n  ${name} `)
  expect((await ecosight(["--version"])).stdout.trim()).toBe(packageJson.version)
  expect(await ecosight(["retrian"])).toMatchObject({
    code: 1,
    stderr: 'There is no command "retrian". "ecosight --help" tells those that there are.\n'
  })
  const review = await ecosight(["review", "--help"])
  expect(review.stdout).toContain("ecosight review relabel")
  expect(review.stdout).not.toContain("bun run")
})

packs(
  "it trains, in a process of its own too, from every kind of recording; a checkout goes on from what it embedded",
  async () => {
    const recordings = join(import.meta.dir, "../golden/recordings")
    const names = (await readdir(recordings)).filter((name) => !name.endsWith(".f32"))
    await using world = await worldOf()
    const store = join(world.root, "store")
    await mkdir(join(store, "extracted_audio/other"))
    for (const name of names) await copyFile(join(recordings, name), join(store, "extracted_audio/other", name))
    const environment = {
      MODEL_CACHE: join(world.root, "cache"),
      YAMNET_MODEL: join(world.root, "yamnet"),
      FIELD_MINUTES: "0"
    }
    const args = ["--store", store, "--augmentations", "0", "--epochs", "2", "--json"]
    const trained = await ecosight(["retrain", ...args], environment)
    expect({ code: trained.code, stderr: trained.stderr }).toMatchObject({ code: 0 })
    expect(resultOf(trained)).toMatchObject({
      promoted: true,
      recordings: smallCorpus().size + names.length,
      skipped: []
    })

    const here = await runProgram("retrain", [...args, "--dry-run"], environment)
    expect(resultOf(here)).toMatchObject({ toEmbed: 0 })

    const served = Bun.spawn(
      [join(folder, `ecosight-linux-${process.arch}`), "serve", "--store", store, "--port", "0"],
      {
        env: environment,
        stdout: "pipe"
      }
    )
    let said = ""
    for await (const piece of served.stdout) {
      said += new TextDecoder().decode(piece)
      if (said.includes("\n")) break
    }
    const origin = /at (http:\S+?),/.exec(said)![1]!
    const page = await (await fetch(`${origin}/dashboard`)).text()
    for (const [path] of page.matchAll(/\/dashboard\/[^"]+/g)) expect((await fetch(origin + path)).status).toBe(200)
    expect((await fetch(`${origin}/docs/swagger-ui.css`)).status).toBe(200)
    const form = new FormData()
    form.append("file", Bun.file(join(recordings, "flac_24.flac")))
    const answer = await fetch(`${origin}/predict`, { method: "POST", body: form })
    expect(await answer.json()).toMatchObject({ success: true })
    served.kill("SIGTERM")
    expect(await served.exited).toBe(143)
  }
)

packs.each([
  ["where it may not be written", "/proc", "The native parts cannot be unpacked into /proc (it"],
  ["which is no folder", "/etc/hostname", "The native parts cannot be unpacked into /etc/hostname (it is not a folder)"]
])("a MODEL_CACHE %s is told in a sentence", async (_, cache, sentence) => {
  const { code, stderr } = await ecosight(["models", "list", "--store", folder], { MODEL_CACHE: cache })
  expect(code).toBe(1)
  expect(stderr).toContain(`ERROR\n  ${sentence}`)
  expect(stderr.trim().split("\n")).toHaveLength(2)
})

packs("native parts that may not be run, are damaged or were cut short are told or replaced", async () => {
  const cache = await mkdtemp(join(tmpdir(), "ecosight-cache-"))
  const list = () => ecosight(["models", "list", "--store", folder], { MODEL_CACHE: cache })
  expect(await list()).toMatchObject({ code: 0 })
  const [parts] = await readdir(cache)
  expect(parts).toMatch(/^native-/)
  const library = join(cache, parts!, "libonnxruntime.so.1")
  const { size } = Bun.file(library)
  await Bun.write(library, "cut short")
  expect(await list()).toMatchObject({ code: 0 })
  expect(Bun.file(library).size).toBe(size)
  await rm(library)
  await mkdir(library)
  expect(await list()).toMatchObject({ code: 0 })
  await chmod(library, 0o644)
  expect(await list()).toMatchObject({ code: 1, stderr: expect.stringContaining("may not be run") })
  await chmod(library, 0o755)
  // As long as it was, as a disk that fails leaves it: loading it would end the process without a word.
  const whole = sha256(await Bun.file(library).bytes())
  await Bun.write(library, new Uint8Array(size))
  await chmod(library, 0o755)
  expect(await list()).toMatchObject({ code: 0 })
  expect(sha256(await Bun.file(library).bytes())).toBe(whole)
  await rm(cache, { recursive: true })
})
