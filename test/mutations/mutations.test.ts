import { expect, test } from "bun:test"
import { Effect } from "effect"
import { decodeClip } from "../../src/sound/decode/decode.ts"
import { ownBases } from "./bases.ts"
import { FOREIGN, mutate, mutations } from "./mutate.ts"

const bases = ownBases().map(({ bytes }) => bytes)

test("damaged recordings of every format end in a clip of finite samples or in a reason of our own", async () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 300; seed++) {
    const { base, mutation, bytes } = mutate(seed, bases)
    seen.add(mutation)
    const fault = await Effect.runPromise(
      decodeClip(bytes, { maxSeconds: 2 }).pipe(
        Effect.match({
          onFailure: ({ reason }) => (/^The file .+\.$/s.test(reason) && !FOREIGN.test(reason) ? "" : reason),
          onSuccess: ({ samples }) => (samples.length > 0 && samples.every(Number.isFinite) ? "" : "not a clip")
        })
      )
    )
    expect({ seed, base, fault }).toEqual({ seed, base, fault: "" })
  }
  expect(seen).toEqual(new Set(Object.keys(mutations)))
})

test("a seed always makes the same file", () => {
  for (const seed of [1, 22, 333]) expect(mutate(seed, bases)).toEqual(mutate(seed, bases))
})
