import { expect, test } from "bun:test"
import { RecordingIndex } from "../../src/service/recordingIndex.ts"

const at = (key: string, size: number) => ({ key: `extracted_audio/${key}`, etag: `${key} ${size}`, size })
/** Of no recording it is known what it is. */
const unknown = () => undefined

test("an index follows what comes, changes and goes, without asking about the others again", () => {
  let asked = 0
  const isFresh = ({ key }: { readonly key: string }) => {
    asked++
    return key.includes("new")
  }
  const index = new RecordingIndex(isFresh, unknown, [at("dog/b", 3), at("dog/new", 2), at("cat/a", 3), at("none", 3)])
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
  expect(index.unreadOfSize(2).map(({ key }) => key)).toEqual(["extracted_audio/dog/new", "extracted_audio/dog/a"])
  expect(index.unreadOfSize(3).map(({ key }) => key)).toEqual(["extracted_audio/none"])
  // What somebody has in hand stays as it was.
  expect(before.objects).toHaveLength(4)
  expect(before.classes.get("dog")).toEqual({ recordings: 2, fresh: 1 })
  index.delete("extracted_audio/cat/a")
  expect([...index.snapshot().classes.keys()]).toEqual(["dog"])
})

test("classes stand in the order of their folders", () => {
  const index = new RecordingIndex(() => true, unknown, [at("a b/x", 1), at("a/x", 1), at("a.b/x", 1)])
  const { objects, classes } = index.snapshot()
  expect([...classes.keys()]).toEqual(["a b", "a.b", "a"])
  expect(objects.map(({ key }) => key.split("/")[1])).toEqual(["a b", "a.b", "a"])
})

test("what is known of what recordings hold is found by it, without a walk through those of one size", () => {
  let asked = 0
  const contents: Record<string, string | undefined> = { "dog/a": "one", "dog/b": "one", "cat/c": "two" }
  const contentOf = ({ key }: { readonly key: string }) => {
    asked++
    return contents[key.slice("extracted_audio/".length)]
  }
  const index = new RecordingIndex(() => true, contentOf, [
    at("cat/c", 9),
    at("dog/a", 9),
    at("dog/b", 9),
    at("dog/d", 9)
  ])
  asked = 0
  const found = () => ["one", "two", "three"].map((content) => index.keyOf(content)?.slice("extracted_audio/".length))
  expect(found()).toEqual(["dog/a", "cat/c", undefined])
  expect(index.unreadOfSize(9)).toEqual([at("dog/d", 9)])
  expect(asked).toBe(0)
  index.delete(at("dog/a", 9).key)
  contents["dog/d"] = "three"
  index.set(at("dog/d", 9))
  expect(found()).toEqual(["dog/b", "cat/c", "dog/d"])
  expect(index.unreadOfSize(9)).toEqual([])
  index.delete(at("dog/b", 9).key)
  index.delete(at("cat/c", 9).key)
  expect(found()).toEqual([undefined, undefined, "dog/d"])
})
