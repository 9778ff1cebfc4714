import { type Answer, dataOf, service } from "../api.ts"
import { ask } from "./dialog.ts"
import { type Child, h } from "./elements.ts"
import { counted, percent, timeOf } from "./format.ts"
import { table } from "./table.ts"

type Model = Answer<ReturnType<typeof service.models>["get"]>
type Run = Answer<ReturnType<typeof service.runs>["get"]>

/** Asks whether a version is to take over, its figures beside those of the one in use; false where not. */
export const confirmPromotion = async (id: string, inUse: string | null): Promise<boolean> => {
  const [candidate, promoted, run] = await Promise.all([
    dataOf(service.models({ id }).get()),
    inUse === null ? undefined : dataOf(service.models({ id: inUse }).get()),
    // A version may outlive its run's record.
    dataOf(service.runs({ id }).get()).catch(() => undefined)
  ])
  const isRefused = run?.result?.promoted === false
  const chosen = await ask(
    isRefused ? "Promote a version that was not good enough?" : `Promote the version of ${timeOf(id)}?`,
    [
      ...figures(candidate, promoted),
      ...(run === undefined ? [] : verdict(run, isRefused)),
      h("p", { class: "hint" }, "From then on it answers every prediction. You can roll back.")
    ],
    [
      isRefused
        ? { value: "ok", label: "Promote it all the same", style: "danger" }
        : { value: "ok", label: "Promote", style: "primary" }
    ]
  )
  return chosen === "ok"
}

/** Asks whether to go back, the figures of both side by side. */
export const confirmRollback = async (inUse: string): Promise<boolean> => {
  const promoted = await dataOf(service.models({ id: inUse }).get())
  const chosen = await ask(
    "Roll back to the version before?",
    [
      h(
        "p",
        {},
        `The version of ${timeOf(inUse)}, macro-F1 ${percent(promoted.macroF1)}, is in use. The one that was in use before it takes its place.`
      )
    ],
    [{ value: "ok", label: "Roll back", style: "primary" }]
  )
  return chosen === "ok"
}

const figures = (candidate: Model, promoted: Model | undefined): ReadonlyArray<Child> => {
  const row = (name: string, of: (model: Model) => string) => [
    name,
    promoted === undefined ? "–" : of(promoted),
    of(candidate)
  ]
  return [
    table(
      "Figures side by side",
      ["", "In use", "This version"],
      [
        row("Trained", ({ runId }) => timeOf(runId)),
        row("Macro-F1", ({ macroF1 }) => percent(macroF1)),
        row("Accuracy", ({ accuracy }) => percent(accuracy)),
        row("Recordings", ({ recordings }) => String(recordings)),
        row("Classes", ({ classes }) => String(classes.length))
      ]
    ),
    h("p", { class: "hint" }, "Each on its own held-out recordings, which may differ.")
  ]
}

/** What the gate said when it was trained. */
const verdict = ({ outcome, summary }: Run, isRefused: boolean): ReadonlyArray<Child> => {
  const compared = summary?.comparison
  return [
    ...(compared === null || compared === undefined
      ? []
      : [
          h(
            "p",
            {},
            `On the same ${counted(compared.recordings, "recording")}: macro-F1 ${percent(compared.macroF1.candidate)} against ${percent(compared.macroF1.promoted)} of the version of ${timeOf(compared.promotedRun)}.`
          )
        ]),
    ...(isRefused && outcome !== null ? [h("p", { class: "note" }, outcome)] : [])
  ]
}
