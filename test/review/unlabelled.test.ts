import { expect, test } from "bun:test"
import { Effect } from "effect"
import { rankUnlabelled } from "../../src/review/unlabelled.ts"

/** A vector between two directions: 0 is the first, 1 the second; `third` leads out of their plane. */
const vectorAt = (share: number, third = 0) => {
  const vector = new Float32Array(1024)
  vector[0] = Math.cos((share * Math.PI) / 2)
  vector[1] = Math.sin((share * Math.PI) / 2)
  vector[2] = third
  return vector
}
const labelled = [...Array(10).keys()].flatMap((at) => [
  { className: "dog", vector: vectorAt(at / 100) },
  { className: "gun", vector: vectorAt(1 - at / 100) }
])
const corpus = {
  width: 1024,
  recordings: labelled.map(({ className }, at) => ({
    key: `extracted_audio/${className}/${at}.wav`,
    className,
    group: String(at),
    contentHash: String(at),
    peak: 1
  })),
  vectors: Float32Array.from(labelled.flatMap(({ vector }) => [...vector]))
}
const rank = (shares: Readonly<Record<string, Float32Array>>) =>
  Effect.runPromise(
    rankUnlabelled(
      Object.entries(shares).map(([key, vector]) => ({ key, vector })),
      corpus
    )
  )

test("what neighbours disagree on, and what is like nothing before it, comes first", async () => {
  const found = await rank({
    sure: vectorAt(0.01),
    doubtful: vectorAt(0.5),
    "doubtful again": vectorAt(0.5001),
    strange: vectorAt(0.02, 3)
  })
  expect(
    found
      .map(({ key }) => key)
      .slice(0, 2)
      .sort()
  ).toEqual(["doubtful", "strange"])
  // The second one like it teaches little more.
  expect(
    found
      .map(({ key }) => key)
      .slice(2)
      .sort()
  ).toEqual(["doubtful again", "sure"])
  expect(found.find(({ key }) => key === "sure")).toMatchObject({ suggested: "dog", share: expect.closeTo(1, 3) })
  expect(found).toEqual(
    await rank({
      strange: vectorAt(0.02, 3),
      "doubtful again": vectorAt(0.5001),
      doubtful: vectorAt(0.5),
      sure: vectorAt(0.01)
    })
  )
})

test("a hundred are offered; silence, none at all, and one class are ranked, too", async () => {
  const many = Object.fromEntries([...Array(150).keys()].map((at) => [`${at}`, vectorAt(at / 150)]))
  expect(await rank(many)).toHaveLength(100)
  expect(await rank({ silent: new Float32Array(1024) })).toHaveLength(1)
  expect(await rank({})).toEqual([])
  const nobody = { width: 1024, recordings: [], vectors: new Float32Array() }
  expect(await Effect.runPromise(rankUnlabelled([{ key: "a", vector: vectorAt(0) }], nobody))).toEqual([])
})
