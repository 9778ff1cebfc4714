import { expect, test } from "bun:test"
import { describeNext, describeSummary } from "../../pipelines/cli/summaryText.ts"
import { memoryStore } from "../support/memoryStore.ts"
import { smallCorpus, succeed } from "../support/runWorld.ts"

test("a run that could hold nothing out is described without a test", async () => {
  const onePerClass = [...smallCorpus()].filter((_, at) => at === 0 || at === 5)
  const text = describeSummary(await succeed(memoryStore(new Map(onePerClass))))
  expect(text).toContain("Nothing could be held out, so the model is not tested.")
  expect(text).not.toContain("Confusion matrix")
  expect(text).toContain("2 recordings (2 embedded now, 0 reused, 0 skipped)")
})

test("what to do after a demonstration is told in five lines, by commands that there are", async () => {
  const summary = await succeed(memoryStore(smallCorpus()), { audit: false })
  const lines = describeNext(summary).trim().split("\n")
  expect(lines).toHaveLength(5)
  expect(lines[0]).toContain("models/report.html shows what a training gives.")
  const commands = lines.flatMap((line) => /bun run ([\w-]+)/.exec(line)?.[1] ?? [])
  expect(commands).toEqual(["init", "doctor", "retrain", "serve"])
})
