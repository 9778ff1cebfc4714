import { expect, test } from "bun:test"
import { Effect } from "effect"
import { pickle } from "../../src/classifier/export/pickle.ts"
import { unpickle } from "../../src/service/unpickle.ts"

test("what a run pickles is read again", async () => {
  const curves = { loss: [1.5, 0.25], accuracy: [] }
  expect(await Effect.runPromise(unpickle(pickle(curves)))).toEqual(curves)
})

test.each([
  ["a list that ends without a beginning", [0x80, 2, 0x5d, 0x65, 0x2e]],
  ["a dictionary that ends without one", [0x80, 2, 0x7d, 0x75, 0x2e]],
  ["one that is cut", [0x80, 2, 0x7d, 0x28]]
])("%s is refused", async (_, bytes) => {
  expect(await Effect.runPromise(Effect.flip(unpickle(new Uint8Array(bytes))))).toMatchObject({ _tag: "PickleError" })
})
