import { Effect, Option, Schema } from "effect"
import { CliError, Flag } from "effect/cli"
import { ALARM_RATES, type AlarmRate, UNMEASURED_THRESHOLD } from "../../src/config/alarmRates.ts"
import { counted } from "../../src/config/inWords.ts"
import { Settings } from "../../src/config/settings.ts"
import { type EventRequest, withThresholds } from "../../src/runs/scan/eventOptions.ts"
import { TABLE_FORMATS } from "../../src/runs/scan/tables.ts"
import { readTime } from "../../src/sound/field/wallClock.ts"

// Flags of the commands that say what is heard in field recordings.

export const scanFlags = {
  site: Flag.String("site").pipe(
    Flag.withDescription("Only recordings of this site: field_audio/<site>/"),
    Flag.optional
  ),
  since: Flag.String("since").pipe(
    Flag.withDescription(
      "Only recordings that start at this time or later, by their names or headers: 2025-06-12 or 2025-06-12T05:00:00 as their recorders' clocks showed it, 2025-06-12T05:00:00Z or with another offset the instant"
    ),
    Flag.optional
  ),
  model: Flag.String("model").pipe(
    Flag.withDescription("The version that says what is heard, as models list shows it (default: the promoted one)"),
    Flag.optional
  ),
  alarms: Flag.ChoiceWithValue(
    "alarms",
    ALARM_RATES.map((rate) => [String(rate), rate] as const)
  ).pipe(
    Flag.withDescription(
      "False alarms of each class an hour that are allowed, as the model had them in the sound that it was tested in; a site " +
        "with other sounds may have more (default: " +
        "ALARMS_PER_HOUR, else 5)"
    ),
    Flag.optional
  ),
  threshold: Flag.String("threshold").pipe(
    Flag.withDescription(
      "Probabilities that make an event instead, of all classes or of single ones: 0.9, gun_shot=0.7 (of a class that " +
        `was not tested there: ${UNMEASURED_THRESHOLD})`
    ),
    Flag.optional
  ),
  format: Flag.String("format").pipe(
    Flag.withDescription(`Tables of events to write, separated by commas: ${TABLE_FORMATS.join(", ")} (default: none)`),
    Flag.optional
  ),
  out: Flag.String("out").pipe(
    Flag.withDescription("The folder that tables are written into (default: events)"),
    Flag.withDefault("events")
  )
}

interface ScanFlags {
  readonly site: Option.Option<string>
  readonly since: Option.Option<string>
  readonly model: Option.Option<string>
  readonly alarms: Option.Option<AlarmRate>
  readonly threshold: Option.Option<string>
  readonly format: Option.Option<string>
}

const Formats = Schema.NonEmptyArray(Schema.Literals(TABLE_FORMATS))

const refuse = (cause: string) => new CliError.UserError({ cause: new Error(cause) })

/** What the flags ask for, once they can be understood. */
export const readScanFlags = Effect.fn("readScanFlags")(function* (flags: ScanFlags) {
  const site = Option.getOrUndefined(flags.site)
  if (site === "" || site?.includes("/")) {
    return yield* refuse(`--site takes the name of a folder right below field_audio, such as ridge, not "${site}".`)
  }
  const since = Option.getOrUndefined(flags.since)
  if (since !== undefined && readTime(since) === undefined) {
    return yield* refuse(
      `--since takes a day that there is, such as 2025-06-12, or a time such as 2025-06-12T05:00:00Z, not "${since}".`
    )
  }
  const threshold = Option.getOrUndefined(flags.threshold)
  const { alarmsPerHour } = yield* Settings
  const alarms = Option.getOrElse(flags.alarms, () => alarmsPerHour)
  const plain: EventRequest = { alarms, perClass: {} }
  const events = threshold === undefined ? plain : withThresholds(plain, threshold)
  if (events === undefined) {
    return yield* refuse(
      `--threshold takes probabilities above 0 and up to 1, of each class once, such as 0.9 or gun_shot=0.7,dog_bark=0.8, not "${threshold}".`
    )
  }
  if (events.threshold !== undefined && Option.isSome(flags.alarms)) {
    return yield* refuse(
      `--threshold ${threshold} says from which probability every class is told, and --alarms has that chosen: say one of them, or --threshold for single classes, such as gun_shot=0.7.`
    )
  }
  const asked = Option.getOrUndefined(flags.format)
  const formats =
    asked === undefined
      ? []
      : yield* Schema.decodeUnknownEffect(Formats)(asked.split(",").map((name) => name.trim())).pipe(
          Effect.mapError(() => refuse(`--format takes ${TABLE_FORMATS.join(", ")}, separated by commas.`))
        )
  const selection = { site, since, model: Option.getOrUndefined(flags.model) }
  return { ...selection, events, formats }
})

/** How many recordings --since leaves out that do not tell when they start. */
export const describeUndated = (undated: number): ReadonlyArray<string> =>
  undated === 0
    ? []
    : [
        `${counted(undated, "recording tells", "recordings tell")} neither by name nor by header when ${undated === 1 ? "it starts" : "they start"}, and --since leaves ${undated === 1 ? "it" : "them"} out.`
      ]
