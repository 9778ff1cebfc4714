import { expect, test } from "bun:test"
import { Effect } from "effect"
import { partName } from "../../src/embeddings/parts.ts"
import type { Sighting } from "../../src/embeddings/sighting.ts"
import { decodeSightings, encodeSightings } from "../../src/embeddings/sightingPart.ts"
import { Ffmpeg } from "../../src/sound/decode/ffmpeg.ts"

const refused: Sighting = { key: "a.wma", etag: "1", size: 9, contentHash: "c", unusable: "The file is WMA." }
const { unusable: _, ...untried } = refused

/** What one machine remembers of a recording that another refused, each with a program beside it or without. */
const remembered = (writer: string | undefined, reader: string | undefined) =>
  Effect.gen(function* () {
    const bytes = yield* encodeSightings([refused]).pipe(Effect.provideService(Ffmpeg, writer))
    return yield* decodeSightings("part", partName(bytes), bytes).pipe(Effect.provideService(Ffmpeg, reader))
  }).pipe(Effect.runPromise)

test("what was refused for want of ffmpeg is tried again once it is installed", async () => {
  expect(await remembered(undefined, "/usr/bin/ffmpeg")).toEqual([untried])
  expect(await remembered(undefined, undefined)).toEqual([refused])
  expect(await remembered("/usr/bin/ffmpeg", "/opt/ffmpeg")).toEqual([refused])
  expect(await remembered("/usr/bin/ffmpeg", undefined)).toEqual([untried])
})
