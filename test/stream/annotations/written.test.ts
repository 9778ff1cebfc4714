import { expect, test } from "bun:test"
import { Result } from "effect"
import fc from "fast-check"
import { contentOf } from "../../../src/review/annotate.ts"
import type { Annotation, Annotations } from "../../../src/stream/annotations/annotation.ts"
import { ANNOTATION_WRITERS, readTable, writeAnnotations } from "../../../src/stream/annotations/formats.ts"
import { wrongAnnotation } from "../../../src/stream/annotations/rules.ts"

const RECORDING = "field_audio/ridge; north/a, b.wav"
type Format = keyof typeof ANNOTATION_WRITERS

const read = (text: string) => {
  const table = Result.getOrThrow(readTable(new TextEncoder().encode(text)))
  expect(table.bad).toEqual([])
  return { format: table.format, said: contentOf(table) }
}

/** What a format has a place for. */
const held: Readonly<Record<Format, ReadonlyArray<keyof Annotation>>> = {
  raven: ["confidence", "annotator", "low", "high"],
  csv: ["confidence", "annotator", "low", "high"],
  audacity: ["low", "high"],
  kaleidoscope: ["confidence", "annotator"]
}

/** What can be compared: in one order, to the millisecond, with all that the format holds. */
const plain = ({ annotations, complete }: Annotations, format: Format) => ({
  annotations: annotations
    .map((one) => [
      one.start.toFixed(3),
      one.end.toFixed(3),
      one.label,
      ...held[format].map((name) => one[name] ?? null)
    ])
    .map((one) => JSON.stringify(one))
    .sort(),
  complete: complete
    .map((part) => (part === undefined ? "all" : `${part.start.toFixed(3)} ${part.end.toFixed(3)}`))
    .sort()
})

const stretch = fc
  .tuple(fc.integer({ min: 0, max: 90_000_000 }), fc.integer({ min: 0, max: 600_000 }))
  .map(([from, length]) => ({ start: from / 1000, end: (from + length) / 1000 }))
const text = fc
  .oneof(fc.string({ unit: "grapheme", maxLength: 40 }), fc.constantFrom('"owl"', 'a "b"', '"', '""', "owl, barn; a"))
  .map((one) => one.trim())
const share = fc.integer({ min: 0, max: 1_000_000 }).map((millionth) => millionth / 1e6)
const hertz = fc.double({ min: 0, max: 96_000, noNaN: true })
const annotation = fc
  .tuple(
    stretch,
    text,
    fc.record(
      { confidence: share, annotator: text.filter((name) => name !== ""), low: hertz, high: hertz },
      { requiredKeys: [] }
    )
  )
  .map(([times, label, more]): Annotation => ({ ...times, label, ...more }))
  .filter((one) => wrongAnnotation(one) === undefined)
const part = fc.option(
  stretch.filter(({ start, end }) => end > start),
  { nil: undefined }
)
const annotations: fc.Arbitrary<Annotations> = fc.record({
  annotations: fc.array(annotation, { maxLength: 6 }),
  complete: fc.uniqueArray(part, { maxLength: 3, selector: (one) => one ?? null })
})

test("what is read of a recording is written back in each format, as far as it has a place for it", () => {
  for (const format of ["raven", "csv", "audacity", "kaleidoscope"] as const) {
    fc.assert(
      fc.property(annotations, (said) => {
        const once = writeAnnotations(ANNOTATION_WRITERS[format], said, RECORDING)
        const again = read(once)
        if (said.annotations.length + said.complete.length > 0) expect(again.format).toBe(format)
        expect(plain(again.said, format)).toEqual(plain(said, format))
        expect(writeAnnotations(ANNOTATION_WRITERS[format], again.said, RECORDING)).toBe(once)
      }),
      { numRuns: 200 }
    )
  }
})

test("a selection table of Raven's is taken, and given back as Raven orders its columns", () => {
  const head = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)"
  const { said } = read(
    `${head}\tSpecies\tAnalyst\n1\tSpectrogram 1\t1\t1.25\t2.5\t200.5\t9500\towl\tann\n` +
      "2\tSpectrogram 1\t1\t7\t8\t\t\tgull\t\n3\tSpectrogram 1\t1\t0\t30\t\t\tcomplete\t\n"
  )
  expect(writeAnnotations(ANNOTATION_WRITERS.raven, said, "field_audio/ridge/a.wav")).toBe(
    `${head}\tSpecies\tConfidence\tAnnotator\tBegin File\tFile Offset (s)\n` +
      "1\tSpectrogram 1\t1\t0.000\t30.000\t\t\tcomplete\t\t\ta.wav\t0.000\n" +
      "2\tSpectrogram 1\t1\t1.250\t2.500\t200.5\t9500\towl\t\tann\ta.wav\t1.250\n" +
      "3\tSpectrogram 1\t1\t7.000\t8.000\t\t\tgull\t\t\ta.wav\t7.000\n"
  )
})

test("a span of less than a millisecond does not become a point, which would be the whole recording or nothing", () => {
  for (const span of [
    { start: 0, end: 0.0004 },
    { start: 5, end: 5.0002 }
  ]) {
    const written = writeAnnotations(ANNOTATION_WRITERS.csv, { annotations: [], complete: [span] }, RECORDING)
    expect(read(written).said).toEqual({ annotations: [], complete: [] })
  }
})

test("what people say is Kaleidoscope's MANUAL ID, and what programs say its AUTO ID", () => {
  const at = (start: number) => ({ start, end: start + 1, label: "owl" })
  const said = [at(0), { ...at(1), annotator: "ann" }, { ...at(2), annotator: "ann", confidence: 0.5 }]
  const complete = [{ start: 4, end: 5 }]
  const text = writeAnnotations(
    ANNOTATION_WRITERS.kaleidoscope,
    { annotations: [...said, { ...at(3), confidence: 0.5 }], complete },
    "field_audio/ridge/a.wav"
  )
  const rows = text.trim().split("\n").slice(1)
  expect(rows.map((row) => row.split(",").slice(6))).toEqual([
    ["", "", "owl", ""],
    ["", "", "owl", "ann"],
    ["", "0.500000", "owl", "ann"],
    ["owl", "0.500000", "", ""],
    ["", "", "complete", ""]
  ])
})
