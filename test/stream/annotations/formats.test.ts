import { expect, test } from "bun:test"
import { Result } from "effect"
import type { Detection, ReadOptions } from "../../../src/stream/annotations/annotation.ts"
import { readTable, WRITERS, writeTable } from "../../../src/stream/annotations/formats.ts"

const read = (text: string | Uint8Array, options?: ReadOptions) =>
  Result.getOrThrow(readTable(typeof text === "string" ? new TextEncoder().encode(text) : text, options))
const lines = (...rows: ReadonlyArray<string>) => rows.map((row) => `${row}\n`).join("")

const RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)"

test("a selection of Raven's counts once, whatever views show it, with what any of them tells", () => {
  const { format, rows, bad } = read(
    lines(
      `${RAVEN}\tSpecies`,
      "1\tWaveform 1\t1\t1.25\t2.5\t\t\tdog_bark",
      "1\tSpectrogram 1\t1\t1.25\t2.5\t200.0\t4000.0\tdog_bark",
      "2\tWaveform 1\t1\t7\t8\t\t\t",
      "2\tSpectrogram 1\t1\t7\t8\t100\t900\tgun_shot"
    )
  )
  expect(format).toBe("raven")
  expect(bad).toEqual([])
  expect(rows).toEqual([
    { row: 2, start: 1.25, end: 2.5, label: "dog_bark", low: 200, high: 4000 },
    { row: 5, start: 7, end: 8, label: "gun_shot", low: 100, high: 900 }
  ])
})

test("the class is in one of the usual columns, or in the one that is named", () => {
  for (const column of ["Annotation", "Label", "Class", "Tags", "Call type", "Common Name", "SPECIES", "call_type"]) {
    expect(read(lines(`${RAVEN}\t${column}`, "1\tSpectrogram 1\t1\t0\t1\t0\t1\towl")).rows[0]!.label).toBe("owl")
  }
  const other = lines(`${RAVEN}\tWhat\tSpecies`, "1\tSpectrogram 1\t1\t0\t1\t0\t1\towl\tStrix aluco")
  expect(read(other).rows[0]!.label).toBe("Strix aluco")
  expect(read(other, { labelColumn: "What" }).rows[0]!.label).toBe("owl")
  expect(read(lines(RAVEN, "1\tSpectrogram 1\t1\t0\t1\t0\t1")).bad).toEqual([
    {
      row: 1,
      reason: expect.stringContaining("is known to say the class: call it Label, or name it in ANNOTATION_COLUMN.")
    }
  ])
})

test("a table over several files counts from the beginning of each", () => {
  const { rows } = read(
    lines(
      `${RAVEN}\tBegin File\tFile Offset (s)\tSpecies`,
      "1\tSpectrogram 1\t1\t3.0\t4.0\t0\t1\ta.wav\t3.0\towl",
      "2\tSpectrogram 1\t1\t63.5\t64.5\t0\t1\tb.wav\t3.5\towl"
    )
  )
  expect(rows.map(({ file, start, end }) => [file, start, end])).toEqual([
    ["a.wav", 3, 4],
    ["b.wav", 3.5, 4.5]
  ])
})

test("decimal commas, marks, line ends and encodings of any system are read alike", () => {
  const text = `${RAVEN}\tSpecies\r\n1\tSpectrogram 1\t1\t1,25\t2,5\t200,0\t4.000,5\tHäher\r\n`
  const utf16 = Buffer.from(`\uFEFF${text}`, "utf16le")
  const western = Buffer.from(text, "latin1")
  for (const bytes of [Buffer.from(text), Buffer.from(`\uFEFF${text}`), utf16, utf16.subarray(2), western]) {
    expect(read(bytes).rows).toMatchObject([{ row: 2, start: 1.25, end: 2.5, label: "Häher", low: 200 }])
  }
})

test("Audacity's labels are read, their bands and points with them", () => {
  const { format, rows, bad } = read(
    lines("0.500000\t1.750000\tdog", "\\\t120.5\t4000.0", "3,0\t3,0\tgun shot", "\\\t-1.0\t900.0", "5.0\t6.0\t")
  )
  expect(format).toBe("audacity")
  expect(rows).toEqual([
    { row: 1, start: 0.5, end: 1.75, label: "dog", low: 120.5, high: 4000 },
    { row: 3, start: 3, end: 3, label: "gun shot", high: 900 }
  ])
  expect(bad).toEqual([{ row: 5, reason: "It names no class." }])
})

test("BirdNET's results are read in all of its forms", () => {
  const owl = { start: 3, end: 6, confidence: 0.75 }
  const forms = [
    lines(
      `${RAVEN}\tCommon Name\tSpecies Code\tConfidence\tBegin Path\tFile Offset (s)`,
      "1\tSpectrogram 1\t1\t3.0\t6.0\t0\t15000\tTawny Owl\ttawowl1\t0.75\t/data/a.wav\t3.0"
    ),
    lines("3.0\t6.0\tTawny Owl\t0.75"),
    lines("Start (s),End (s),Scientific name,Common name,Confidence", "3.0,6.0,Strix aluco,Tawny Owl,0.75"),
    lines(
      "filepath,start,end,scientific_name,common_name,confidence,lat,lon,week,overlap,sensitivity,min_conf,species_list,model",
      "/data/a.wav,3.0,6.0,Strix aluco,Tawny Owl,0.75,-1,-1,-1,0,1,0.1,,BirdNET"
    ),
    lines(
      "INDIR,FOLDER,IN FILE,OFFSET,DURATION,scientific_name,common_name,confidence,lat,lon,week,overlap,sensitivity",
      "/data,night,a.wav,3.0,3.0,Strix aluco,Tawny Owl,0.75,-1,-1,-1,0,1"
    )
  ]
  for (const form of forms) expect(read(form).rows).toMatchObject([{ ...owl, label: "Tawny Owl" }])
  expect(forms.map((form) => read(form).format)).toEqual(["raven", "audacity", "birdnet", "birdnet", "kaleidoscope"])
  expect(forms.map((form) => read(form).rows[0]!.file)).toEqual([
    "/data/a.wav",
    undefined,
    undefined,
    "/data/a.wav",
    "night/a.wav"
  ])
})

test("Kaleidoscope's tables are read, a person's word before the program's", () => {
  const { format, rows, bad } = read(
    lines(
      "INDIR,FOLDER,IN FILE,CHANNEL,OFFSET,DURATION,Fmin,Fmean,Fmax,TOP1MATCH,MANUAL ID*",
      "C:\\a,s1,x.wav,0,1.5,0.25,500,600,700,cluster01,Rail",
      "C:\\a,s1,x.wav,0,9,1,500,600,700,cluster02,",
      "C:\\a,s1,x.wav,0,,1,500,600,700,cluster02,"
    )
  )
  expect(format).toBe("kaleidoscope")
  expect(rows).toEqual([
    { row: 2, start: 1.5, end: 1.75, label: "Rail", file: "s1/x.wav" },
    { row: 3, start: 9, end: 10, label: "cluster02", file: "s1/x.wav" }
  ])
  expect(bad).toEqual([{ row: 4, reason: 'Its start, "", is not a number of seconds.' }])
})

test("plain tables are read with a header or without, between commas, semicolons or tabs", () => {
  const owl = [{ start: 1.5, end: 2.25, label: "owl, barn", confidence: 0.5, annotator: "ann" }]
  for (const text of [
    lines("start,end,label,confidence,annotator", '1.5,2.25,"owl, barn",0.5,ann'),
    lines("Start;End;Label;Confidence;Annotator", "1,5;2,25;owl, barn;0,5;ann"),
    lines("annotator\tlabel\tonset\toffset\tscore", "ann\towl, barn\t1.5\t2.25\t0.5"),
    lines('1.5,2.25,"owl, barn",0.5,ann'),
    lines("1,5;2,25;owl, barn;0,5;ann"),
    lines("label,begin,duration,confidence,annotator", '"owl, barn",1.5,0.75,0.5,ann')
  ]) {
    expect(read(text).rows).toMatchObject(owl)
  }
})

test("a first line that names the delimiter is no row, and rows keep their numbers in the file", () => {
  for (const [first, text] of [
    ["sep=;", "start;end;label\n1,5;2,25;owl, barn\nx;2;owl\n"],
    ["sep=,", 'start,end,label\n1.5,2.25,"owl, barn"\nx,2,owl\n'],
    ['"sep=;"', "start;end;label,x,y,z\n1,5;2,25;owl, barn\nx;2;owl\n"],
    ["SEP=|", "start|end|label\n1.5|2.25|owl, barn\nx|2|owl\n"],
    ["sep=\t", "start\tend\tlabel\n1.5\t2.25\towl, barn\nx\t2\towl\n"]
  ] as const) {
    for (const end of ["\n", "\r\n"]) {
      const { rows, bad } = read(`\uFEFF${first}\n${text}`.replaceAll("\n", end), { labelColumn: "label,x,y,z" })
      expect(rows).toEqual([{ row: 3, start: 1.5, end: 2.25, label: "owl, barn" }])
      expect(bad).toEqual([{ row: 4, reason: 'Its start, "x", is not a number of seconds.' }])
    }
  }
  expect(read("sep=;\n1;2;owl\n").rows).toEqual([{ row: 2, start: 1, end: 2, label: "owl" }])
})

test("what is complete is said by a comment, by a point at the beginning or by a span", () => {
  expect(read("# complete\nstart,end,label\n1,2,owl\n").complete).toEqual([{}])
  expect(read("# complete\n").complete).toEqual([{}])
  expect(read("0\t0\tcomplete\n").complete).toEqual([{ row: 1 }])
  const { rows, complete } = read("start,end,label,file\n1,2,owl,a.wav\n0,60,Complete,a.wav\n")
  expect(rows).toHaveLength(1)
  expect(complete).toEqual([{ span: { start: 0, end: 60 }, row: 3, file: "a.wav" }])
  expect(read("").complete).toEqual([])
})

test("a point within a recording says of nothing that it was listened to", () => {
  for (const text of ["5.0\t5.0\tcomplete\n", "5,5,complete\n", "start,end,label\n5,5,Complete\n"]) {
    const { rows, complete, bad } = read(text)
    expect([rows, complete]).toEqual([[], []])
    expect(bad).toEqual([
      { row: text.split("\n").length - 1, reason: expect.stringMatching(/^It says of a point in time, at 5 s, .*\.$/) }
    ])
  }
})

test("a remark is one whatever it holds, and no row", () => {
  for (const table of ["start,end,label\n1,2,owl\n", "start\tend\tlabel\n1\t2\towl\n", "1;2;owl\n"]) {
    const { rows, bad, complete } = read(`# June, by ear; at the creek\n${table}# complete, but for the last hour\n`)
    expect([rows.map(({ start, end, label }) => [start, end, label]), bad, complete]).toEqual([[[1, 2, "owl"]], [], []])
  }
  expect(read("#,start,end,label\n7,1,2,owl\n").rows).toMatchObject([{ start: 1, end: 2, label: "owl" }])
})

test("a bad row is named with its line, and the others are read", () => {
  const { rows, bad } = read(lines("start,end,label", "1,2,owl", "x,2,owl", "3,2,owl", "-1,2,owl", "1,2,", "4,5,owl"))
  expect(rows.map(({ row }) => row)).toEqual([2, 7])
  expect(bad).toEqual([
    { row: 3, reason: 'Its start, "x", is not a number of seconds.' },
    { row: 4, reason: "It ends at 2 s, before it starts, at 3 s." },
    { row: 5, reason: "It starts before the recording does, at -1 s." },
    { row: 6, reason: "It names no class." }
  ])
})

test("a time later than any recording is no time, of a class as of what is complete", () => {
  const { rows, bad, complete } = read(lines("start,end,label", "0,1e12,complete", "1e9,1e9,owl", "0,86400,complete"))
  expect([rows, complete]).toEqual([[], [{ span: { start: 0, end: 86_400 }, row: 4 }]])
  expect(bad).toEqual([
    { row: 2, reason: "It ends at 1000000000000 s, later than any recording: are its times in seconds?" },
    { row: 3, reason: "It ends at 1000000000 s, later than any recording: are its times in seconds?" }
  ])
})

test("a row that says more than can be kept is told, and the others are read", () => {
  const long = "o".repeat(201)
  const { rows, bad } = read(
    lines(
      "start,end,label,confidence,low,high",
      `1,2,${long},,,`,
      `1,2,${long.slice(1)},,,`,
      "1e999,1e999,owl,,,",
      "1,1e999,owl,,,",
      "1,2,owl,1e999,,",
      "1,2,owl,,-1e999,",
      "1,2,owl,,,1e999",
      "1,2,owl,0.5,100,900"
    )
  )
  expect(rows.map(({ row }) => row)).toEqual([3, 9])
  const beyond = (name: string) => `Its ${name} is further from 0 than numbers go.`
  expect(bad).toEqual([
    { row: 2, reason: "Its label is longer than 200 characters." },
    { row: 4, reason: beyond("start") },
    { row: 5, reason: beyond("end") },
    { row: 6, reason: beyond("confidence") },
    { row: 7, reason: beyond("low") },
    { row: 8, reason: beyond("high") }
  ])
})

test("a time in a file of several is one of that file: neither before it nor later than any lasts", () => {
  const { rows, bad } = read(
    lines(
      `${RAVEN}\tBegin File\tFile Offset (s)\tSpecies`,
      "1\tSpectrogram 1\t1\t3e6\t3000001\t0\t1\ta.wav\t3.0\towl",
      "2\tSpectrogram 1\t1\t63\t64\t0\t1\tb.wav\t-3.5\towl",
      "3\tSpectrogram 1\t1\t63\t61\t0\t1\tb.wav\t100\towl",
      "4\tSpectrogram 1\t1\t63\t64\t0\t1\tb.wav\t2e6\towl",
      "5\tSpectrogram 1\t1\t63\t64\t0\t1\tb.wav\t1e999\towl"
    )
  )
  expect(rows).toMatchObject([{ row: 2, start: 3, end: 4 }])
  expect(bad.map(({ reason }) => reason)).toEqual([
    "It starts before the recording does, at -3.5 s.",
    "It ends at 61 s, before it starts, at 63 s.",
    "It ends at 2000001 s, later than any recording: are its times in seconds?",
    "Its offset is further from 0 than numbers go."
  ])
})

test("what is no table is refused in a sentence", () => {
  const why = (text: string) => Result.getOrThrow(Result.flip(readTable(new TextEncoder().encode(text))))
  expect(why("Notes of the day: rain.\n")).toStartWith("It is no table of annotations: known are")
  expect(why('start,end,label\n1,2,"owl\n2,3,owl\n')).toStartWith("A quotation mark in it is never closed")
})

test("what is written is read back", () => {
  const detections: ReadonlyArray<Detection> = [
    {
      recording: "field_audio/r, s/a.wav",
      start: 0.48,
      end: 1.44,
      class: "dog_bark",
      peak: 0.9,
      mean: 0.75,
      windows: 1
    },
    {
      recording: "field_audio/r, s/a.wav",
      start: 3600.96,
      end: 3603.36,
      class: "gun_shot",
      peak: 0.5,
      mean: 0.5,
      windows: 3,
      at: "2025-06-12T05:00:00+10:00"
    }
  ]
  const said = detections.map(({ start, end, class: label }) => ({ start, end, label }))
  for (const name of ["raven", "audacity", "csv", "kaleidoscope"] as const) {
    const { format, rows, bad } = read(writeTable(WRITERS[name], detections))
    expect(format).toBe(name)
    expect(bad).toEqual([])
    expect(rows).toMatchObject(said)
  }
  expect(read(writeTable(WRITERS.kaleidoscope, detections)).rows[0]!.file).toBe("r, s/a.wav")
  expect(read(writeTable(WRITERS.raven, detections)).rows[1]).toMatchObject({ confidence: 0.5, file: "a.wav" })
  const objects = writeTable(WRITERS.jsonl, detections).trim().split("\n")
  expect(objects.map((line): unknown => JSON.parse(line))).toEqual([...detections])
})

test("a label that no class's folder could have is told with its row, and the others are read", () => {
  const odd = ["../x", "..", "*", ".hidden", "a/b", "a\\b", "--", "dog\u0007", "dog\u2028cat", "\u202egod"]
  const fine = ["Tawny Owl", "Häher", "Сова", "owl?", "# 7", "unknown", "owl, barn"]
  const table = [...odd, ...fine].map((label) => `1\t2\t${label}`)
  const { rows, bad } = read(lines(...table))
  expect(rows.map(({ label }) => label)).toEqual(fine)
  expect(bad.map(({ row }) => row)).toEqual(odd.map((_, at) => at + 1))
  expect(bad[0]!.reason).toStartWith(
    "Its label, \"../x\", cannot be a class's, which is a folder's name: write it with"
  )
  expect(bad.slice(7).map(({ reason }) => reason)).toEqual(
    ["dog\\u0007", "dog\\u2028cat", "\\u202egod"].map(
      (label) => `Its label, "${label}", holds characters that cannot be written, such as a line break.`
    )
  )
})

test("a confidence that is none, and a band upside down, are told with their row", () => {
  const { rows, bad } = read(
    lines(
      "start,end,label,confidence,low,high",
      "1,2,owl,1.5,,",
      "1,2,owl,-0.1,,",
      "1,2,owl,0.5,900,100",
      "1,2,owl,1,100,100",
      "1,2,owl,0,900,"
    )
  )
  expect(rows.map(({ row }) => row)).toEqual([5, 6])
  expect(bad).toEqual([
    { row: 2, reason: "Its confidence, 1.5, is not from 0 to 1." },
    { row: 3, reason: "Its confidence, -0.1, is not from 0 to 1." },
    { row: 4, reason: "Its low frequency, 900 Hz, is above its high one, 100 Hz." }
  ])
  expect(read("1\t2\towl\n\\\t900\t100\n").bad).toMatchObject([{ row: 1 }])
})

test("a table with two columns of one meaning is refused by name, and one whose second says the same is read", () => {
  const rename = "leave one of them, or rename it."
  for (const [head, reason] of [
    ["start,start,end,label", `Its columns 1 and 2 are of one meaning (start, start): ${rename}`],
    ["Start (s),end,label,START_S", `Its columns 1 and 4 are of one meaning (Start (s), START_S): ${rename}`],
    ["start,end,label,Label", `Its columns 3 and 4 are of one meaning (label, Label): ${rename}`],
    [
      "start,end,label,confidence,confidence",
      `Its columns 4 and 5 are of one meaning (confidence, confidence): ${rename}`
    ],
    ["start,end,label,file,file", `Its columns 4 and 5 are of one meaning (file, file): ${rename}`],
    ["start,end,label,begin", `Its columns start and begin are of one meaning and differ in row 2: ${rename}`]
  ] as const) {
    const { rows, bad } = read(lines(head, "1,2,3,4,5"))
    expect([rows, bad]).toEqual([[], [{ row: 1, reason }]])
  }
  expect(read(lines("start,end,label,begin", "1,2,owl,1.0")).rows).toHaveLength(1)
  expect(read(lines("start,end,label,start time", "1,2,owl,05:00:01")).rows).toHaveLength(1)
  expect(read(lines("start,end,label,notes,notes", "1,2,owl,a,b")).rows).toHaveLength(1)
})

test("Kaleidoscope's MANUAL ID has what a person says, and a table that is read again has it, too", () => {
  const event = { recording: "field_audio/s/a.wav", class: "dog_bark", peak: 0.9, mean: 0.75, windows: 1 }
  const detections: ReadonlyArray<Detection> = [undefined, "dog_bark", "gun_shot", ""].map((judged, at) => ({
    ...{ ...event, start: at, end: at + 1 },
    judged
  }))
  const text = writeTable(WRITERS.kaleidoscope, detections)
  const ids = text.trim().split("\n").slice(1)
  expect(ids.map((line) => line.split(",").slice(6))).toEqual([
    ["dog_bark", "0.900000", ""],
    ["dog_bark", "0.900000", "dog_bark"],
    ["dog_bark", "0.900000", "gun_shot"],
    ["dog_bark", "0.900000", "NoID"]
  ])
  const { rows, bad } = read(text)
  expect(rows.map(({ start, label }) => [start, label])).toEqual([
    [0, "dog_bark"],
    [1, "dog_bark"],
    [2, "gun_shot"]
  ])
  expect(bad).toEqual([])
})
