import { findOddities, type Oddity } from "../../sound/field/timeline.ts"
import { findTime } from "../../sound/field/wallClock.ts"
import { siteOf } from "../../store/keys.ts"
import { type PlacedRecording, startOf } from "./fieldRecordings.ts"

/** What is odd at `now` about recordings in time, site by site: gaps, overlaps, clocks. Those without a time are left out. */
export const odditiesIn = (heard: ReadonlyArray<PlacedRecording>, now: number): ReadonlyArray<Oddity> =>
  [...Map.groupBy(heard, ({ key }) => siteOf(key)).values()].flatMap((site) =>
    findOddities(
      site.flatMap((one) => {
        const { key, recording } = one
        const { seconds, facts } = recording
        const start = findTime(startOf(one) ?? "")
        const recorder = facts.recorder === undefined ? {} : { recorder: facts.recorder }
        return start === undefined ? [] : [{ key, start, seconds, ...recorder }]
      }),
      now
    )
  )
