import { expect, setDefaultTimeout, test } from "bun:test"
import { Effect } from "effect"
import { dogBark, gunShot } from "../../src/runs/demo/sounds.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { encodeWav } from "../../src/sound/wav.ts"
import { folderStore } from "../../src/store/folder.ts"
import type { Store } from "../../src/store/store.ts"
import { flac } from "../support/codedFiles.ts"
import { failure, fill, json, keysIn, smallCorpus, succeed } from "../support/runWorld.ts"
import { temporaryFolder } from "../support/stores.ts"

setDefaultTimeout(60_000)

const inFolder = (use: (store: Store["Service"]) => Promise<void>) =>
  Effect.runPromise(
    temporaryFolder.pipe(
      Effect.flatMap((folder) => Effect.promise(() => use(folderStore(folder)))),
      Effect.scoped
    )
  )

const RATE = 16_000

/** Ten seconds of faint noise with a bark at 2 s and a shot at 6 s, half a second each. */
const fieldRecording = (seed: number): Uint8Array => {
  const random = seededRandom(seed)
  const samples = Float32Array.from({ length: 10 * RATE }, () => 0.002 * (random() - 0.5))
  samples.set(
    dogBark(seededRandom(seed), RATE / 2).map((sample) => sample / 2),
    2 * RATE
  )
  samples.set(
    gunShot(seededRandom(seed), RATE / 2).map((sample) => sample / 2),
    6 * RATE
  )
  return encodeWav({ samples, sampleRate: RATE }).bytes
}

const text = (...lines: ReadonlyArray<string>) => new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""))
const TRUTH = ["start,end,label", "2,2.5,Dog bark", "6,6.5,gun_shot"]

const sites = (count: number): Array<readonly [string, Uint8Array]> =>
  Array.from({ length: count }, (_, at) => [`field_audio/site/${at}.wav`, fieldRecording(at)] as const)
const truths = (count: number): Array<readonly [string, Uint8Array]> =>
  Array.from({ length: count }, (_, at) => [`annotations/site/${at}.csv`, text(...TRUTH)] as const)

test("annotated field recordings train a model without any clip, by recording, and are not read again", () =>
  inFolder(async (store) => {
    await fill(store, [...sites(5), ...truths(5)])
    const summary = await succeed(store, {}, { ANNOTATIONS_COMPLETE: "1", FIELD_MINUTES: "2" })
    expect(summary.annotations).toEqual({
      tables: 5,
      recordings: 5,
      annotations: 10,
      clips: { dog_bark: 5, gun_shot: 5 },
      background: 10,
      overlapping: { stretches: 0, seconds: 0 },
      problems: []
    })
    expect(summary).toMatchObject({ recordings: 20, embedded: 20, skipped: [] })
    expect(summary.holdout.perClass.map(({ className }) => className)).toEqual(["clips", "dog_bark", "gun_shot"])
    // All that is cut from one recording is on one side.
    const held = summary.holdout.perClass.map(({ support }) => support)
    expect(held[1]).toBe(held[2]!)
    const set = await json(store, `models/training_set.json`)
    expect(set).toHaveProperty(["field_audio/site/0.wav#t=1.77,2.73&class=dog_bark"])
    // Soundscapes are made of what annotations cut out as they are of clips.
    expect(await keysIn(store, `models/versions/${summary.runId}/field.onnx`)).toHaveLength(1)
    expect(summary.field).not.toBeNull()
    expect(await keysIn(store, "augmented_audio/dog_bark/site/0.wav_1.77-2.73_original")).toHaveLength(1)
    const again = await succeed(store, {}, { ANNOTATIONS_COMPLETE: "1", FIELD_MINUTES: "0" })
    expect(again).toMatchObject({ embedded: 0, reused: 20 })
  }))

test("what tables have wrong is named with table and row, and stops nothing", () =>
  inFolder(async (store) => {
    await fill(store, [
      ...smallCorpus(),
      ...sites(3),
      ["annotations/site/0.csv", text(...TRUTH, "8,9,Robin", "40,41,dog_bark", "9.5,12,dog_bark", "x,1,dog_bark")],
      ["annotations/site/9.csv", text(...TRUTH)],
      ["field_audio/site/1.Table.1.selections.txt", text("Begin Time (s)\tEnd Time (s)\tSpecies", "2\t2.5\tdog_bark")],
      ["annotations/site/1.txt", text("6\t6.5\tgun_shot")],
      // A compressed recording of 12 s.
      [
        "field_audio/site/4.flac",
        flac(
          Int32Array.from({ length: 96_000 }, (_, i) => ((i * 37) % 101) - 50),
          { rate: 8000 }
        )
      ],
      [
        "annotations/site/4.csv",
        text("start,end,label", "3,4,gun_shot", "0,400,complete", "20,60,complete", "8,11,complete")
      ],
      ["field_audio/site/notes.txt", text("Rain all night.")],
      ["annotations/site/2.txt", text("Rain all night.")],
      ["field_audio/site/3.wav", fieldRecording(3)],
      ["field_audio/site/3.flac", fieldRecording(3)],
      ["annotations/site/3.txt", text("6\t6.5\tgun_shot")]
    ])
    const { annotations, notes, recordings } = await succeed(store)
    // What was listened to of the compressed one is background up to its end.
    expect(annotations).toMatchObject({ clips: { dog_bark: 2, gun_shot: 3 }, background: 3 })
    expect(recordings).toBe(10 + 2 + 3 + 3)
    const told = annotations!.problems.map(({ table, rows, reason }) => [table, rows, reason] as const)
    const problem = (table: string, rows: ReadonlyArray<number>, reason: string) =>
      expect(told).toContainEqual([table, [...rows], expect.stringContaining(reason)])
    problem("annotations/site/0.csv", [4], '"Robin" is no class that has recordings')
    problem("annotations/site/0.csv", [5], "It lies behind the recording, which ends at 10 s")
    problem("annotations/site/0.csv", [6], "It goes on behind the recording")
    problem("annotations/site/0.csv", [7], 'Its start, "x", is not a number of seconds.')
    problem("annotations/site/9.csv", [2, 3], "It is of no recording")
    problem("annotations/site/2.txt", [], "It is no table of annotations")
    problem("field_audio/site/1.Table.1.selections.txt", [], "It is not used for field_audio/site/1.wav")
    problem(
      "annotations/site/3.txt",
      [1],
      "It may be of any of these: field_audio/site/3.flac, field_audio/site/3.wav."
    )
    problem("annotations/site/4.csv", [3], "It goes on behind the recording, which ends at 12 s")
    problem("annotations/site/4.csv", [4], "It lies behind the recording, which ends at 12 s")
    expect(told).toHaveLength(10)
    expect(notes.join(" ")).toContain("7 more in tables of annotations: the run's record has them.")
  }))

test("without any class, the sentence names both ways to have some", () =>
  inFolder(async (store) => {
    await fill(store, sites(1))
    expect(await failure(store)).toContain("or annotate field recordings.")
  }))
