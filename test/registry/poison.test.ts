import { expect, test } from "bun:test"
import { Effect, Option } from "effect"
import type { Sample } from "../../src/classifier/dataset.ts"
import { classifierModel } from "../../src/classifier/export/onnx.ts"
import { checkLabels } from "../../src/classifier/neighbours/consistency.ts"
import { decide } from "../../src/registry/gate.ts"
import { readPointer } from "../../src/registry/pointer.ts"
import { compareWithPromoted } from "../../src/registry/promoted.ts"
import { promoteVersion, writeVersion } from "../../src/registry/publish.ts"
import { Store } from "../../src/store/store.ts"
import { memoryStore } from "../support/memoryStore.ts"
import { labelledBatch } from "../support/problems.ts"
import { trainOn } from "../support/trainingRuns.ts"

const batch = (name: string, count: number, share: number, seed: number) => labelledBatch(name, count, share, seed, 0.9)

const RECIPE = { id: "0".repeat(16), parts: {} }

/** Trains on a first batch, promotes that model, trains on both batches, and asks the gate. */
const decisionOn = (first: ReadonlyArray<Sample>, second: ReadonlyArray<Sample>) =>
  Effect.gen(function* () {
    const { classifier: before } = yield* trainOn(first, { head: "linear", epochs: 40 })
    const files: ReadonlyArray<readonly [string, Uint8Array]> = [
      ["classifier.onnx", classifierModel(before, { embedding: 1024 })],
      ["class_names.json", new TextEncoder().encode(JSON.stringify(before.classes))],
      ["training_set.json", new TextEncoder().encode("{}")],
      ["model_metadata.json", new TextEncoder().encode(JSON.stringify({ recipe: RECIPE }))]
    ]
    yield* writeVersion("first", new Map(files))
    yield* promoteVersion("first", Option.none())
    const { dataset, split, classifier } = yield* trainOn([...first, ...second], { head: "linear", epochs: 40 })
    const { served: incumbent } = yield* compareWithPromoted(yield* readPointer(), {
      classifier,
      dataset,
      recipe: RECIPE,
      rows: split.holdout
    })
    const old = new Set(first.map(({ key }) => key))
    const labels = yield* checkLabels(dataset, (key) => !old.has(key))
    return { incumbent, decision: decide("auto", incumbent, { macroF1: 0, recall: 0.05 }, labels) }
  }).pipe(Effect.provideService(Store, memoryStore(new Map())), Effect.runPromise)

test.each([2, 3, 4])("a batch (%i) with 30 % wrong labels is not promoted, and the record says why", async (seed) => {
  const { decision, incumbent } = await decisionOn(batch("first", 300, 0, 1), batch("second", 100, 0.3, seed))
  expect(incumbent.kind).toBe("compared")
  expect(decision.promote).toBe(false)
  expect(decision.why).toMatch(/^Not promoted: .*some of the new labels seem to be wrong: \d+ % of 100 new labels/)
  expect(decision.why).toMatch(/95 % interval/)
})

test("a batch with right labels, from which there is much to learn, is promoted", async () => {
  const { decision } = await decisionOn(batch("first", 60, 0, 1), batch("second", 240, 0, 2))
  expect(decision.promote).toBe(true)
  expect(decision.why).toContain("beyond chance")
})
