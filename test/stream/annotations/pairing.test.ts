import { expect, test } from "bun:test"
import { pairingOf } from "../../../src/stream/annotations/pairing.ts"

const { ofTable, ofRow } = pairingOf([
  "field_audio/ridge/0500.wav",
  "field_audio/valley/0500.wav",
  "field_audio/valley/0600.flac",
  "field_audio/valley/0600.mp3"
])
const ridge = "field_audio/ridge/0500.wav"

test("a table is of the recording that it is named after, wherever it lies and whatever wrote it", () => {
  for (const table of [
    "annotations/ridge/0500.txt",
    "annotations/ridge/0500.csv",
    "annotations/ridge/0500.wav.csv",
    "annotations/ridge/0500.Table.1.selections.txt",
    "field_audio/ridge/0500.txt",
    "field_audio/ridge/0500.BirdNET.results.csv",
    "field_audio/ridge/0500.BirdNET.selection.table.txt",
    "field_audio/ridge/0500_labels.txt"
  ]) {
    expect([table, ...ofTable(table)]).toEqual([table, ridge])
  }
  expect(ofTable("annotations/ridge/0700.txt")).toEqual([])
  expect(ofTable("annotations/0500.txt")).toEqual([])
  expect(ofTable("annotations/valley/0600.txt")).toHaveLength(2)
  expect(ofTable("annotations/valley/0600.mp3.txt")).toEqual(["field_audio/valley/0600.mp3"])
})

test("a row is of the recording that it names, whatever folders of another machine come before it", () => {
  expect(ofRow("annotations/all.csv", "C:\\data\\ridge\\0500.WAV")).toEqual([ridge])
  expect(ofRow("annotations/all.csv", "/home/me/valley/0500.wav")).toEqual(["field_audio/valley/0500.wav"])
  expect(ofRow("annotations/ridge/all.csv", "0500.wav")).toEqual([ridge])
  expect(ofRow("annotations/all.csv", "0500.wav")).toHaveLength(2)
  expect(ofRow("annotations/all.csv", "0900.wav")).toEqual([])
})
