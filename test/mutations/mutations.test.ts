import { expect, test } from "bun:test"
import { Effect } from "effect"
import { ownBases } from "./bases.ts"
import { judge } from "./judge.ts"
import { mutate, mutations } from "./mutate.ts"

const bases = ownBases().map(({ bytes }) => bytes)

test("damaged recordings of every format end in finite samples or in a reason of our own, as clips and as field recordings", async () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 300; seed++) {
    const { base, mutation, bytes } = mutate(seed, bases)
    seen.add(mutation)
    const { fault } = await Effect.runPromise(judge(bytes, 2))
    expect({ seed, base, fault }).toEqual({ seed, base, fault: "" })
  }
  expect(seen).toEqual(new Set(Object.keys(mutations)))
})

test("a seed always makes the same file", () => {
  for (const seed of [1, 22, 333]) expect(mutate(seed, bases)).toEqual(mutate(seed, bases))
})
