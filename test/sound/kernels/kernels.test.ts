import { expect, test } from "bun:test"
import { join } from "node:path"
import { main } from "assemblyscript/asc"
import { floatsAt, kernels, Room } from "../../../src/sound/kernels/kernels.ts"

const folder = join(import.meta.dir, "../../../src/sound/kernels")

test("kernels.wasm is what the sources compile to; `bun run kernels` makes it anew", async () => {
  let compiled: Uint8Array | undefined
  const { error, stderr } = await main(["--config", "assembly/asconfig.json", "--baseDir", folder], {
    writeFile: (name, contents) => {
      if (name.endsWith(".wasm")) compiled = contents as Uint8Array
    }
  })
  expect(stderr.toString()).toBe("")
  expect(error).toBeNull()
  const kept = await Bun.file(join(folder, "kernels.wasm")).bytes()
  expect(Buffer.compare(compiled!, kept)).toBe(0)
})

test("a room's memory is used again once it is left", () => {
  const fill = () => {
    using room = new Room()
    room.zeros(100_000)
    return room.place(new Float32Array(50_000), 10, 10)
  }
  const first = fill()
  const { byteLength } = kernels.memory.buffer
  for (let i = 0; i < 1000; i++) expect(fill()).toBe(first)
  expect(kernels.memory.buffer.byteLength).toBe(byteLength)
})

test("what is placed has zeros around it, and records hold doubles before words", () => {
  using room = new Room()
  room.place(new Float32Array(100).fill(7))
  expect([...floatsAt(room.place([1, 2], 2, 3), 7)]).toEqual([0, 0, 1, 2, 0, 0, 0])
  const at = room.record([Math.PI], [1, 2 ** 31])
  expect(new Float64Array(kernels.memory.buffer, at, 1)[0]).toBe(Math.PI)
  expect([...new Uint32Array(kernels.memory.buffer, at + 8, 2)]).toEqual([1, 2 ** 31])
})
