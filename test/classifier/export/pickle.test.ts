import { expect, test } from "bun:test"
import { pickle } from "../../../src/classifier/export/pickle.ts"

const python = Bun.which("python3")

test.skipIf(python === null)("Python gets back what was pickled (skipped without python3)", () => {
  const value = {
    loss: [1.5, 0.1, 1e-300, -2],
    empty: [],
    classes: ["gun_shot", "", "Grünspecht 🐦", "x".repeat(70_000)],
    lr: 1e-3
  }
  const program = "import json, pickle, sys; print(json.dumps(pickle.load(sys.stdin.buffer)))"
  const { stdout, stderr } = Bun.spawnSync([python!, "-c", program], { stdin: pickle(value) })
  expect(stderr.toString()).toBe("")
  expect(JSON.parse(stdout.toString())).toEqual(value)
})

test("a list of text is protocol 2, opcode by opcode", () => {
  const expected = [0x80, 2, 0x5d, 0x28, 0x58, 1, 0, 0, 0, 0x61, 0x58, 2, 0, 0, 0, 0xc3, 0xa9, 0x65, 0x2e]
  expect([...pickle(["a", "é"])]).toEqual(expected)
})
