/**
 * Trains every kind of classifier on made-up data and exports them, for check_artifacts.py to open in Python.
 *
 * Usage: bun test/cross/make_artifacts.ts FOLDER
 * A folder for each kind gets every artefact and probe.json: inputs, and what the project makes of them.
 */
import { mkdir } from "node:fs/promises"
import { Effect } from "effect"
import { predict } from "../../src/classifier/classifier.ts"
import { exportArtifacts } from "../../src/classifier/export/artifacts.ts"
import { trainingHistory } from "../../src/classifier/export/metadata.ts"
import type { HeadDescription } from "../../src/classifier/heads/head.ts"
import { HEADS } from "../../src/classifier/heads/heads.ts"
import { untrainedNetwork } from "../../src/embedder/yamnet/untrained.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { gaussian } from "../support/problems.ts"
import { corpus, trainedRun } from "../support/trainingRuns.ts"
import { embedWaveform } from "../support/waveform.ts"

const folder = process.argv[2]
if (folder === undefined) throw new Error("Say which folder to write to.")

const ensemble = { hidden: [24, 12], dropout: [0.3, 0.2], members: 3, mixup: 0.2, labelSmoothing: 0.1 }
const heads: Readonly<Record<string, HeadDescription>> = {
  ...Object.fromEntries(Object.entries(HEADS).map(([name, { description }]) => [name, description])),
  "ensemble of embeddings": { ...HEADS.mlp.description, ...ensemble },
  "ensemble of scores": { ...HEADS.audioset.description, ...ensemble, smallestDeviation: 0.1 }
}

for (const [head, description] of Object.entries(heads)) {
  const run = await Effect.runPromise(trainedRun(corpus(12), { head: "auto", description, epochs: 12 }))
  const artifacts = await Effect.runPromise(exportArtifacts(run, undefined))
  const random = seededRandom(7)
  // Clips of many levels, one of them constant, which standardisation must not turn into NaN.
  const vectors = Array.from({ length: 40 }, (_, row) =>
    Float32Array.from({ length: 1024 }, () => (row === 0 ? 0.25 : Math.max(0, gaussian(random)) * 2 ** (row % 9)))
  )
  const waveform = Float32Array.from({ length: 24_000 }, (_, i) => 0.3 * Math.sin(i / 7) + 0.05 * gaussian(random))
  const probe = {
    classes: run.dataset.classes,
    history: trainingHistory(run),
    validated: description.earlyStopping,
    vectors: vectors.map((vector) => [...vector]),
    probabilities: vectors.map((vector) => [...predict(run.classifier, vector)]),
    waveform: [...waveform],
    waveformProbabilities: [...predict(run.classifier, await embedWaveform(waveform, untrainedNetwork()))]
  }
  await mkdir(`${folder}/${head}`, { recursive: true })
  for (const [file, bytes] of artifacts) await Bun.write(`${folder}/${head}/${file}`, bytes)
  await Bun.write(`${folder}/${head}/probe.json`, JSON.stringify(probe))
}
