import { expect, test } from "bun:test"
import { Effect, Stream } from "effect"
import fc from "fast-check"
import { addDuplicates, mergeGroups, readDuplicates } from "../../src/registry/knownDuplicates.ts"
import { folderStore } from "../../src/store/folder.ts"
import { DUPLICATES_KEY } from "../../src/store/keys.ts"
import { Store } from "../../src/store/store.ts"
import { folderOf } from "../support/program.ts"

const pairOf = (a: string, b: string) => ({
  hashes: [a, b] as const,
  keys: [`extracted_audio/x/${a}.wav`, `extracted_audio/x/${b}.wav`] as const,
  correlation: 1
})

test("recordings that share a sound end in one group, and nobody else moves", () => {
  const letters = fc.constantFrom(..."abcdefghij")
  fc.assert(
    fc.property(
      fc.array(fc.tuple(letters, letters), { maxLength: 8 }),
      fc.array(letters, { minLength: 10, maxLength: 10 }),
      (links, sources) => {
        const recordings = [..."abcdefghij"].map((contentHash, at) => ({
          contentHash,
          group: `g${sources[at]}`,
          silent: false
        }))
        const merged = mergeGroups(
          recordings,
          links.map(([a, b]) => pairOf(a, b))
        )
        const of = (hash: string) => merged.get(recordings.find(({ contentHash }) => contentHash === hash)!.group)!
        for (const [a, b] of links) expect(of(a)).toBe(of(b))
        const linked = new Set(links.flat().map((hash) => recordings.find((r) => r.contentHash === hash)!.group))
        for (const { group } of recordings) if (!linked.has(group)) expect(merged.get(group)).toBe(group)
        for (const [group, name] of merged) expect(name <= group).toBe(true)
        // The same whatever the order.
        expect(mergeGroups(recordings.toReversed(), links.map(([a, b]) => pairOf(b, a)).toReversed())).toEqual(
          new Map([...merged].reverse())
        )
      }
    )
  )
})

test("the same bytes are one group without a pair, unless silent, and pairs of recordings that are gone do nothing", () => {
  const merged = mergeGroups(
    [
      { group: "b", contentHash: "1", silent: false },
      { group: "a", contentHash: "1", silent: false },
      { group: "c", contentHash: "2", silent: false },
      { group: "d", contentHash: "3", silent: true },
      { group: "e", contentHash: "3", silent: true }
    ],
    [pairOf("2", "gone"), pairOf("gone", "lost")]
  )
  expect(Object.fromEntries(merged)).toEqual({ a: "a", b: "a", c: "c", d: "d", e: "e" })
})

test("what is known grows, whoever writes at once, and a damaged record is set aside", async () => {
  await using folder = await folderOf({})
  const store = folderStore(folder.root)
  const run = <A, E>(effect: Effect.Effect<A, E, Store>) =>
    Effect.runPromise(Effect.provideService(effect, Store, store))
  expect(await run(readDuplicates)).toEqual({ pairs: [], checked: [] })
  await Promise.all([
    run(addDuplicates({ pairs: [pairOf("b", "c")], checked: ["b"] })),
    run(addDuplicates({ pairs: [pairOf("a", "b"), pairOf("b", "c")], checked: ["a", "b"] })),
    run(addDuplicates({ pairs: [], checked: ["c"] }))
  ])
  expect(await run(readDuplicates)).toEqual({ pairs: [pairOf("a", "b"), pairOf("b", "c")], checked: ["a", "b", "c"] })
  await run(store.put(DUPLICATES_KEY, new TextEncoder().encode("{")))
  expect(await run(readDuplicates)).toEqual({ pairs: [], checked: [] })
  await run(addDuplicates({ pairs: [], checked: ["c"] }))
  expect(await run(readDuplicates)).toEqual({ pairs: [], checked: ["c"] })
  const keys = await run(Stream.runCollect(Stream.map(store.list("review/"), ({ key }) => key)))
  expect(keys[1]).toStartWith(`${DUPLICATES_KEY}.damaged-`)
})
