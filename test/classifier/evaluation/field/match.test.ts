import { expect, test } from "bun:test"
import fc from "fast-check"
import { matchDetections } from "../../../../src/classifier/evaluation/field/match.ts"

const at = (start: number, end: number) => ({ start, end })

test("an event is found by what overlaps it, once; what overlaps none is a false alarm", () => {
  const truth = [at(10, 12), at(30, 31)]
  expect(matchDetections(truth, [])).toEqual({ found: [false, false], isFalse: [] })
  // Two detections of one event, one beside it, one that only touches it.
  expect(matchDetections(truth, [at(9.5, 10.5), at(11, 12.5), at(20, 21), at(12, 13)])).toEqual({
    found: [true, false],
    isFalse: [false, false, true, true]
  })
})

test("a detection may find two events, but not all of them by lasting for ever", () => {
  const truth = [at(10, 12), at(13, 14), at(100, 101)]
  expect(matchDetections(truth, [at(9, 15)])).toEqual({ found: [true, true, false], isFalse: [false] })
  expect(matchDetections(truth, [at(0, 3600)])).toEqual({ found: [false, false, false], isFalse: [true] })
})

const span = fc
  .tuple(fc.double({ min: 0, max: 100, noNaN: true }), fc.double({ min: 0.1, max: 20, noNaN: true }))
  .map(([start, seconds]) => at(start, start + seconds))

test("neither order nor one more detection takes away what is found", () => {
  fc.assert(
    fc.property(
      fc.array(span, { maxLength: 12 }),
      fc.array(span, { maxLength: 12 }),
      span,
      (truth, detections, one) => {
        const { found, isFalse } = matchDetections(truth, detections)
        expect(found).toHaveLength(truth.length)
        const more = matchDetections(truth, [one, ...detections])
        expect(more.isFalse.slice(1)).toEqual([...isFalse])
        for (const [event, was] of found.entries()) if (was) expect(more.found[event]).toBe(true)
        const backwards = matchDetections(truth.toReversed(), detections.toReversed())
        expect(backwards.found.toReversed()).toEqual([...found])
        expect(backwards.isFalse.toReversed()).toEqual([...isFalse])
        // The truth itself is always right.
        expect(matchDetections(truth, truth).found).not.toContain(false)
        expect(matchDetections(truth, truth).isFalse).not.toContain(true)
      }
    )
  )
})
