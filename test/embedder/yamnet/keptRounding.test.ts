import { expect, setDefaultTimeout, test } from "bun:test"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { Effect } from "effect"
import { keptRounding } from "../../../src/embedder/yamnet/keptRounding.ts"
import { untrainedNetwork } from "../../../src/embedder/yamnet/untrained.ts"

const weights = { ...untrainedNetwork(), hash: "a1".repeat(32), source: "a seed", embedder: "untrained" } as const

setDefaultTimeout(60_000)

/** What is kept, or made, in a folder; `row` is what the network is said to give. */
const rounding = (folder: string, row = 1, taps = [8]) =>
  Effect.runPromise(
    keptRounding(weights, folder, taps, Effect.succeed(Float32Array.of(row, 2))).pipe(
      Effect.provide(NodeServices.layer)
    )
  )

/** A rounding as hashes of its numbers: millions are slow to compare one by one. */
const hashesOf = ({ rounded: { first, scale, rest, divisors }, rows }: Awaited<ReturnType<typeof rounding>>) => [
  ...[...first.flatMap(({ kernel, bias }) => [kernel, bias]), ...divisors, rows].map((numbers) => Bun.hash(numbers)),
  ...rest.flatMap(({ kernel, scales, bias, scale, shape }) => [
    ...[kernel, scales, bias].map((numbers) => Bun.hash(numbers)),
    scale,
    ...shape
  ]),
  scale
]

test("a network is rounded once and kept as it is, and rounded again where the file is damaged", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ecosight-rounding-"))
  const made = await rounding(folder)
  expect(made.rounded.rest).toHaveLength(25)
  const names = await readdir(folder)
  expect(names).toHaveLength(1)
  // Another row shows that the file is read.
  expect(hashesOf(await rounding(folder, 3))).toEqual(hashesOf(made))

  // What it gives with other taps is something else.
  expect((await rounding(folder, 5, [8, 4])).rows).toEqual(Float32Array.of(5, 2))
  expect(await readdir(folder)).toHaveLength(2)

  const file = Bun.file(join(folder, names[0]!))
  const bytes = await file.bytes()
  await file.write(bytes.with(bytes.length >> 1, bytes[bytes.length >> 1]! ^ 1))
  expect((await rounding(folder, 3)).rows).toEqual(Float32Array.of(3, 2))
  await rm(folder, { recursive: true })
})

test("a folder that cannot be written is done without", async () => {
  expect((await rounding("/dev/null/nowhere")).rows).toEqual(Float32Array.of(1, 2))
})
