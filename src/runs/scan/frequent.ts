import { OFTEN } from "../../config/alarmRates.ts"
import { siteOf } from "../../store/keys.ts"
import type { PlacedRecording } from "./fieldRecordings.ts"
import type { EventCounts } from "./storedEvents.ts"
import type { ToldFrom } from "./toldFrom.ts"

/** A class that is told at a site far oftener than false alarms were allowed. */
export interface Frequent {
  readonly site: string
  readonly name: string
  readonly perHour: number
}

/** Hours of a site that must be heard: of less sound a rate says little. */
const LEAST_HOURS = 0.25

/**
 * What is told so often at a site that nobody can live with it if it is false, the most frequent first: of the classes of which
 * so many false alarms an hour were to be allowed by the sound that the model was tested in.
 */
export const frequentIn = (
  counts: EventCounts,
  recordings: ReadonlyArray<PlacedRecording>,
  { tested, silent, alarmsPerHour }: Pick<ToldFrom, "tested" | "silent" | "alarmsPerHour">
): ReadonlyArray<Frequent> => {
  if (alarmsPerHour === null) return []
  const bySite = Map.groupBy(recordings, ({ key }) => siteOf(key))
  return [...counts]
    .flatMap(([site, own]) => {
      const hours = bySite.get(site)!.reduce((sum, { recording }) => sum + recording.seconds, 0) / 3600
      return [...tested, ...silent].map((name) => ({ site, name, hours, perHour: (own.get(name) ?? 0) / hours }))
    })
    .filter(({ hours, perHour }) => hours >= LEAST_HOURS && perHour > alarmsPerHour + OFTEN)
    .map(({ site, name, perHour }) => ({ site, name, perHour }))
    .sort((a, b) => b.perHour - a.perHour)
}

/** The same in a sentence, of the most frequent of each class. */
export const frequentInWords = (frequent: ReadonlyArray<Frequent>): ReadonlyArray<string> =>
  [...Map.groupBy(frequent, ({ name }) => name)].map(([name, [most, ...others]]) => {
    const where = most!.site === "" ? "In what lies in no site's folder" : `At ${most!.site}`
    const more = others.length === 0 ? "" : `, and often at ${others.length} more,`
    return (
      `${where}${more} ${name} is told ${Math.round(most!.perHour)} times an hour: either it is common there, or the site's own ` +
      "sound is taken for it. Judge some of these, or have events told from a higher probability."
    )
  })
