import { expect, test } from "bun:test"
import type { ScannedRecording } from "../../../src/embeddings/scans/scannedRecording.ts"
import { frequentIn, frequentInWords } from "../../../src/runs/scan/frequent.ts"

const recording = (site: string, hours: number) => ({
  key: `field_audio/${site}/${hours}.wav`,
  recording: { seconds: 3600 * hours } as ScannedRecording
})

const counts = (bySite: Readonly<Record<string, Readonly<Record<string, number>>>>) =>
  new Map(Object.entries(bySite).map(([site, own]) => [site, new Map(Object.entries(own))]))

test("what is told at a site an hour thirty times more than was allowed is frequent there", () => {
  const heard = [recording("ridge", 1), recording("ridge", 2), recording("ford", 4), recording("hut", 0.2)]
  const of = { tested: ["saw"], silent: ["dog"] }
  const told = counts({ ridge: { saw: 106, dog: 104 }, ford: { saw: 1000, shot: 900 }, hut: { saw: 300 } })
  expect(frequentIn(told, heard, { ...of, alarmsPerHour: 5 })).toEqual([
    { site: "ford", name: "saw", perHour: 250 },
    { site: "ridge", name: "saw", perHour: 106 / 3 }
  ])
  expect(frequentIn(told, heard, { ...of, alarmsPerHour: 20 })).toEqual([{ site: "ford", name: "saw", perHour: 250 }])
  // Nothing was allowed of what was asked for by a threshold.
  expect(frequentIn(told, heard, { tested: [], silent: [], alarmsPerHour: null })).toEqual([])
})

test("a sentence for each class says where, and what to do", () => {
  const rest =
    "times an hour: either it is common there, or the site's own sound is taken for it. Judge some of these, or have events " +
    "told from a higher probability."
  expect(
    frequentInWords([
      { site: "ford", name: "saw", perHour: 250.4 },
      { site: "", name: "dog", perHour: 41 },
      { site: "ridge", name: "saw", perHour: 36 }
    ])
  ).toEqual([
    `At ford, and often at 1 more, saw is told 250 ${rest}`,
    `In what lies in no site's folder dog is told 41 ${rest}`
  ])
})
