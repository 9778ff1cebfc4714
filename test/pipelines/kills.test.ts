import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { join } from "node:path"
import { Effect } from "effect"
import { seededRandom } from "../../src/sound/random.ts"
import { folderStore } from "../../src/store/folder.ts"
import { LEASE_KEY } from "../../src/store/keys.ts"
import type { Store } from "../../src/store/store.ts"
import { corpusOf, storedVectors } from "../support/clusterWorld.ts"
import { resultOf } from "../support/program.ts"
import { fill, json, keysIn } from "../support/runWorld.ts"
import { serverWorld, startCommand } from "../support/serverWorld.ts"
import { otherServer } from "../support/stores.ts"

// TEST_KILLS=50 TEST_S3_ENDPOINT=... bun test test/pipelines/kills.test.ts

const KILLS = Number(process.env.TEST_KILLS ?? 0)
/** More than one part's worth. */
const RECORDINGS = 132

setDefaultTimeout(3_600_000)

interface Summary {
  readonly runId: string
  readonly embedded: number
  readonly holdout: { readonly macroF1: number }
}

/** How far a run came, by the last of these that the store has. */
const STAGES = [
  { name: "nothing written", leaves: "extracted_audio/" },
  { name: "begun", leaves: LEASE_KEY },
  { name: "some embedded", leaves: "embeddings/" },
  { name: "version being written", leaves: "models/versions/" },
  { name: "pointer moved", leaves: "models/current.json" },
  { name: "promoted", leaves: "models/model_metadata.json" }
] as const

const isThere = async (store: Store["Service"], { leaves }: (typeof STAGES)[number]) =>
  (await keysIn(store, leaves)).length > 0

const progressOf = async (store: Store["Service"]): Promise<string> => {
  for (const stage of STAGES.toReversed()) if (await isThere(store, stage)) return stage.name
  throw new Error("The store is empty.")
}

const isSkipped = KILLS === 0 || otherServer === undefined
const why = isSkipped ? " (skipped: set TEST_KILLS to how many, and TEST_S3_ENDPOINT to an S3 server)" : ""

describe.skipIf(isSkipped)(`a run on a bucket of another's server that is killed at any instant${why}`, () => {
  const corpus = corpusOf(RECORDINGS)
  let alone: Awaited<ReturnType<typeof serverWorld>>
  let expected: ReadonlyArray<string>
  let whole = 0

  const retrain = ({ environment, folder }: typeof alone, store: string) =>
    startCommand("retrain", ["--store", store, "--augmentations", "0", "--no-audit", "--json"], environment, folder)

  beforeAll(async () => {
    alone = await serverWorld(otherServer!)
    const folder = join(alone.folder, "alone")
    await fill(folderStore(folder), corpus)
    const began = performance.now()
    expect(await retrain(alone, folder).ended).toBe(0)
    whole = performance.now() - began
    expected = await storedVectors(folder)
    expect(expected).toHaveLength(RECORDINGS)
  })
  afterAll(() => alone[Symbol.asyncDispose]())

  test(`the next run is right, ${KILLS} times`, async () => {
    const random = seededRandom(Number(process.env.TEST_SEED ?? 1))
    const counts = new Map<string, number>()
    let embeddedAgain = 0
    for (let i = 0; i < KILLS; i++) {
      await using there = await serverWorld(otherServer!)
      const { store, location } = there
      await fill(store, corpus)
      const first = retrain(there, location)
      // In each stage as often, however short it is: mostly soon after it was reached, sometimes long after.
      const aim = STAGES[i % STAGES.length]!
      while (first.child.exitCode === null && !(await isThere(store, aim))) await Bun.sleep(5)
      await Bun.sleep(0.4 * whole * random() ** 4)
      first.child.kill("SIGKILL")
      await first.ended
      const came = await progressOf(store)
      counts.set(came, (counts.get(came) ?? 0) + 1)

      const next = retrain(there, location)
      const code = await next.ended
      expect({ came, code, said: next.said() }).toMatchObject({ code: 0 })
      const summary = resultOf({ stdout: next.said() }) as Summary
      embeddedAgain += summary.embedded
      expect(summary).toMatchObject({ recordings: RECORDINGS, variants: RECORDINGS, skipped: [] })
      expect(await storedVectors(store)).toEqual(expected)
      // The model in use is whole, and its copies are its own.
      const { runId } = (await json(store, "models/current.json")) as { runId: string }
      for (const name of ["yamnet_classifier.keras", "model_metadata.json"]) {
        const [copy, own] = await Promise.all(
          [`models/${name}`, `models/versions/${runId}/${name}`].map((key) => Effect.runPromise(store.get(key)))
        )
        expect(Buffer.from(copy!.bytes).equals(Buffer.from(own!.bytes))).toBe(true)
      }
      const stages = [...counts].map(([stage, times]) => `${stage} ${times}`).join(", ")
      const kept = (i + 1) * RECORDINGS - embeddedAgain
      console.log(`${i + 1} kills (${stages}): each next run right, ${kept} recordings not embedded again.`)
    }
  })
})
