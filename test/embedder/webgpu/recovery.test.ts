import { expect, test } from "bun:test"
import { Effect, type Scope } from "effect"
import fc from "fast-check"
import { recoveringExecutor } from "../../../src/embedder/webgpu/recovery.ts"
import type { Executor } from "../../../src/embedder/webgpu/wgsl/executor.ts"
import { DeviceFault } from "../../../src/embedder/webgpu/wgsl/fault.ts"
import { PATCH_SIZE } from "../../../src/embedder/yamnet/logMel.ts"
import { EMBEDDING_SIZE } from "../../../src/embedder/yamnet/mobilenet.ts"

type Kind = DeviceFault["kind"]

/** Devices whose embedding of a patch is its first value; `faultAt` says how the nth batch of all goes wrong, if it does. */
const devices = (faultAt: (batch: number, patches: number) => Kind | undefined, memory = Number.POSITIVE_INFINITY) => {
  const log = { opened: [] as Array<number>, open: 0, batches: 0, said: [] as Array<string> }
  const open = (batch: number): Effect.Effect<Executor, DeviceFault, Scope.Scope> =>
    Effect.gen(function* () {
      if (batch > memory) return yield* new DeviceFault({ kind: "memory", message: "no memory" })
      // As long as any batch takes.
      for (let turn = 0; turn < 4; turn++) yield* Effect.yieldNow
      const device = { isClosed: false }
      yield* Effect.acquireRelease(
        Effect.sync(() => log.open++),
        () =>
          Effect.sync(() => {
            log.open--
            device.isClosed = true
          })
      )
      log.opened.push(batch)
      return { batch, embed: (patches) => embed(patches, device) }
    })
  // Batches take one, two or three turns, so that one may still be in hand when another's fault closes the device.
  const embed = (patches: Float32Array, device: { readonly isClosed: boolean }) =>
    Effect.gen(function* () {
      const count = patches.length / PATCH_SIZE
      const batch = log.batches++
      const kind = faultAt(batch, count)
      for (let turn = 0; turn <= batch % 3; turn++) yield* Effect.yieldNow
      if (device.isClosed) return yield* new DeviceFault({ kind: "refused", message: "its memory is gone" })
      if (kind !== undefined) return yield* new DeviceFault({ kind, message: `a fault of kind ${kind}` })
      return Float32Array.from({ length: count * EMBEDDING_SIZE }, (_, i) => {
        return patches[Math.floor(i / EMBEDDING_SIZE) * PATCH_SIZE]!
      })
    })
  const say = (sentence: string) => Effect.sync(() => void log.said.push(sentence))
  return { log, recovery: { open, say } }
}

const numbered = (count: number) => {
  const patches = new Float32Array(count * PATCH_SIZE)
  for (let i = 0; i < count; i++) patches[i * PATCH_SIZE] = i + 1
  return patches
}
const expected = (count: number) =>
  Float32Array.from({ length: count * EMBEDDING_SIZE }, (_, i) => Math.floor(i / EMBEDDING_SIZE) + 1)

const embedOn = ({ recovery }: ReturnType<typeof devices>, batch: number, counts: ReadonlyArray<number>) =>
  recoveringExecutor({ ...recovery, batch, patchSize: PATCH_SIZE }).pipe(
    Effect.flatMap(({ embed }) => Effect.forEach(counts, (count) => embed(numbered(count)), { concurrency: 2 })),
    Effect.scoped
  )

test("a lost device is replaced once for two batches that were in hand, and both are embedded", async () => {
  const lost = devices((batch) => (batch < 2 ? "lost" : undefined))
  expect(await Effect.runPromise(embedOn(lost, 4, [4, 3]))).toEqual([expected(4), expected(3)])
  expect(lost.log.opened).toEqual([4, 4])
  expect(lost.log.said).toEqual(["The device was lost (a fault of kind lost): opened another."])
  expect(lost.log.open).toBe(0)
})

test("a device that is lost again on the same patches ends it", async () => {
  const lost = devices(() => "lost")
  expect(await Effect.runPromise(Effect.flip(embedOn(lost, 4, [4])))).toMatchObject({ kind: "lost" })
  expect(lost.log.opened).toEqual([4, 4])
  expect(lost.log.open).toBe(0)
})

test("patches that do not fit into memory are embedded in halves", async () => {
  const small = devices((_, patches) => (patches > 2 ? "memory" : undefined))
  expect(await Effect.runPromise(embedOn(small, 9, [9, 7]))).toEqual([expected(9), expected(7)])
  expect(small.log.opened).toEqual([9, 4, 2])
  expect(small.log.said.at(-1)).toBe(
    "The device ran out of memory (a fault of kind memory): going on with batches of 2 patches."
  )
})

test("a batch that is in hand when another's fault frees the memory is embedded again", async () => {
  const small = devices((batch) => (batch === 0 ? "memory" : undefined))
  expect(await Effect.runPromise(embedOn(small, 4, [4, 3]))).toEqual([expected(4), expected(3)])
  expect(small.log.opened).toEqual([4, 2])
  expect(small.log.said).toHaveLength(1)
})

test("a batch that waits for a device that cannot be opened fails as the other does", async () => {
  const gone = devices((batch) => (batch < 2 ? "lost" : undefined))
  let opened = 0
  const open = (batch: number) =>
    opened++ === 0 ? gone.recovery.open(batch) : Effect.fail(new DeviceFault({ kind: "refused", message: "no device" }))
  const both = recoveringExecutor({ ...gone.recovery, open, batch: 4, patchSize: PATCH_SIZE }).pipe(
    Effect.flatMap(({ embed }) => {
      const outcome = Effect.map(Effect.flip(embed(numbered(4))), ({ kind }) => kind)
      return Effect.all([outcome, outcome], { concurrency: 2 })
    }),
    Effect.scoped
  )
  expect(await Effect.runPromise(both)).toEqual(["refused", "refused"])
})

test("a batch that does not fit when the device is opened is halved until it does", async () => {
  const small = devices(() => undefined, 3)
  expect(await Effect.runPromise(embedOn(small, 16, [16]))).toEqual([expected(16)])
  expect(small.log.opened).toEqual([2])
  expect(small.log.said[0]).toBe("The device has no memory for batches of 16 patches: trying half as many.")
})

test("a device without memory for one patch, or one that refuses its work, ends it at once", async () => {
  const none = devices(() => "memory")
  expect(await Effect.runPromise(Effect.flip(embedOn(none, 4, [4])))).toMatchObject({ kind: "memory" })
  expect(none.log.opened).toEqual([4, 2, 1])
  const refusing = devices(() => "refused")
  expect(await Effect.runPromise(Effect.flip(embedOn(refusing, 4, [4])))).toMatchObject({ kind: "refused" })
  expect(refusing.log.opened).toEqual([4])
})

test("wherever faults fall, what is embedded is right", async () => {
  const faults = fc.array(fc.constantFrom<Kind | undefined>(undefined, undefined, "memory", "lost"), { maxLength: 8 })
  const counts = fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 1, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(faults, counts, async (kinds, sizes) => {
      const some = devices((batch) => kinds[batch])
      const outcome = await Effect.runPromise(Effect.result(embedOn(some, 16, sizes)))
      if (outcome._tag === "Success") expect(outcome.success).toEqual(sizes.map(expected))
      else expect(kinds).toContain(outcome.failure.kind)
      expect(some.log.open).toBe(0)
    }),
    { numRuns: 100 }
  )
})
