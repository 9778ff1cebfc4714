import { expect, setDefaultTimeout, test } from "bun:test"
import { join } from "node:path"
import { untrainedNetwork } from "../../src/embedder/yamnet/untrained.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { encodeWav } from "../../src/sound/wav.ts"
import { recordingKey } from "../../src/store/keys.ts"
import { fieldRecording } from "../support/fieldWorld.ts"
import { toTfjs } from "../support/modelFiles.ts"
import { folderOf, resultOf, runProgram } from "../support/program.ts"
import { smallCorpus, sound } from "../support/runWorld.ts"
import { standInScores } from "../support/trainingRuns.ts"

// Each run starts a process or two, on a machine that may be busy.
setDefaultTimeout(180_000)

/** A corpus, and a whole YAMNet that has learnt nothing. */
const world = (recordings = smallCorpus()) => {
  const yamnet = toTfjs({ ...untrainedNetwork(), scores: standInScores() }, "")
  return folderOf({
    ...Object.fromEntries([...recordings].map(([key, bytes]) => [`store/${key}`, bytes])),
    ...Object.fromEntries([...yamnet].map(([name, bytes]) => [`yamnet/${name}`, bytes]))
  })
}

/** Shots, barks and wind from six sources each at two sites. */
const sites = () =>
  new Map(
    (["dog_bark", "gun_shot", "background"] as const).flatMap((className, label) =>
      Array.from({ length: 6 }, (_, at) => {
        const key = recordingKey(className, `site-${"AB"[at % 2]}/${100 * label + at}.wav`)
        return [key, className === "background" ? wind(at) : sound(className, 100 * label + at)] as const
      })
    )
  )

/** Two seconds of noise. */
const wind = (seed: number): Uint8Array => {
  const random = seededRandom(seed)
  return encodeWav({ samples: Float32Array.from({ length: 32_000 }, () => 0.1 * random() - 0.05), sampleRate: 16_000 })
    .bytes
}

const evaluate = (root: string, args: ReadonlyArray<string>) =>
  runProgram(
    "evaluate",
    ["--store", "store", "--folds", "2", "--epochs", "2", "--augmentations", "0", ...args],
    { YAMNET_MODEL: join(root, "yamnet"), ENGINE: "native" },
    root
  )

test("heads are compared in a table, a page and JSON; what was embedded stays so", async () => {
  await using folder = await world()
  const args = ["--compare", "linear,audioset", "--repeats", "1", "--json"]
  const { code, stdout, stderr } = await evaluate(folder.root, args)
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining("Embedding: 10 of 10 clips") })
  expect(stdout).toContain("macro-F1 less linear's")
  const result = resultOf({ stdout }) as { heads: Array<{ head: string }>; differences: Array<{ head: string }> }
  expect(result).toMatchObject({ recordings: 10, sources: 10, folds: 2, repeats: 1 })
  expect(result.heads.map(({ head }) => head)).toEqual(["linear", "audioset"])
  expect(result.differences.map(({ head }) => head)).toEqual(["audioset"])
  const page = await Bun.file(join(folder.root, "evaluation.html")).text()
  expect(page).toContain("<h1>Evaluation of ")
  expect(page).not.toMatch(/<script|https?:\/\/|NaN/)

  const again = await evaluate(folder.root, args)
  expect(again.stderr).not.toContain("Embedding:")
  const timeless = (text: string) => text.replaceAll(/"seconds":[\d.]+/g, "")
  expect(timeless(again.stdout.trimEnd().split("\n").at(-1)!)).toBe(timeless(stdout.trimEnd().split("\n").at(-1)!))
})

test("where nothing can be tested, the answer says so and makes no figure", async () => {
  const [dog, gun] = [...smallCorpus()].filter((_, at) => at === 0 || at === 5)
  await using folder = await world(new Map([dog!, gun!]))
  const { code, stdout } = await evaluate(folder.root, ["--compare", "audioset", "--json"])
  expect(code).toBe(0)
  expect(resultOf({ stdout })).toEqual({
    heads: [],
    notes: [
      ...["dog_bark", "gun_shot"].map(
        (name) => `Class "${name}" is not tested: 1 recording from one source cannot say how others fare; add sources.`
      ),
      "Nothing can be tested: add recordings from other sources to at least two classes."
    ]
  })
})

test("a head, a class or a place that there is not is refused in one sentence", async () => {
  await using folder = await world()
  const head = await evaluate(folder.root, ["--compare", "linear,forest"])
  expect(head.code).toBe(1)
  expect(head.stderr).toContain("--compare takes heads separated by commas: mlp, linear, audioset, layers, auto.")
  const report = await evaluate(folder.root, ["--report", "no/such/folder/page.html"])
  expect(report.code).toBe(1)
  expect(report.stderr).toContain("/no/such/folder: name another place with --report.")
  // Before anything is computed.
  expect(report.stderr).not.toContain("Listing")
  for (const [args, refusal] of [
    [["--report", "store"], "store is a folder: name the report's file with --report."],
    [["--report", "yamnet/model.json/page.html"], "/model.json: name another place with --report."],
    [["--by", "fold\\d", "--test", "."], "--by leaves parts of the store out, and --test tests on another one"],
    [["--keep", "yamnet/model.json"], "Soundscapes cannot be written into yamnet/model.json: name another folder"]
  ] as const) {
    const { code, stderr } = await evaluate(folder.root, args)
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(refusal) })
    expect(stderr).not.toContain("Listing")
  }
  for (const args of [
    ["--background", "wind"],
    ["--field", "--background", "dog_bark", "--event-seconds", "2,wind=1"]
  ]) {
    const { code, stderr } = await evaluate(folder.root, args)
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('There is no class "wind": there are dog_bark, gun_shot.')
    })
  }
})

test("sites are left out in turn and heard in soundscapes of their own, which are kept where asked", async () => {
  await using folder = await world(sites())
  const { code, stdout, stderr } = await evaluate(folder.root, [
    ...["--compare", "linear", "--by", "site-(.)/", "--field", "--field-minutes", "1", "--events-per-hour", "600"],
    ...["--snr=0,10", "--event-seconds", "0.4,dog_bark=0.2", "--keep", "kept", "--json"]
  ])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  const result = resultOf({ stdout }) as {
    repeats: number
    parts: Array<{ part: string; recordings: number }>
    field: {
      heads: Array<{
        figures: { hours: number; classes: Array<{ className: string }> }
        parts: Array<{ part: string }>
      }>
    }
  }
  expect(result.repeats).toBe(1)
  expect(result.parts.map(({ part, recordings }) => [part, recordings])).toEqual([
    ["A", 9],
    ["B", 9]
  ])
  const [{ figures, parts }] = result.field.heads as [(typeof result.field.heads)[0]]
  expect(parts.map(({ part }) => part)).toEqual(["A", "B"])
  expect(figures.hours).toBeCloseTo(2 / 60, 6)
  expect(figures.classes.map(({ className }) => className)).toEqual(["dog_bark", "gun_shot"])
  expect(await Bun.file(join(folder.root, "evaluation.html")).text()).toContain("<h2>In the field</h2>")

  const kept = join(folder.root, "kept")
  expect((await Bun.file(join(kept, "field_audio/A/20250612_050000.wav")).bytes()).length).toBe(44 + 2 * 16_000 * 60)
  const table = (await Bun.file(join(kept, "annotations/A/20250612_050000.txt")).text()).trimEnd().split("\n")
  expect(table[0]).toStartWith("Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)")
  expect(table.length).toBeGreaterThan(3)
  for (const row of table.slice(1)) {
    const [, , , start, end, , , species, ratio] = row.split("\t")
    expect(Number(end) - Number(start)).toBeCloseTo(species === "dog_bark" ? 0.2 : 0.4, 2)
    expect(Number(ratio)).toBeWithin(0, 10.01)
  }
})

test("annotated field recordings of the sites left out are heard instead of soundscapes, where there are enough", async () => {
  const calls = [
    { at: 2, className: "dog_bark" as const },
    { at: 6, className: "gun_shot" as const }
  ]
  const table = new TextEncoder().encode("# complete\nstart,end,label\n2,2.5,dog_bark\n6,6.5,gun_shot\n")
  const recordings = Array.from({ length: 6 }, (_, at) => `${"AB"[at % 2]}/${at}`)
  await using folder = await world(
    new Map([
      ...sites(),
      ...recordings.map((name, at) => [`field_audio/${name}.wav`, fieldRecording(10, calls, at)] as const),
      ...recordings.map((name) => [`annotations/${name}.csv`, table] as const)
    ])
  )
  const { code, stdout, stderr } = await evaluate(folder.root, [
    ...["--compare", "linear", "--by", "(?:site-|field_audio/)(.)/", "--field", "--field-minutes", "1", "--json"]
  ])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  const { field } = resultOf({ stdout }) as {
    field: { heads: Array<{ figures: object; parts: Array<{ part: string; figures: object }> }> }
  }
  expect(field.heads).toMatchObject([
    {
      figures: { judgedBy: "recordings", hours: 1 / 60, events: 12, sources: 6 },
      parts: ["A", "B"].map((part) => ({ part, figures: { judgedBy: "recordings", events: 6, sources: 3 } }))
    }
  ])
  expect(stdout).toContain("annotated field recordings of 6 sources left out: 12 events")
  // Nobody knows the ratios there.
  expect(stdout).not.toMatch(/^heard by .*ratio/m)
})

test("what is left out is heard from afar, and kinds of background that no training heard are asked about", async () => {
  await using folder = await world(sites())
  const { code, stdout, stderr } = await evaluate(folder.root, [
    ...["--compare", "linear", "--by", "site-(.)/", "--afar", "0dB,2kHz,forest", "--kinds", "/20(\\d)\\.", "--json"]
  ])
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining("Hearing from afar: 18 of 18") })
  expect(stdout).toContain("answers kept")
  expect(stdout).toContain("sound of no class")
  const { afar, unknown } = resultOf({ stdout }) as {
    afar: {
      recordings: number
      heads: Array<{ heard: Array<{ way: string; recordings: number; parts: Array<{ part: string }> }> }>
    }
    unknown: {
      heads: Array<{
        heard: { recordings: number }
        unheard: Array<{ kind: string }>
        allUnheard: { recordings: number; taken: { value: number }; alarms: { value: number } }
      }>
    }
  }
  expect(afar.recordings).toBe(18)
  expect(afar.heads[0]!.heard.map(({ way, recordings, parts }) => [way, recordings, parts.length])).toEqual(
    ["as it is", "0dB", "2kHz", "forest"].map((way) => [way, 18, 2])
  )
  const [{ heard, unheard, allUnheard }] = unknown.heads as [(typeof unknown.heads)[0]]
  expect(heard.recordings).toBe(6)
  expect(unheard.map(({ kind }) => kind)).toEqual(["0", "1", "2", "3", "4", "5"])
  expect(allUnheard.recordings).toBe(6)
  expect(allUnheard.alarms.value).toBeLessThanOrEqual(allUnheard.taken.value)
  const page = await Bun.file(join(folder.root, "evaluation.html")).text()
  expect(page).toContain("<h2>From afar</h2>")
  expect(page).toContain("<h2>Sounds of no class</h2>")
  expect(page).not.toContain("NaN")

  const none = await evaluate(folder.root, ["--compare", "linear", "--kinds", "rain"])
  expect(none.code).toBe(1)
  expect(none.stderr).toContain(
    'rain finds nothing in the keys of "background", which look like extracted_audio/background/site-A/200.wav.'
  )
})

test("ways of hearing that there are not, or that need a background, are refused before anything is trained", async () => {
  await using folder = await world()
  const way = await evaluate(folder.root, ["--afar", "0dB,rain"])
  expect(way.code).toBe(1)
  expect(way.stderr).toContain("all, or ways to hear, such as --afar=0dB,2kHz,forest")
  expect(way.stderr).not.toContain("Listing")
  for (const [args, option] of [
    [["--afar", "2kHz,0dB"], "--afar 0dB"],
    [["--unknown"], "--unknown"]
  ] as const) {
    const mixed = await evaluate(folder.root, ["--compare", "linear", ...args])
    expect(mixed.code).toBe(1)
    expect(mixed.stderr).toContain(`${option} needs a class of background: name it clips or background, or say`)
    expect(mixed.stderr).not.toContain("Testing")
  }
})

test("another store is tested on, without what both have the same source of", async () => {
  const all = [...sites()]
  const isA = ([key]: (typeof all)[0]) => key.includes("site-A")
  await using folder = await folderOf({
    ...Object.fromEntries([...all.filter(isA), ...all.slice(1, 2)].map(([key, bytes]) => [`store/${key}`, bytes])),
    ...Object.fromEntries(all.filter((one) => !isA(one)).map(([key, bytes]) => [`other/${key}`, bytes])),
    ...Object.fromEntries(
      [...toTfjs({ ...untrainedNetwork(), scores: standInScores() }, "")].map(([name, bytes]) => [
        `yamnet/${name}`,
        bytes
      ])
    )
  })
  const { code, stdout, stderr } = await evaluate(folder.root, [
    "--compare",
    "layers,linear",
    "--test",
    "other",
    "--json"
  ])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  expect(resultOf({ stdout })).toMatchObject({
    recordings: 9,
    parts: ["layers", "linear"].map((head) => ({ head, part: "other", recordings: 9, sources: 9 })),
    notes: expect.arrayContaining(["10 of 19 recordings are in no part: they test nothing."])
  })
})

test("a pattern that finds no parts, or the field without a background, is refused in one sentence", async () => {
  await using folder = await world()
  const none = await evaluate(folder.root, ["--by", "fold\\d"])
  expect(none.code).toBe(1)
  expect(none.stderr).toContain("--by fold\\d matches no recording's key: keys look like extracted_audio/dog_bark/")
  const quiet = await evaluate(folder.root, ["--field", "--compare", "linear", "--repeats", "1"])
  expect(quiet.code).toBe(1)
  expect(quiet.stderr).toContain("--field needs a class of background")
})
