import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { counted, lengthInWords } from "../config/inWords.ts"
import { Settings } from "../config/settings.ts"
import { Scans } from "../embeddings/scans/scans.ts"
import { answer, runProgram } from "../processes/program.ts"
import { frequentInWords } from "../runs/scan/frequent.ts"
import type { ScanOptions, ScanSummary } from "../runs/scan/scan.ts"
import { scanStore } from "../runs/scan/scanStore.ts"
import { openStoreAt } from "../store/openStore.ts"
import { Store } from "../store/store.ts"
import { Scanning } from "./protocols.ts"

// One scan of the service, `<store>`, in a process of its own that tells the service how it goes.

const [location = ""] = process.argv.slice(2)

/** Milliseconds between two messages on how far it is. */
const PAUSE = 250

const inWords = ({ heard, hours, events, frequent, skipped }: ScanSummary): string => {
  const total = Object.values(events).reduce((sum, count) => sum + count, 0)
  const fresh =
    heard === 0 ? "No recording was new." : `${counted(heard, "recording")} of ${lengthInWords(hours)} heard.`
  const left = skipped.length === 0 ? "" : ` ${skipped.length} could not be heard.`
  const all = `In all that was asked for there ${total === 1 ? "is" : "are"} ${counted(total, "event")}.`
  return [`${fresh}${left}`, all, ...frequentInWords(frequent)].join(" ")
}

runProgram(
  answer(Scanning, undefined, {
    scan: ({ threshold, alarms, ...selection }, tell) =>
      Effect.gen(function* () {
        const settings = yield* Settings
        const store = yield* openStoreAt(location)
        let told = 0
        const asked: ScanOptions = {
          ...selection,
          events: { alarms: alarms ?? settings.alarmsPerHour, threshold, perClass: {} },
          onProgress: (progress) => {
            const now = performance.now()
            if (now - told < PAUSE) return Effect.void
            told = now
            return tell(progress)
          },
          onSkip: (key, reason) => tell({ key, reason })
        }
        const services = Scans.layer.pipe(Layer.provideMerge(Layer.succeed(Store, store)))
        return inWords(yield* scanStore(settings.databaseUrl, asked).pipe(Effect.provide(services)))
      }).pipe(Effect.scoped)
  }).pipe(Effect.provide(Layer.merge(Settings.layer, FetchHttpClient.layer)))
)
