import { describe, expect, test } from "bun:test"
import { Effect, Exit, Option, Stream } from "effect"
import type { PutCondition, Store, StoreError } from "../../src/store/store.ts"
import { kindsOfStore } from "../support/stores.ts"

const bytesOf = (text: string) => new TextEncoder().encode(text)

const keysUnder = (store: Store["Service"], prefix: string) =>
  store.list(prefix).pipe(
    Stream.map(({ key }) => key),
    Stream.runCollect
  )

const failureOf = (effect: Effect.Effect<unknown, StoreError>) => Effect.orDie(Effect.flip(effect))

const reasonOf = (effect: Effect.Effect<unknown, StoreError>) =>
  failureOf(effect).pipe(Effect.map(({ reason }) => reason))

for (const { kind, skip, empty } of kindsOfStore) {
  describe.skipIf(skip)(`a store in ${kind}`, () => {
    const check = (name: string, body: (store: Store["Service"]) => Effect.Effect<unknown, StoreError>) =>
      test(name, () => Effect.runPromise(Effect.scoped(Effect.flatMap(empty, body))))

    check("gives back what was put, with one ETag from put, find, list and get", (store) =>
      Effect.gen(function* () {
        const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) % 256)
        const put = yield* store.put("extracted_audio/dog/a.wav", bytes)
        expect(put).toMatchObject({ key: "extracted_audio/dog/a.wav", size: 70_000 })
        expect(put.etag).not.toBe("")
        expect(put.etag).not.toContain('"')
        expect(yield* store.find("extracted_audio/dog/a.wav")).toEqual(Option.some(put))
        expect(yield* Stream.runCollect(store.list(""))).toEqual([put])
        const got = yield* store.get("extracted_audio/dog/a.wav")
        expect(got.etag).toBe(put.etag)
        expect(Buffer.compare(got.bytes, bytes)).toBe(0)
      })
    )

    check("lists what comes after a key, whether that is there or not", (store) =>
      Effect.gen(function* () {
        for (const name of ["a", "b/1", "b/2", "b/3", "b/4", "b/5", "c", "ü"])
          yield* store.put(`in/${name}`, bytesOf(name))
        const after = (prefix: string, key: string) =>
          store.list(prefix, key).pipe(
            Stream.map(({ key }) => key),
            Stream.runCollect
          )
        expect(yield* after("in/", "in/b/2")).toEqual(["in/b/3", "in/b/4", "in/b/5", "in/c", "in/ü"])
        expect(yield* after("in/b/", "in/b/25")).toEqual(["in/b/3", "in/b/4", "in/b/5"])
        expect(yield* after("in/", "in/ü")).toEqual([])
      })
    )

    check("gives a piece of an object, as far as it reaches", (store) =>
      Effect.gen(function* () {
        const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) % 256)
        yield* store.put("part", bytes)
        for (const [from, to] of [
          [0, 10],
          [65_000, 70_000],
          [69_999, 90_000],
          [123, 124]
        ] as const) {
          expect(Buffer.compare(yield* store.getRange("part", from, to), bytes.slice(from, to))).toBe(0)
        }
        expect(yield* reasonOf(store.getRange("nothing", 0, 1))).toBe("missing")
        expect(yield* reasonOf(store.getRange("../part", 0, 1))).toBe("invalid")
      })
    )

    check("gives bytes that own their buffer, so that a Worker can be handed it", (store) =>
      Effect.gen(function* () {
        yield* store.put("small", bytesOf("abc"))
        const { bytes } = yield* store.get("small")
        expect(bytes.buffer.byteLength).toBe(3)
      })
    )

    check("holds an empty object", (store) =>
      Effect.gen(function* () {
        expect((yield* store.put("empty", new Uint8Array(0))).size).toBe(0)
        expect((yield* store.get("empty")).bytes).toHaveLength(0)
        expect(Option.map(yield* store.find("empty"), ({ size }) => size)).toEqual(Option.some(0))
      })
    )

    check("says that an object is missing", (store) =>
      Effect.gen(function* () {
        expect(yield* store.find("nothing/here")).toEqual(Option.none())
        const error = yield* failureOf(store.get("nothing/here"))
        expect(error).toMatchObject({ _tag: "StoreError", reason: "missing", key: "nothing/here" })
        expect(error.message).toEndWith("nothing/here does not exist.")
      })
    )

    check("lists in the order of UTF-8 bytes, across folders and pages, and by any prefix", (store) =>
      Effect.gen(function* () {
        // In UTF-16, U+FF5E sorts after the emoji; "/" sorts between "." and "0", so "a.wav" < "a/..." < "a0".
        const keys = ["a.wav", "a/b", "a/b/c", "a/c", "a0", "b/😀.wav", "b/～.wav", "b/é", "b/e", "B/x", "ab/x"]
        const unnested = keys.filter((key) => key !== "a/b")
        yield* Effect.forEach(unnested, (key) => store.put(key, bytesOf(key)))
        const sorted = unnested.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        expect(yield* keysUnder(store, "")).toEqual(sorted)
        for (const prefix of ["a", "a/", "a/b", "a/b/", "b/", "b/～", "zzz", "zzz/", "a/b/c/d"]) {
          expect(yield* keysUnder(store, prefix)).toEqual(sorted.filter((key) => key.startsWith(prefix)))
        }
      })
    )

    check("keeps names with spaces, signs and any script", (store) =>
      Effect.gen(function* () {
        const names = [" a b.wav", "a+b.wav", "100%.wav", "a%20b.wav", "é.wav", "e\u0301.wav", "🔫 shot.mp3", "犬.WAV"]
        const keys = [...names, "a&b<c>'\"d.wav", "a?b#c.wav", "a=b;c,d.wav", "a..b.wav", "[x](y){z}!$*@^~|`.wav"]
        yield* Effect.forEach(keys, (name) => store.put(`c/${name}`, bytesOf(name)))
        expect((yield* keysUnder(store, "c/")).toSorted()).toEqual(keys.map((name) => `c/${name}`).toSorted())
        for (const name of keys) {
          expect(new TextDecoder().decode((yield* store.get(`c/${name}`)).bytes)).toBe(name)
          expect(Option.isSome(yield* store.find(`c/${name}`))).toBe(true)
        }
      })
    )

    check("keeps names with control characters", (store) =>
      Effect.gen(function* () {
        const name = "x\u0001y\tz"
        yield* store.put(`c/${name}`, bytesOf(name))
        expect(yield* keysUnder(store, "c/")).toEqual([`c/${name}`])
        expect(new TextDecoder().decode((yield* store.get(`c/${name}`)).bytes)).toBe(name)
        expect(Option.isSome(yield* store.find(`c/${name}`))).toBe(true)
      })
    )

    check("refuses keys that a path would change on its way", (store) =>
      Effect.gen(function* () {
        for (const key of ["", "..", "../outside", "a/../../outside", "a/./b", "a/..", "nul\0", "\ud800"]) {
          expect(yield* reasonOf(store.put(key, bytesOf("x")))).toBe("invalid")
          expect(yield* reasonOf(store.get(key))).toBe("invalid")
          expect(yield* reasonOf(store.find(key))).toBe("invalid")
          expect(yield* reasonOf(store.remove(key))).toBe("invalid")
        }
        expect(yield* keysUnder(store, "")).toEqual([])
      })
    )

    check("gives every version its own ETag, however quickly one follows another", (store) =>
      Effect.gen(function* () {
        const etags = new Set<string>()
        for (const content of ["aaaa", "bbbb", "cccc", "dddd", "eeee"]) {
          etags.add((yield* store.put("k", bytesOf(content))).etag)
          expect(new TextDecoder().decode((yield* store.get("k")).bytes)).toBe(content)
        }
        expect(etags.size).toBe(5)
      })
    )

    check("puts only where there is nothing, if asked to", (store) =>
      Effect.gen(function* () {
        yield* store.put("k", bytesOf("first"), { ifNoneMatch: "*" })
        expect(yield* reasonOf(store.put("k", bytesOf("second"), { ifNoneMatch: "*" }))).toBe("conflict")
        expect(new TextDecoder().decode((yield* store.get("k")).bytes)).toBe("first")
      })
    )

    check("puts only over the version named, if asked to", (store) =>
      Effect.gen(function* () {
        const first = yield* store.put("k", bytesOf("v1"))
        const second = yield* store.put("k", bytesOf("v2"), { ifMatch: first.etag })
        expect(yield* reasonOf(store.put("k", bytesOf("v3"), { ifMatch: first.etag }))).toBe("conflict")
        expect((yield* store.get("k")).etag).toBe(second.etag)
        yield* store.remove("k")
        expect(yield* reasonOf(store.put("k", bytesOf("v4"), { ifMatch: second.etag }))).toBe("conflict")
        expect(yield* store.find("k")).toEqual(Option.none())
      })
    )

    check("lets one of many writers win", (store) =>
      Effect.gen(function* () {
        const race = (writers: string, condition: PutCondition) =>
          Effect.forEach(
            Array.from({ length: 8 }, (_, i) => `${writers} ${i}`),
            (writer) => Effect.exit(store.put("lease", bytesOf(writer), condition)),
            { concurrency: "unbounded" }
          ).pipe(Effect.map((exits) => exits.flatMap((exit, i) => (Exit.isSuccess(exit) ? [i] : []))))
        const holder = store
          .get("lease")
          .pipe(Effect.map(({ bytes, etag }) => ({ content: new TextDecoder().decode(bytes), etag })))
        const first = yield* race("first", { ifNoneMatch: "*" })
        expect(first).toHaveLength(1)
        const before = yield* holder
        expect(before.content).toBe(`first ${first[0]}`)
        const second = yield* race("second", { ifMatch: before.etag })
        expect(second).toHaveLength(1)
        expect((yield* holder).content).toBe(`second ${second[0]}`)
      })
    )

    check("removes, also what is not there", (store) =>
      Effect.gen(function* () {
        yield* store.put("a/b", bytesOf("x"))
        yield* store.remove("a/b")
        yield* store.remove("a/b")
        yield* store.remove("a/b/c")
        expect(yield* keysUnder(store, "")).toEqual([])
      })
    )

    check("lists no further than is asked for", (store) =>
      Effect.gen(function* () {
        yield* Effect.forEach(["a", "b", "c", "d", "e"], (key) => store.put(key, bytesOf(key)))
        const first = yield* store.list("").pipe(
          Stream.map(({ key }) => key),
          Stream.take(2),
          Stream.runCollect
        )
        expect(first).toEqual(["a", "b"])
      })
    )
  })
}
