import { expect, test } from "bun:test"
import { Effect } from "effect"
import fc from "fast-check"
import { nearestNeighbours } from "../../../src/classifier/neighbours/nearest.ts"
import { voteOfNeighbours } from "../../../src/classifier/neighbours/vote.ts"
import golden from "../../golden/review/review.json"

const nearest = (...input: Parameters<typeof nearestNeighbours>) => Effect.runPromise(nearestNeighbours(...input))

test("neighbours and similarities are scikit-learn's", async () => {
  const found = await nearest(Float32Array.from(golden.vectors.flat()), 6, 5)
  expect([...found.indices]).toEqual(golden.indices.flat())
  for (const [at, similarity] of golden.similarities.flat().entries()) {
    expect(found.similarities[at]).toBeCloseTo(similarity, 5)
  }
})

test("only those that are accepted are found, each row's own among the blocks of all", async () => {
  const count = 5000
  const vectors = Float32Array.from({ length: count * 3 }, (_, i) => Math.sin(i * i))
  // The last is the first once more, one block of vectors further on.
  vectors.set(vectors.subarray(0, 3), (count - 1) * 3)
  const found = await nearest(vectors, 3, 2, { rows: [0, count - 1], accepts: (row, other) => (row + other) % 2 === 1 })
  expect(found.indices[0]).toBe(count - 1)
  expect(found.indices[2]).toBe(0)
  expect(found.similarities[0]).toBeCloseTo(1, 6)
  expect([...found.indices].every((index, at) => (index + (at < 2 ? 0 : count - 1)) % 2 === 1)).toBe(true)
})

test("where there are too few others the rest is empty, and zeros are like nothing", async () => {
  const found = await nearest(Float32Array.of(1, 0, 2, 0, 0, 0), 2, 3)
  expect([...found.indices]).toEqual([1, 2, -1, 0, 2, -1, 0, 1, -1])
  expect([...found.similarities]).toEqual([1, 0, 0, 1, 0, 0, 0, 0, 0])
  expect((await nearest(new Float32Array(), 2, 3)).indices.length).toBe(0)
})

test("votes are shares, the nearer weighs more, and a row's own label has no say", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(3), fc.integer({ min: -100, max: 100 })), { minLength: 1, maxLength: 10 }),
      (voters) => {
        const k = voters.length
        const neighbours = {
          rows: [0],
          k,
          indices: Int32Array.from(voters, (_, at) => at + 1),
          similarities: Float32Array.from(voters, ([, percent]) => percent / 100).sort((a, b) => b - a)
        }
        const labels = [3, ...voters.map(([label]) => label)]
        const shares = voteOfNeighbours(neighbours, labels, 4)
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5)
        expect(voteOfNeighbours(neighbours, [0, ...labels.slice(1)], 4)).toEqual(shares)
        expect(shares[voters[0]![0]]!).toBeGreaterThanOrEqual(1 / k - 1e-6)
      }
    )
  )
  const alone = { rows: [0], k: 1, indices: Int32Array.of(-1), similarities: Float32Array.of(0) }
  expect([...voteOfNeighbours(alone, [0], 2)]).toEqual([0.5, 0.5])
})
