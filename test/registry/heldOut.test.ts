import { expect, setDefaultTimeout, test } from "bun:test"
import { fairRows } from "../../src/registry/heldOut.ts"
import { modelKey, recordingKey, versionKey } from "../../src/store/keys.ts"
import { memoryStore } from "../support/memoryStore.ts"
import { json, sound, succeed } from "../support/runWorld.ts"

setDefaultTimeout(120_000)

test("two models are compared on what neither was trained on, but for a class of which nothing else is left", () => {
  const samples = ["a1", "a2", "a3", "b1", "b2"].map((key) => ({
    ...{ key, className: key[0]!, group: key, variant: "original" },
    vector: Float32Array.of(1)
  }))
  const dataset = { samples, labels: Int32Array.of(0, 0, 0, 1, 1) }
  const live = new Map(samples.map(({ key }) => [key, `content of ${key}`]))
  const rowsWithout = (...keys: ReadonlyArray<string>) =>
    fairRows(dataset, [0, 1, 2, 3, 4], new Set(keys.map((key) => live.get(key)!)), live)
  expect(rowsWithout()).toEqual([0, 1, 2, 3, 4])
  expect(rowsWithout("a2", "b1")).toEqual([0, 2, 4])
  expect(rowsWithout("a2", "b1", "b2")).toEqual([0, 2, 3, 4])
})

test("what trained the promoted model is held out later, and does not count for it", async () => {
  const objects = new Map(
    (["dog_bark", "gun_shot"] as const).flatMap((className, label) =>
      Array.from({ length: 16 }, (_, i) => {
        const source = 100 * label + i
        return [recordingKey(className, `${source}-${label}-0-0.wav`), sound(className, source)] as const
      })
    )
  )
  const store = memoryStore(objects)
  const options = { audit: false, augmentations: 0 }
  const heldOutBy = async (runId: string) => (await json(store, versionKey(runId, "held_out.json"))) as Array<string>
  const first = await succeed(store, options)
  const before = await heldOutBy(first.runId)
  expect(before).toHaveLength(first.holdout.recordings)
  const same = await succeed(store, options)
  expect(same.comparison!.recordings).toBe(same.holdout.recordings)
  expect(await heldOutBy(same.runId)).toEqual(before)

  // Sources by other names are held out by other draws.
  const other = await succeed(store, { ...options, promotion: "never" }, { GROUP_PATTERN: "^\\d+-\\d" })
  const after = await heldOutBy(other.runId)
  const neither = after.filter((content) => before.includes(content)).length
  expect(neither).toBeLessThan(after.length)
  expect(other.comparison!.recordings).toBe(neither)
  const trained = after.length - neither
  expect(other.notes).toContain(
    `The promoted model was trained on ${trained} of the ${after.length} recordings that are held out now: the two are ` +
      "compared on the others."
  )

  // A version that does not tell is compared on all, as before.
  for (const key of [versionKey(same.runId, "held_out.json"), modelKey("held_out.json")]) objects.delete(key)
  const unknown = await succeed(store, { ...options, promotion: "never" }, { GROUP_PATTERN: "^\\d+-\\d" })
  expect(unknown.comparison!.recordings).toBe(unknown.holdout.recordings)
})
