import { expect, test } from "bun:test"
import { RecordingIndex } from "../../src/service/recordingIndex.ts"

const at = (key: string, size: number) => ({ key: `extracted_audio/${key}`, etag: `${key} ${size}`, size })

test("an index follows what comes, changes and goes, without asking about the others again", () => {
  let asked = 0
  const isFresh = ({ key }: { readonly key: string }) => {
    asked++
    return key.includes("new")
  }
  const index = new RecordingIndex(isFresh, [at("dog/b", 3), at("dog/new", 2), at("cat/a", 3), at("none", 3)])
  const before = index.snapshot()
  asked = 0
  index.set(at("dog/a", 2))
  index.set(at("cat/a", 4))
  index.delete(at("dog/b", 3).key)
  index.delete("extracted_audio/never")
  expect(asked).toBe(2)
  const { objects, classes, fresh } = index.snapshot()
  expect(objects.map(({ key }) => key.slice("extracted_audio/".length))).toEqual(["cat/a", "dog/a", "dog/new", "none"])
  expect(Object.fromEntries(classes)).toEqual({ cat: { recordings: 1, fresh: 0 }, dog: { recordings: 2, fresh: 1 } })
  expect(fresh).toBe(1)
  expect(index.ofSize(2).map(({ key }) => key)).toEqual(["extracted_audio/dog/new", "extracted_audio/dog/a"])
  expect(index.ofSize(3).map(({ key }) => key)).toEqual(["extracted_audio/none"])
  // What somebody has in hand stays as it was.
  expect(before.objects).toHaveLength(4)
  expect(before.classes.get("dog")).toEqual({ recordings: 2, fresh: 1 })
  index.delete("extracted_audio/cat/a")
  expect([...index.snapshot().classes.keys()]).toEqual(["dog"])
})

test("classes stand in the order of their folders", () => {
  const index = new RecordingIndex(() => true, [at("a b/x", 1), at("a/x", 1), at("a.b/x", 1)])
  const { objects, classes } = index.snapshot()
  expect([...classes.keys()]).toEqual(["a b", "a.b", "a"])
  expect(objects.map(({ key }) => key.split("/")[1])).toEqual(["a b", "a.b", "a"])
})
