import { expect, test } from "bun:test"
import { describeSwitch } from "../../pipelines/cli/migrationText.ts"

const recall = (className: string, support: number, candidate: number, promoted: number) => ({
  className,
  support,
  candidate: candidate / support,
  promoted: promoted / support
})
const ended = (promoted: boolean, difference: number, recalls: ReadonlyArray<ReturnType<typeof recall>>) =>
  describeSwitch({ runId: "r2", promoted, comparison: { difference, recalls } }, { from: "a@1", to: "b.onnx" }, 0.05)

test("after a switch it is told what to set, and how to go back", () => {
  expect(ended(true, 0.1, [recall("dog", 10, 9, 8)])).toEqual([
    "Set EMBEDDER=b.onnx wherever retrain, watch, scan and serve are started: with another, runs promote nothing by themselves.",
    "bun run models rollback goes back to the model that hears by a@1; its vectors stay."
  ])
})

test("a model that is better, and missed one recording more of a small class, is told how to be let through", () => {
  const said = ended(false, 0.16, [
    recall("clips", 41, 23, 12),
    recall("dog", 10, 6, 7),
    recall("gun", 3, 2, 3),
    // Within the tolerance.
    recall("engine", 95, 90, 92)
  ])
  expect(said).toEqual([
    "It is held back by single recordings: dog 6 of 10 where it was 7, gun 2 of 3 where it was 3. Where you can do with " +
      "that, GATE_CLASS_TOLERANCE=0.34 and the same command decide again; all is embedded.",
    "The model that hears by a@1 serves on; bun run models promote r2 switches all the same."
  ])
})

test("one that is worse by more than that is told no such thing", () => {
  const serves = ["The model that hears by a@1 serves on; bun run models promote r2 switches all the same."]
  expect(ended(false, 0.16, [recall("dog", 10, 5, 7), recall("gun", 3, 2, 3)])).toEqual(serves)
  expect(ended(false, -0.01, [recall("gun", 3, 2, 3)])).toEqual(serves)
  expect(ended(false, 0.1, [recall("gun", 3, 3, 3)])).toEqual(serves)
  expect(describeSwitch({ runId: "r2", promoted: false, comparison: null }, { from: "a@1", to: "b" }, 0.05)).toEqual(
    serves
  )
})
