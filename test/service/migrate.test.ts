import { expect, setDefaultTimeout, test } from "bun:test"
import { readdir, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { dogBark } from "../../src/runs/demo/sounds.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { encodeWav } from "../../src/sound/wav.ts"
import { recordingKey } from "../../src/store/keys.ts"
import { writeOnnxEmbedder } from "../support/onnxEmbedder.ts"
import { folderOf, resultOf, runProgram } from "../support/program.ts"
import { sound } from "../support/runWorld.ts"
import { form, startService } from "../support/serviceWorld.ts"

// A migration and its rollback while clients go on asking.

setDefaultTimeout(240_000)

const CLASSES = ["dog_bark", "gun_shot"] as const
const corpus = Object.fromEntries(
  CLASSES.flatMap((className, label) =>
    Array.from({ length: 8 }, (_, i) => {
      const source = 100 * label + i
      return [`store/${recordingKey(className, `${source}-${label}-0-0.wav`)}`, sound(className, source)] as const
    })
  )
)

const bark = dogBark(seededRandom(9000), 48_000)
const long = encodeWav({ samples: bark.map((sample) => sample / 2), sampleRate: 16_000 }).bytes

/** The promoted files by name, but for the pointer, which tells when it was moved. */
const publishedIn = async (store: string) => {
  const names = (await readdir(join(store, "models"), { withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name !== "current.json")
    .map(({ name }) => name)
  return Object.fromEntries(
    await Promise.all(
      names.sort().map(async (name) => [name, (await readFile(join(store, "models", name))).toString("hex")])
    )
  )
}

test("every answer is wholly of one version, before, while and after the embedder changes, and a rollback gives back all of it", async () => {
  await using folder = await folderOf(corpus)
  const store = join(folder.root, "store")
  const from = await writeOnnxEmbedder(folder.root, { id: "coarse", bands: 4, spacing: 3 })
  const to = await writeOnnxEmbedder(folder.root, { id: "fine", bands: 16, rate: 16_000, window: 8000 })
  const environment = { ENGINE: "native", WORKERS: "1", CLIP_MAX_SECONDS: "1", EMBEDDER: from }
  const trained = await runProgram("retrain", ["--store", store, "--epochs", "20", "--no-audit", "--json"], environment)
  expect(resultOf(trained)).toMatchObject({ promoted: true })
  await using service = await startService({ place: store, environment: { ...environment, PREDICTORS: "2" } })

  const clip = sound("dog_bark", 7000)
  const ask = async () => {
    const response = await service.post("/predict?unknown=true", form(clip, "clip.wav"))
    const body = (await response.json()) as { all_probabilities: unknown; threshold: unknown }
    return response.status === 200 ? JSON.stringify([body.all_probabilities, body.threshold]) : `${response.status}`
  }
  /** What it hears in a recording that is longer than clips are: events, by an engine of its own. */
  const hear = async () => {
    const response = await service.post("/predict", form(long, "long.wav"))
    const { seconds_heard, all_probabilities } = (await response.json()) as Record<string, unknown>
    expect({ status: response.status, seconds_heard }).toEqual({ status: 200, seconds_heard: 3 })
    return JSON.stringify(all_probabilities)
  }
  /** Asks without pause, two at a time, until `work` is done and some more, and returns all answers in their order. */
  const whileAsked = async (work: () => Promise<unknown>) => {
    const answers: Array<string> = []
    let going = true
    const client = async () => {
      while (going) answers.push(await ask())
    }
    const clients = [client(), client()]
    // The pointer is looked at again after two seconds.
    await work()
      .then(() => Bun.sleep(2500))
      .finally(() => {
        going = false
        return Promise.all(clients)
      })
    return answers
  }

  const before = await ask()
  const heardBefore = await hear()
  const published = await publishedIn(store)
  let moved: unknown
  const answers = await whileAsked(async () => {
    const migrated = await runProgram(
      "migrate",
      ["--store", store, "--to", to, "--epochs", "20", "--json"],
      environment
    )
    expect(migrated.stderr).toContain("until the end, what is promoted serves.")
    expect(migrated.stdout).toContain(`Set EMBEDDER=${to} wherever`)
    moved = resultOf(migrated)
  })
  expect(moved).toMatchObject({ promoted: true, from: expect.stringMatching(/^coarse@/), embedded: 0, reused: 16 })
  const after = await ask()
  expect(after).not.toBe(before)
  expect(new Set(answers)).toEqual(new Set([before, after]))
  expect(answers.lastIndexOf(before) - answers.indexOf(after)).toBeLessThanOrEqual(2)
  expect(await publishedIn(store)).not.toEqual(published)

  // Neither file is needed any more: what a version hears by is in the store.
  await rm(from)
  await rm(to)
  expect(await hear()).not.toBe(heardBefore)
  const back = await whileAsked(() => runProgram("models", ["rollback", "--store", store], environment))
  expect(await ask()).toBe(before)
  expect(await hear()).toBe(heardBefore)
  expect(new Set(back)).toEqual(new Set([after, before]))
  expect(await publishedIn(store)).toEqual(published)

  const shown = await runProgram("models", ["show", "--store", store, (moved as { runId: string }).runId], environment)
  expect(shown.stdout).toMatch(/fine@\w{8} is not part of this project. Its licence: CC0-1.0, made by a test./)
})
