import { expect, test } from "bun:test"
import { renamedClasses } from "../../src/registry/trainingSet.ts"

const set = (recordings: Readonly<Record<string, string>>) =>
  new Map(Object.entries(recordings).map(([path, content]) => [`extracted_audio/${path}`, content]))

const BEFORE = set({ "dog/1.wav": "a", "dog/2.wav": "b", "dog/3.wav": "c", "gun/1.wav": "x" })

test.each([
  [
    "a class that was renamed",
    { "hound/1.wav": "a", "hound/2.wav": "b", "hound/3.wav": "c", "gun/1.wav": "x" },
    [["dog", "hound"]]
  ],
  ["one that became one with another", { "gun/1.wav": "x", "gun/2.wav": "a", "gun/3.wav": "b" }, [["dog", "gun"]]],
  [
    "one of which a recording was found to be something else",
    { "hound/1.wav": "a", "hound/2.wav": "b", "gun/1.wav": "c" },
    [["dog", "hound"]]
  ],
  ["one of which something is left", { "dog/1.wav": "a", "hound/2.wav": "b", "hound/3.wav": "c" }, []],
  ["one that was copied", { "dog/1.wav": "a", "hound/1.wav": "a", "hound/2.wav": "b", "hound/3.wav": "c" }, []],
  ["one that is gone, with others under a new name", { "hound/1.wav": "y", "gun/1.wav": "x" }, []],
  ["one that was split", { "hound/1.wav": "a", "wolf/2.wav": "b" }, []]
])("%s", (_, now, renamed) => {
  expect([...renamedClasses(BEFORE, set(now))].filter(([name]) => name === "dog")).toEqual(
    renamed as Array<[string, string]>
  )
})
