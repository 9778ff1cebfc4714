import { Effect, Option } from "effect"
import { SAMPLE_RATE } from "../../sound/clip.ts"
import { seededRandom } from "../../sound/random.ts"
import { encodeWav } from "../../sound/wav.ts"
import { recordingKey } from "../../store/keys.ts"
import { Store } from "../../store/store.ts"
import { dogBark, engineIdling, gunShot, noise } from "./sounds.ts"

const SOUNDS = { dog_bark: dogBark, engine_idling: engineIdling, gun_shot: gunShot }
const SOURCES = 16
const TAKES = 2
const SECONDS = 2

/**
 * Puts a synthesised corpus into the store: three classes, 16 sources each, 2 takes a source.
 *
 * Each take mixes its own sound with another class's and with wind, at levels that make some of them ambiguous,
 * so that no model is perfect by construction. Always the same bytes.
 */
export const writeDemoCorpus = Effect.fn("writeDemoCorpus")(function* () {
  const store = yield* Store
  const takes = Object.keys(SOUNDS).flatMap((className, classNumber) =>
    Array.from({ length: SOURCES * TAKES }, (_, i) => ({
      className: className as keyof typeof SOUNDS,
      name: `${1000 * (classNumber + 1) + Math.floor(i / TAKES)}-${classNumber}-0-${i % TAKES}.wav`
    }))
  )
  yield* Effect.forEach(
    takes,
    Effect.fnUntraced(function* ({ className, name }) {
      const key = recordingKey(className, name)
      // What is there stays, so that a second run finds nothing new.
      if (Option.isNone(yield* store.find(key))) yield* store.put(key, synthesise(className, name))
    }),
    { concurrency: 4, discard: true }
  )
})

const synthesise = (className: keyof typeof SOUNDS, name: string): Uint8Array => {
  const random = seededRandom(Bun.hash.crc32(name))
  const length = SECONDS * SAMPLE_RATE
  const others = Object.values(SOUNDS).filter((sound) => sound !== SOUNDS[className])
  const own = SOUNDS[className](random, length)
  const other = others[Math.floor(random() * others.length)]!(random, length)
  const wind = noise(random, length, 400)
  const level = 0.2 + 0.5 * random()
  const otherLevel = 0.35 * random() ** 2
  const windLevel = 0.15 * random()
  const samples = own.map((sample, i) => 0.7 * (level * sample + otherLevel * other[i]! + windLevel * wind[i]!))
  return encodeWav({ samples, sampleRate: SAMPLE_RATE }).bytes
}
