import {
  makeSoundscape,
  type Soundscape,
  type SoundscapeSettings
} from "../../classifier/evaluation/field/soundscape.ts"
import type { FieldSounds } from "./fieldSounds.ts"

/** A recording's length at most. */
const FILE_SECONDS = 1800

/** Soundscapes of these sounds, as many as it takes, none longer than half an hour; none where nothing can be heard. */
export const makeScenes = (
  { backgrounds, events }: FieldSounds,
  settings: SoundscapeSettings
): ReadonlyArray<Soundscape> => {
  const files = Math.max(1, Math.ceil(settings.seconds / FILE_SECONDS))
  return Array.from({ length: files }, (_, file) =>
    makeSoundscape(backgrounds, events, {
      ...settings,
      seconds: settings.seconds / files,
      seed: (Math.imul(settings.seed + 1, 1009) + file) | 0
    })
  ).filter((scene) => scene !== undefined)
}
