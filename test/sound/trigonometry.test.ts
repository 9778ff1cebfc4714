import { expect, test } from "bun:test"
import fc from "fast-check"
import { cosTurn, sinTurn } from "../../src/sound/trigonometry.ts"

test("sines and cosines of turns agree with the platform's to a unit in the last place", () => {
  fc.assert(
    fc.property(fc.double({ min: -4, max: 4, noNaN: true }), (x) => {
      // Reduce first: 2πx itself is off by more than the functions are.
      const angle = 2 * Math.PI * (x - Math.round(x))
      expect(Math.abs(cosTurn(x) - Math.cos(angle))).toBeLessThan(1e-15)
      expect(Math.abs(sinTurn(x) - Math.sin(angle))).toBeLessThan(1e-15)
    }),
    { seed: 1 }
  )
})

test("quarters of a turn are exact", () => {
  expect([0, 0.25, 0.5, 0.75, 1, -0.25].map((x) => cosTurn(x) + 0)).toEqual([1, 0, -1, 0, 1, 0])
  expect([0, 0.25, 0.5, 0.75, 1, -0.25].map((x) => sinTurn(x) + 0)).toEqual([0, 1, 0, -1, 0, -1])
})
