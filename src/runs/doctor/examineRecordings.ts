import { Effect, Option, Stream } from "effect"
import { FEW_SOURCES } from "../../classifier/evaluation/worth.ts"
import { counted } from "../../config/inWords.ts"
import { Settings } from "../../config/settings.ts"
import { BACKGROUND, backgroundOf } from "../../store/className.ts"
import { classOf, groupOf } from "../../store/keys.ts"
import { Store } from "../../store/store.ts"
import { corpus } from "../../stream/recordings.ts"
import { tooFewClasses } from "../planRun.ts"
import { note, ok, wrong } from "./finding.ts"

/** What is found of a corpus unread. */
export interface Found {
  readonly recordings: number
  readonly bytes: number
}

/** The recordings by class, which classes have few sources, and which is the background. */
export const examineRecordings = Effect.fn("examineRecordings")(function* () {
  const { location } = yield* Store
  const groupPattern = Option.getOrUndefined((yield* Settings).groupPattern)
  const classes = new Map<string, { recordings: number; readonly sources: Set<string> }>()
  const found = { recordings: 0, bytes: 0 }
  let astray = 0
  yield* corpus.pipe(
    Stream.runForEach(({ key, size }) =>
      Effect.sync(() => {
        const className = classOf(key)
        if (className === undefined) return void astray++
        const own = classes.get(className) ?? { recordings: 0, sources: new Set() }
        classes.set(className, own)
        own.recordings++
        own.sources.add(groupOf(key, groupPattern))
        found.recordings++
        found.bytes += size
      })
    )
  )
  const names = [...classes.keys()].sort()
  const tooFew = tooFewClasses(location, names)
  const few = names.filter((name) => classes.get(name)!.sources.size < FEW_SOURCES)
  const counts = names.map((name) => `${name} ${classes.get(name)!.recordings}`)
  const background = backgroundOf(names)
  const findings = [
    tooFew === undefined
      ? ok("recordings", `${found.recordings} in ${counted(names.length, "class", "classes")}: ${counts.join(", ")}.`)
      : wrong("recordings", tooFew),
    ...(few.length === 0
      ? []
      : [
          note(
            "recordings",
            `Few sources, so that figures of these classes will say little: ${few
              .map((name) => `${name} (${classes.get(name)!.sources.size})`)
              .join(
                ", "
              )}. Add recordings of ${FEW_SOURCES} sources or more; GROUP_PATTERN says how names tell sources.`
          )
        ]),
    ...(astray === 0
      ? []
      : [
          note(
            "recordings",
            `${astray} lie in no class's folder, and are left out: move them into extracted_audio/<class>/.`
          )
        ]),
    ...(names.length === 0
      ? []
      : [
          background === undefined
            ? note(
                "recordings",
                `No class is the background: put what is none of the others into extracted_audio/${BACKGROUND}/, so that ` +
                  "scans of field recordings know silence, wind and traffic."
              )
            : ok("recordings", `${background} is the background.`)
        ])
  ]
  return { found, findings, trainable: tooFew === undefined }
})
