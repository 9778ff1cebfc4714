import { expect, test } from "bun:test"
import type { Comparison } from "../../src/classifier/compare.ts"
import type { LabelConsistency } from "../../src/classifier/neighbours/consistency.ts"
import { decide, type Incumbent } from "../../src/registry/gate.ts"

const STRICT = { macroF1: 0, recall: 0.05 }

const against = (scores: {
  readonly macroF1: readonly [candidate: number, promoted: number]
  readonly interval?: readonly [low: number, high: number]
  readonly gunRecall?: readonly [candidate: number, promoted: number]
}): Incumbent => {
  const [candidate, promoted] = scores.macroF1
  const [low, high] = scores.interval ?? [-0.1, 0.1]
  const [own, other] = scores.gunRecall ?? [0.8, 0.8]
  const comparison: Comparison = {
    recordings: 40,
    macroF1: { candidate, promoted },
    difference: candidate - promoted,
    interval: { low, high, resamples: 2000 },
    recalls: [
      { className: "dog", support: 20, candidate: 0.9, promoted: 0.9 },
      { className: "gun", support: 20, candidate: own, promoted: other }
    ]
  }
  return { kind: "compared", runId: "run-1", comparison }
}

test("a better model is promoted, and one beyond the tolerance is not", () => {
  expect(decide("auto", against({ macroF1: [0.81, 0.8] }), STRICT).promote).toBe(true)
  expect(decide("auto", against({ macroF1: [0.8, 0.8] }), STRICT).promote).toBe(true)
  const worse = decide("auto", against({ macroF1: [0.79, 0.8] }), STRICT)
  expect(worse.promote).toBe(false)
  expect(worse.why).toStartWith("Not promoted: macro-F1 is lower by more than GATE_TOLERANCE (0) allows. ")
  expect(worse.why).toContain("0.7900 against 0.8000 of run-1 on the same 40 recordings (-0.0100, 95 % interval")
  expect(decide("auto", against({ macroF1: [0.79, 0.8] }), { ...STRICT, macroF1: 0.01 }).promote).toBe(true)
})

test("one class's recall holds a model back that is better on the whole; its tolerance is inclusive", () => {
  const decision = decide("auto", against({ macroF1: [0.9, 0.8], gunRecall: [0.7, 0.8] }), STRICT)
  expect(decision.promote).toBe(false)
  expect(decision.why).toContain("the recall of gun is 0.700 against 0.800 (20 recordings)")
  expect(decision.why).toContain("GATE_CLASS_TOLERANCE (0.05)")
  expect(decision.why).not.toContain("GATE_TOLERANCE")
  // 0.85 - 0.9 is -0.050000000000000044 in floating point.
  expect(decide("auto", against({ macroF1: [0.9, 0.8], gunRecall: [0.85, 0.9] }), STRICT).promote).toBe(true)
})

test("better by luck is said as such", () => {
  expect(decide("auto", against({ macroF1: [0.82, 0.8], interval: [-0.03, 0.07] }), STRICT).why).toContain("by luck")
  const clear = decide("auto", against({ macroF1: [0.9, 0.8], interval: [0.02, 0.18] }), STRICT).why
  expect(clear).not.toContain("luck")
  expect(clear).toContain("beyond chance")
})

test("a model that finds less in the field than chance allows is held back, however well it does on clips", () => {
  const heard = (candidate: number, promoted: number, low: number, high: number): Incumbent => ({
    ...(against({ macroF1: [0.9, 0.8] }) as Extract<Incumbent, { kind: "compared" }>),
    field: { rate: 5, candidate, promoted, interval: { low, high } }
  })
  const worse = decide("auto", heard(0.31, 0.45, -0.2, -0.05), STRICT)
  expect(worse.promote).toBe(false)
  expect(worse.why).toStartWith(
    "Not promoted: in the field, at 5 false alarms an hour, it finds 31 % of the events against 45 % (95 % interval of the " +
      "difference -0.2000 to -0.0500): more than chance explains. "
  )
  expect(worse.why).not.toContain("GATE_TOLERANCE")
  const chance = decide("auto", heard(0.41, 0.45, -0.12, 0.05), STRICT)
  expect(chance.promote).toBe(true)
  expect(chance.why).toEndWith("In the field, at 5 false alarms an hour, it finds 41 % of the events against 45 %.")
  expect(decide("always", heard(0.31, 0.45, -0.2, -0.05), STRICT).promote).toBe(true)
})

test("the first model is promoted; without a comparison none is", () => {
  expect(decide("auto", { kind: "none" }, STRICT).promote).toBe(true)
  const decision = decide("auto", { kind: "incomparable", why: "nothing is held out" }, STRICT)
  expect(decision).toEqual({ promote: false, why: "Not promoted: nothing is held out." })
})

test("what was asked for goes before the scores, which are said all the same", () => {
  const worse = against({ macroF1: [0.5, 0.8] })
  const always = decide("always", worse, STRICT)
  expect(always.promote).toBe(true)
  expect(always.why).toContain("0.5000 against 0.8000")
  expect(decide("never", against({ macroF1: [0.9, 0.8] }), STRICT).promote).toBe(false)
})

const labels = (agreeing: number, pValue: number, shortfall: number): LabelConsistency => ({
  fresh: { recordings: 100, agreeing },
  before: { recordings: 400, agreeing: 360 },
  classes: [],
  pValue,
  shortfall
})

test("new labels that do not go with the others hold a model back, whatever its scores", () => {
  const better = against({ macroF1: [0.9, 0.8] })
  const decision = decide("auto", better, STRICT, labels(68, 1e-7, 0.22))
  expect(decision.promote).toBe(false)
  expect(decision.why).toStartWith(
    "Not promoted: some of the new labels seem to be wrong: 68 % of 100 new labels agree"
  )
  expect(decision.why).toContain("90 % of 400 before (p = 1.0e-7)")
  // As likely as not by chance, or too few to matter.
  expect(decide("auto", better, STRICT, labels(86, 0.2, 0.04)).promote).toBe(true)
  expect(decide("auto", better, STRICT, labels(87, 0.001, 0.03)).promote).toBe(true)
  expect(decide("always", better, STRICT, labels(68, 1e-7, 0.22)).promote).toBe(true)
})

test("the .keras file's classifier may not fall back either", () => {
  const served = against({ macroF1: [0.9, 0.8] })
  const worse = decide("auto", served, STRICT, undefined, [], against({ macroF1: [0.7, 0.8], gunRecall: [0.6, 0.8] }))
  expect(worse.promote).toBe(false)
  expect(worse.why).toStartWith(
    "Not promoted: in yamnet_classifier.keras macro-F1 is lower by more than GATE_TOLERANCE (0) allows; " +
      "in yamnet_classifier.keras the recall of gun is 0.600 against 0.800"
  )
  expect(decide("auto", served, STRICT, undefined, [], against({ macroF1: [0.8, 0.8] })).promote).toBe(true)
})
