import { Effect } from "effect"
import { Ffmpeg } from "./ffmpeg.ts"

/** Raised whenever recordings that were refused may be read. */
const VERSION = 3
/** With ffmpeg more is read. */
const FFMPEG = 0.5

/**
 * Which decoder reads recordings here: remembered beside those that are unusable, so that these are tried again where
 * another one, which may read them, does.
 */
export const decoderVersion = Effect.map(Ffmpeg, (program) => (program === undefined ? VERSION : VERSION + FFMPEG))
