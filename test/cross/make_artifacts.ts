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
import type { Head } from "../../src/classifier/heads/head.ts"
import { HEADS } from "../../src/classifier/heads/heads.ts"
import { withoutOthers } from "../../src/classifier/train/train.ts"
import { rowSize } from "../../src/embedder/frontEnd.ts"
import { untrainedNetwork } from "../../src/embedder/yamnet/untrained.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { gaussian } from "../support/problems.ts"
import { corpus, tapped, trainedRun, WITH_TAPS } from "../support/trainingRuns.ts"
import { embedWaveform } from "../support/waveform.ts"

const folder = process.argv[2]
if (folder === undefined) throw new Error("Say which folder to write to.")

const ensemble = { hidden: [24, 12], dropout: [0.3, 0.2], members: 3, mixup: 0.2, labelSmoothing: 0.1 }
const heads: Readonly<Record<string, Pick<Head, "description" | "mixedWith">>> = {
  ...HEADS,
  "ensemble of embeddings": { description: { ...HEADS.mlp.description, ...ensemble } },
  "ensemble of scores": {
    description: { ...HEADS.audioset.description, optimizer: "adam", ...ensemble, smallestDeviation: 0.1 }
  }
}

for (const [head, { description, mixedWith }] of Object.entries(heads)) {
  const settings = { head: "auto", description, ...(mixedWith && { mixedWith }), epochs: 12 } as const
  const trained = await Effect.runPromise(trainedRun(tapped(corpus(12)), settings))
  const alone = withoutOthers(trained.classifier)
  const run = { ...trained, classifier: { ...trained.classifier, ...(alone && { alone }) } }
  const artifacts = await Effect.runPromise(exportArtifacts(run, undefined))
  const random = seededRandom(8)
  // Clips of many levels, one of them constant, which standardisation must not turn into NaN.
  const rows = Array.from({ length: 100 }, (_, row) =>
    Float32Array.from({ length: rowSize({ vectors: WITH_TAPS }) }, () =>
      row === 0 ? 0.25 : Math.max(0, gaussian(random)) * 2 ** (row % 9)
    )
  )
  const waveform = Float32Array.from({ length: 24_000 }, (_, i) => 0.3 * Math.sin(i / 7) + 0.05 * gaussian(random))
  const probe = {
    classes: run.dataset.classes,
    history: trainingHistory(run),
    validated: description.earlyStopping,
    rows: rows.map((row) => [...row]),
    served: rows.map((row) => [...predict(run.classifier, row)]),
    // The .keras file's: embeddings alone, and what its classifier makes of them.
    vectors: rows.map((row) => [...row.subarray(0, 1024)]),
    probabilities: rows.map((row) => [...predict(alone ?? run.classifier, row)]),
    waveform: [...waveform],
    waveformProbabilities: [...predict(run.classifier, await embedWaveform(waveform, untrainedNetwork()))]
  }
  await mkdir(`${folder}/${head}`, { recursive: true })
  for (const [file, bytes] of artifacts) await Bun.write(`${folder}/${head}/${file}`, bytes)
  await Bun.write(`${folder}/${head}/probe.json`, JSON.stringify(probe))
}
