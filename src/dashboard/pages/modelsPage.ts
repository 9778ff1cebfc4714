import { recordingsInWords } from "../../config/inWords.ts"
import { type Answer, dataOf, service } from "../api.ts"
import type { Page } from "../page.ts"
import { card, h, select, wideCard } from "../parts/elements.ts"
import { percent, timeOf } from "../parts/format.ts"
import { modelCards } from "../parts/modelCards.ts"
import { confirmPromotion, confirmRollback } from "../parts/promotion.ts"
import { table } from "../parts/table.ts"
import { attempt, toast } from "../parts/toast.ts"

type Versions = Answer<typeof service.models.get>["models"]
type Difference = Answer<ReturnType<typeof service.models>["compare"]["get"]>

/** Versions of the model: look at one, compare two, promote, roll back. */
export const modelsPage = async (): Promise<Page> => {
  const list = h("div", {})
  const detail = h("div", { class: "columns wide", "aria-live": "polite" })
  // Below a long table it would not be seen.
  const showDetail = (...cards: ReadonlyArray<HTMLElement>) => {
    detail.replaceChildren(...cards)
    detail.scrollIntoView({ block: "nearest" })
  }
  let inUse: string | null = null
  const change = (isSure: () => Promise<boolean>, post: () => Promise<{ readonly message: string }>) =>
    void attempt(async () => {
      if (!(await isSure())) return
      toast((await post()).message)
      await show()
    })
  const actions: Actions = {
    look: (id) => void attempt(async () => showDetail(...modelCards(await dataOf(service.models({ id }).get())))),
    promote: (id) =>
      change(
        () => confirmPromotion(id, inUse),
        () => dataOf(service.models({ id }).promote.post())
      ),
    goBack: () =>
      change(
        async () => inUse !== null && (await confirmRollback(inUse)),
        () => dataOf(service.models.rollback.post())
      ),
    compare: (from, to) =>
      void attempt(async () => {
        const difference = await dataOf(service.models({ id: from }).compare.get({ query: { with: to } }))
        showDetail(card("What changed", ...differenceOf(difference)))
      })
  }
  const show = async () => {
    const { models, promoted } = await dataOf(service.models.get())
    const { runs } = await dataOf(service.runs.get())
    const refused = new Set(runs.filter(({ result }) => result?.promoted === false).map(({ id }) => id))
    inUse = promoted
    list.replaceChildren(...listOf(models, refused, actions))
  }
  await show()
  return { content: h("div", { class: "columns" }, wideCard("Versions", list), detail) }
}

/** What can be done with versions, each named by its run's id. */
interface Actions {
  readonly look: (id: string) => void
  readonly promote: (id: string) => void
  readonly goBack: () => void
  readonly compare: (from: string, to: string) => void
}

const STATES = {
  promoted: ["promoted", "in use"],
  "was promoted": ["", "was in use"],
  candidate: ["", "candidate"]
} as const

const stateOf = (state: Versions[number]["state"], isRefused: boolean): HTMLElement => {
  const [style, text] = state === "candidate" && isRefused ? ["refused", "not promoted"] : STATES[state]
  return h("span", { class: `tag ${style}` }, text)
}

const listOf = (models: Versions, refused: ReadonlySet<string>, actions: Actions): ReadonlyArray<HTMLElement> => {
  const rows = models.map(({ runId, accuracy, macroF1, recordings, state }) => [
    h("button", { class: "link", click: () => actions.look(runId) }, timeOf(runId)),
    stateOf(state, refused.has(runId)),
    percent(macroF1),
    percent(accuracy),
    String(recordings),
    state === "promoted"
      ? ""
      : h(
          "button",
          { "aria-label": `Promote the version of ${timeOf(runId)}`, click: () => actions.promote(runId) },
          "Promote"
        )
  ])
  const disabled = !models.some(({ state }) => state === "was promoted")
  return [
    rows.length === 0
      ? h("p", {}, "There is no version yet.")
      : table("Versions", ["Trained", "State", "Macro-F1", "Accuracy", "Recordings", ""], rows),
    h("div", { class: "row" }, h("button", { disabled, click: actions.goBack }, "Roll back to the one before")),
    ...(models.length < 2 ? [] : [compareForm(models, actions.compare)])
  ]
}

const compareForm = (models: Versions, compare: Actions["compare"]): HTMLElement => {
  const choose = (label: string, at: number) => {
    const choice = select(
      models.map(({ runId, state }) => [runId, `${timeOf(runId)}${state === "promoted" ? " (in use)" : ""}`])
    )
    choice.selectedIndex = at
    return { choice, line: h("label", { class: "stack" }, label, choice) }
  }
  const [from, to] = [choose("From", 1), choose("To", 0)]
  const submit = (event: Event) => {
    event.preventDefault()
    compare(from.choice.value, to.choice.value)
  }
  return h("form", { class: "compare", submit }, from.line, to.line, h("button", {}, "Compare"))
}

const differenceOf = ({
  versions: [before, after],
  classes,
  recordings,
  settings
}: Difference): ReadonlyArray<HTMLElement> => {
  const f1 = ({ perClass }: typeof before, name: string | null) => {
    const score = perClass[name ?? ""]
    return score === undefined || score.support === 0 ? null : score.f1_score
  }
  const rows = [
    ["Accuracy", before.accuracy, after.accuracy] as const,
    ["Macro-F1", before.macroF1, after.macroF1] as const,
    ...classes.map((own) => {
      const isRenamed = own.before !== null && own.after !== null && own.before !== own.after
      const name = isRenamed ? `${own.before}, now ${own.after}` : (own.before ?? own.after)
      return [`F1 of ${name}`, f1(before, own.before), f1(after, own.after)] as const
    })
  ].map(([name, was, is]) => [
    name,
    percent(was),
    percent(is),
    was === null || is === null ? "–" : signed(100 * (is - was))
  ])
  const changes = Object.entries(settings).map(([name, [was, is]]) => [name, JSON.stringify(was), JSON.stringify(is)])
  return [
    table("Scores", ["", timeOf(before.runId), timeOf(after.runId), "points"], rows),
    h(
      "p",
      { class: "hint" },
      "Each on its own held-out recordings; a run compares them on the same ones before it promotes."
    ),
    h("p", {}, recordingsInWords(recordings)),
    ...(changes.length === 0 ? [] : [table("Settings", ["Setting", "before", "after"], changes)])
  ]
}

const signed = (points: number): string => `${points >= 0 ? "+" : "−"}${Math.abs(points).toFixed(1)}`
