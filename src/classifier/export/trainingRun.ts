import type { Embedder } from "../../embedder/embedder.ts"
import type { Engine } from "../../embedder/engine.ts"
import type { Recipe } from "../../embeddings/recipe.ts"
import type { Comparison } from "../compare.ts"
import type { Dataset } from "../dataset.ts"
import type { FieldFigures } from "../evaluation/field/fieldFigures.ts"
import type { Lasting } from "../events/confirmed.ts"
import type { HoldoutResult } from "../holdoutResult.ts"
import type { DataMap } from "../mapRecordings.ts"
import type { KeptWindows } from "../site/keptWindows.ts"
import type { Split } from "../split.ts"
import type { TrainedClassifier } from "../train/train.ts"

/** A finished training run: all that its artefacts tell. */
export interface TrainingRun {
  readonly runId: string
  /** When training ended. */
  readonly date: Date
  readonly classifier: TrainedClassifier
  /** On the holdout; undefined where there is none. */
  readonly result: HoldoutResult | undefined
  /** What hears field recordings window by window; absent where the classifier of clips does. */
  readonly windows?: TrainedClassifier | undefined
  /** What that learns sites by, where it can. */
  readonly kept?: KeptWindows | undefined
  /** How long the events last that it was trained on. */
  readonly lasting?: Lasting | undefined
  /** In soundscapes of the holdout; absent where nothing could be heard. */
  readonly field?: FieldFigures | undefined
  /** The same of the `.keras` file's classifier, where that is another. */
  readonly kerasResult?: HoldoutResult | undefined
  /** With the model promoted before, where there is one and recordings are held out. */
  readonly comparison?: (Comparison & { readonly promotedRun: string }) | undefined
  readonly dataset: Dataset
  readonly split: Split
  /** The recordings on a plane, where that was computed. */
  readonly map?: DataMap
  readonly recipe: Recipe
  readonly embedder: Embedder
  readonly engine: Pick<Engine["Service"], "name" | "adapter" | "why">
  /** Where the `.keras` file will lie, for the retraining log. */
  readonly modelPath: string
}
