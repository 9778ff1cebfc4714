import { expect, setDefaultTimeout, test } from "bun:test"
import { join } from "node:path"
import { Effect } from "effect"
import { makeScanRecipe } from "../../../src/embeddings/scans/scanRecipe.ts"
import { Scans } from "../../../src/embeddings/scans/scans.ts"
import { PART_WINDOWS } from "../../../src/runs/scan/recordingsInHand.ts"
import { seededRandom } from "../../../src/sound/random.ts"
import { folderStore } from "../../../src/store/folder.ts"
import { memoryStore } from "../../support/memoryStore.ts"
import { fill } from "../../support/runWorld.ts"
import { eventsIn, fieldRecording, scanOn, scanServices, trainedStore } from "../../support/scanWorld.ts"
import { temporaryFolder } from "../../support/stores.ts"
import { frontEnd, tiny } from "../../support/tinyEmbedder.ts"

setDefaultTimeout(600_000)

const INSTANTS = process.env.TEST_SLOW === undefined ? 4 : 20
const PART_SECONDS = (PART_WINDOWS * frontEnd.hop) / frontEnd.sampleRate
/** Of two and a half parts, less than one, and a few seconds. */
const LENGTHS = [2.5 * PART_SECONDS, 0.4 * PART_SECONDS, 7]

/** A scan in a process of its own, killed at the `count`th news of it and a little later; whether it lived. */
const scanUntil = async (location: string, count: number, delay: number) => {
  const child = Bun.spawn(["bun", join(import.meta.dir, "mortalScan.ts"), location], { stdout: "pipe", stderr: "pipe" })
  const errors = new Response(child.stderr).text()
  let left = count
  for await (const chunk of child.stdout) {
    const isBefore = left > 0
    left -= new TextDecoder().decode(chunk).split("\n").length - 1
    if (isBefore && left <= 0) setTimeout(() => child.kill("SIGKILL"), delay)
  }
  await child.exited
  if (child.signalCode !== "SIGKILL" && child.exitCode !== 0) throw new Error(await errors)
  return child.signalCode !== "SIGKILL"
}

test(`killed at any of ${INSTANTS} instants a scan goes on: the same events, and nothing stored is heard again`, async () => {
  const sounds = LENGTHS.map((seconds, at) => [`field_audio/ridge/${at}.wav`, fieldRecording(seconds, at, 97)] as const)
  const { objects, runId } = await trainedStore()
  const unhurt = memoryStore(new Map(objects))
  await fill(unhurt, sounds)
  const whole = await scanOn(unhurt)
  const events = await eventsIn(unhurt, runId)
  expect(events.length).toBeGreaterThan(5)

  await Effect.runPromise(
    temporaryFolder.pipe(
      Effect.flatMap((folder) =>
        Effect.promise(async () => {
          const store = folderStore(folder)
          await fill(store, [...objects, ...sounds])
          const random = seededRandom(INSTANTS)
          for (let instant = 0; instant < INSTANTS; instant++) {
            // Most die while there is still something to hear; a few after it.
            if (await scanUntil(folder, 1 + Math.floor(random() * 30), Math.floor(random() * 200))) break
          }
          const last = await scanOn(store)
          expect(last.skipped).toEqual([])
          expect(await eventsIn(store, runId)).toEqual(events)
          const recipe = makeScanRecipe(tiny, "float32")
          const known = await Effect.runPromise(
            Effect.flatMap(Scans, (scans) => scans.index(recipe)).pipe(Effect.provide(scanServices(store)))
          )
          const stored = [...known.recordings.values()]
          expect(stored.reduce((sum, { windows }) => sum + windows, 0)).toBe(whole.patches)
          // Each window once: what was stored before a death was not heard again.
          expect(stored.flatMap((recording) => known.placesOf(recording)).every(({ skip }) => skip === 0)).toBe(true)
          expect((await scanOn(store)).patches).toBe(0)
        })
      ),
      Effect.scoped
    )
  )
})
