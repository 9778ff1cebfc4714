import { expect, setDefaultTimeout, test } from "bun:test"
import { folderStore } from "../../src/store/folder.ts"
import { folderOf, resultOf, runProgram } from "../support/program.ts"
import { smallCorpus, succeed } from "../support/runWorld.ts"

setDefaultTimeout(180_000)

test("a review is listed, and decisions are carried out and remembered", async () => {
  const key = "extracted_audio/gun_shot/100-1-0-0.wav"
  const moved = "extracted_audio/dog_bark/100-1-0-0.wav"
  const objects = smallCorpus()
  objects.set("extracted_audio/gun_shot/same.wav", objects.get(key)!)
  await using folder = await folderOf(Object.fromEntries(objects))
  const review = (...args: ReadonlyArray<string>) => runProgram("review", [...args, "--json"], {}, folder.root)

  const early = await review()
  expect([early.code, early.stderr]).toEqual([1, expect.stringContaining("run bun run retrain first")])

  await succeed(folderStore(folder.root), { audit: false })
  const listed = await review()
  expect(listed.stdout).toContain("Labels that are likely wrong")
  expect(resultOf(listed)).toMatchObject({ recordings: 11, unknown: 0, silent: [] })
  expect(listed.stdout).toContain("gun_shot/same.wav")

  expect(resultOf(await review("set-aside", key))).toMatchObject([
    { action: "set aside", to: "set_aside/gun_shot/100-1-0-0.wav" }
  ])
  expect(resultOf(await review("aside"))).toEqual(["set_aside/gun_shot/100-1-0-0.wav"])
  expect(resultOf(await review("restore", key))).toMatchObject([{ to: key }])
  const wrong = await review("relabel", key, "fox")
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('There is no class "fox" yet.')])
  expect(resultOf(await review("relabel", key, "dog_bark"))).toMatchObject([{ from: key, to: moved }])
  expect(resultOf(await review("keep", moved))).toMatchObject([{ key: moved, className: "dog_bark" }])
  expect(resultOf(await review("list", "--limit", "1"))).toMatchObject({ recordings: 10, unknown: 1 })
})
