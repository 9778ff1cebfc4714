import type { ScannedRecording } from "../../embeddings/scans/scannedRecording.ts"
import { findOddities, type Oddity } from "../../sound/field/timeline.ts"
import { findTime } from "../../sound/field/wallClock.ts"
import { siteOf } from "../../store/keys.ts"

/** A recording that was heard, and where it lies now. */
interface Heard {
  readonly key: string
  readonly recording: Pick<ScannedRecording, "seconds" | "facts">
}

/** What is odd about recordings in time, site by site: gaps, overlaps, clocks. Those without a time are left out. */
export const odditiesIn = (heard: ReadonlyArray<Heard>): ReadonlyArray<Oddity> =>
  [...Map.groupBy(heard, ({ key }) => siteOf(key)).values()].flatMap((site) =>
    findOddities(
      site.flatMap(({ key, recording: { seconds, facts } }) => {
        const start = findTime(facts.startedAt ?? "")
        const recorder = facts.recorder === undefined ? {} : { recorder: facts.recorder }
        return start === undefined ? [] : [{ key, start, seconds, ...recorder }]
      })
    )
  )
