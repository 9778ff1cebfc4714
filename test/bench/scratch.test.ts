import { expect, test } from "bun:test"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { folderOf, runProgram } from "../support/program.ts"

const python = Bun.which("python3")
const PEER = join(import.meta.dir, "../../bench/peers/ecosight_pipeline.py")

// The names that a checkout of EcoSight has, with sleep for work: 0.2 s of augmentation, 0.4 of embedding, 0.1 of training.
const STAND_IN = `
import json, time
from pathlib import Path
from types import SimpleNamespace as names

BASE = Path(__file__).parent.parent
S3_AVAILABLE, AUGMENTATION_AVAILABLE = False, True
tf, hub = names(__version__="0"), names(load=lambda handle: handle)

def augment_directory(out):
    time.sleep(0.2)
    for sound in (BASE / "extracted_audio").rglob("*.wav"):
        for variant in range(6):
            copy = out / sound.parent.name / f"{sound.stem}_{variant}.wav"
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.touch()

class ModelRetrainingPipeline:
    def __init__(self):
        assert S3_AVAILABLE and get_s3_storage().download_extracted_audio(str(BASE / "extracted_audio"))
        augment_directory(BASE / "augmented_audio")

    def extract_features_batch(self):
        time.sleep(0.4)
        return list((BASE / "augmented_audio").rglob("*.wav"))[LEFT_OUT:]

    def retrain_model(self, yamnet):
        assert yamnet == "SavedModel"
        files = self.extract_features_batch()
        time.sleep(0.1)
        (BASE / "models").mkdir()
        log = {"retraining_history": [{"total_samples": len(files), "epochs_trained": 3}]}
        (BASE / "models/retraining_log.json").write_text(json.dumps(log))

def main():
    print("what it says")
    ModelRetrainingPipeline().retrain_model(hub.load("https://hub"))
`

const storeOf = (leftOut: number) =>
  folderOf({
    "theirs/scripts/retrain_model.py": STAND_IN.replace("LEFT_OUT", `${leftOut}`),
    "theirs/src/audio_augmentation.py": "",
    "ours/extracted_audio/dog/a.wav": "",
    "ours/extracted_audio/gun/b.wav": ""
  })

const runPeer = (root: string, folder: string) => {
  const task = { ecosight: join(root, "theirs"), recordings: join(root, "ours"), folder, yamnet: "SavedModel" }
  const { stdout, stderr, exitCode } = Bun.spawnSync([python!, PEER, JSON.stringify(task)])
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode }
}

test.skipIf(python === null)(
  "EcoSight's stages are told apart, and its checkout and the recordings stay as they are (skipped without python3)",
  async () => {
    await using folder = await storeOf(0)
    await using work = await folderOf({})
    const before = (await readdir(folder.root, { recursive: true })).sort()
    const { stdout, exitCode } = runPeer(folder.root, work.root)
    expect(exitCode).toBe(0)
    const lines = stdout.trimEnd().split("\n")
    const told = Object.fromEntries(lines.map((line) => JSON.parse(line)).map(({ what, median }) => [what, median]))
    expect(told["files embedded"]).toBe(12)
    expect(told.epochs).toBe(3)
    expect(told.augmentation).toBeGreaterThanOrEqual(0.2)
    expect(told.embedding).toBeGreaterThanOrEqual(0.4)
    expect(told.training).toBeGreaterThanOrEqual(0.1)
    // Embedding lies within what trains, and is not counted twice.
    const stages = ["start", "augmentation", "loading YAMNet", "embedding", "training"]
    expect(stages.reduce((sum, stage) => sum + told[stage], 0)).toBeLessThanOrEqual(told.total)
    expect((await readdir(folder.root, { recursive: true })).sort()).toEqual(before)
  }
)

test.skipIf(python === null)(
  "an EcoSight that leaves files out is no measurement (skipped without python3)",
  async () => {
    await using folder = await storeOf(1)
    await using work = await folderOf({})
    const { stdout, stderr, exitCode } = runPeer(folder.root, work.root)
    expect(exitCode).not.toBe(0)
    expect(stdout).toBe("")
    expect(stderr).toContain("It embedded 11 of 12 files.")
  }
)

test.skipIf(python === null)("a folder that is no checkout is one sentence (skipped without python3)", async () => {
  await using folder = await folderOf({ "theirs/README.md": "", "ours/extracted_audio/dog/a.wav": "" })
  await using work = await folderOf({})
  const { stderr } = runPeer(folder.root, work.root)
  expect(stderr).toContain("theirs is no checkout of EcoSight: it has no scripts/retrain_model.py.\n")
  expect(stderr).not.toContain("Traceback")
})

test("too few recordings, and a Python that is not there, are one sentence", async () => {
  await using folder = await storeOf(0)
  const args = ["--ecosight", join(folder.root, "theirs"), "--python", "no-such-python", "--recordings"]
  const none = await runProgram("scratch", [...args, folder.root])
  expect(none.code).toBe(1)
  expect(none.stderr).toContain("holds no WAV or MP3 files in extracted_audio/<class>/.")
  const few = await runProgram("scratch", [...args, join(folder.root, "ours"), "--new", "3"])
  expect(few.stderr).toContain("holds 2 recordings, fewer than 3 in extracted_audio/<class>/.")
  const absent = await runProgram("scratch", [...args, join(folder.root, "ours")])
  expect(absent.code).toBe(1)
  expect(absent.stderr).toContain("EcoSight: there is no no-such-python; name a Python with --python")
})
