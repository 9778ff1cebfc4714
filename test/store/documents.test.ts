import { expect, test } from "bun:test"
import { Effect, Option, Result, Schema } from "effect"
import { readDocument, writeDocument } from "../../src/store/documents.ts"
import { Store } from "../../src/store/store.ts"
import { memoryStore } from "../support/memoryStore.ts"

const Note = Schema.Struct({ text: Schema.String, at: Schema.optionalKey(Schema.Int) })

const on = <A, E>(objects: Map<string, Uint8Array>, effect: Effect.Effect<A, E, Store>) =>
  effect.pipe(Effect.provideService(Store, memoryStore(objects)), Effect.result, Effect.runPromise)

test("what is written is read back, in the version that was read", async () => {
  const objects = new Map<string, Uint8Array>()
  const written = Result.getOrThrow(await on(objects, writeDocument("notes/a.json", Note, { text: "ü", at: 3 })))
  const read = Result.getOrThrow(await on(objects, readDocument("notes/a.json", Note)))
  expect(read).toEqual(Option.some({ value: { text: "ü", at: 3 }, etag: written.etag }))
})

test("a document that is missing is none, one that is damaged or of another shape an error that names it", async () => {
  const text = (content: string) => new TextEncoder().encode(content)
  const objects = new Map([
    ["torn.json", text('{"text": "a')],
    ["empty.json", new Uint8Array()],
    ["other.json", text('{"text": 1}')],
    ["deep.json", text(`{"text": "a", "more": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`)]
  ])
  expect(Result.getOrThrow(await on(objects, readDocument("none.json", Note)))).toEqual(Option.none())
  for (const key of objects.keys()) {
    const result = await on(objects, readDocument(key, Note))
    expect(Result.isFailure(result) && result.failure).toMatchObject({ _tag: "DocumentError", key })
    expect(Result.isFailure(result) && result.failure.message).toStartWith(`${key} cannot be read: `)
  }
})

test("any JSON is read that is not nested without end, whatever its texts hold", async () => {
  const value = { 'a[[{"': ["{[\\", '"[', { b: [[[]], {}] }], c: `${"[{".repeat(500)}` }
  const objects = new Map([["a.json", new TextEncoder().encode(JSON.stringify(value))]])
  const read = Result.getOrThrow(await on(objects, readDocument("a.json", Schema.Json)))
  expect(Option.getOrThrow(read).value).toEqual(value)
  objects.set("deep.json", new TextEncoder().encode(`${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`))
  const deep = await on(objects, readDocument("deep.json", Schema.Json))
  expect(Result.isFailure(deep) && deep.failure.message).toBe(
    "deep.json cannot be read: it is nested more than 100 levels deep."
  )
})
