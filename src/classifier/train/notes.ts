import type { Dataset } from "../dataset.ts"
import type { EmbedderLayers } from "../features/features.ts"
import { soundsOf } from "../features/soundsOf.ts"
import type { HeadDescription } from "../heads/head.ts"

const UNNAMED =
  'No class is named by a sound that YAMNet knows: with names such as "dog_bark" or "chainsaw" the model begins with what YAMNet hears of them.'

/** What a training has to do without, a sentence each. */
export const trainingNotes = (
  { classes }: Pick<Dataset, "classes">,
  { scores }: Pick<EmbedderLayers, "scores">,
  descriptions: ReadonlyArray<HeadDescription>,
  /** Epochs that the first network was trained for without validation that might have ended them. */
  epochs: number | undefined
): ReadonlyArray<string> => {
  const sounds = descriptions.some(({ prior }) => prior !== null) ? scores?.sounds : undefined
  const isUnnamed = sounds !== undefined && classes.every((name) => soundsOf(name, sounds).length === 0)
  return [
    ...(epochs === undefined
      ? []
      : [`There are no validation recordings: trained for all ${epochs} epochs, without early stopping.`]),
    ...(isUnnamed ? [UNNAMED] : [])
  ]
}
