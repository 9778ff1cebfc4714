import type { Version } from "../registry/versions.ts"
import { get, post, Refused, type VersionDetails } from "./api.ts"
import { card, h, percent, table, timeOf, toast, wideCard } from "./dom.ts"
import { modelCards } from "./overview.ts"
import type { Page } from "./page.ts"

interface Difference {
  readonly versions: readonly [VersionDetails, VersionDetails]
  readonly recordings: {
    readonly added: number
    readonly removed: number
    readonly changed: number
    readonly same: number
  }
  readonly settings: Readonly<Record<string, readonly [unknown, unknown]>>
}

/** Versions of the model: look at one, compare two, promote, roll back. */
export const modelsPage = async (): Promise<Page> => {
  const list = h("div", {})
  const detail = h("div", { class: "columns wide", "aria-live": "polite" })

  const attempt = async (work: () => Promise<void>) => {
    try {
      await work()
    } catch (error) {
      toast(error instanceof Refused ? error.message : "The service cannot be reached.")
    }
  }
  const change = (path: string) =>
    attempt(async () => {
      const { message } = await post<{ message: string }>(path)
      toast(message)
      await show()
    })
  const look = (id: string) =>
    attempt(async () => detail.replaceChildren(...modelCards(await get<VersionDetails>(`/models/${id}`))))

  const show = async () => {
    const { models } = await get<{ models: ReadonlyArray<Version> }>("/models")
    const rows = models.map(({ runId, accuracy, macroF1, recordings, state }) => [
      h("button", { class: "link", click: () => void look(runId) }, timeOf(runId)),
      state === "promoted"
        ? h("span", { class: "tag finished" }, "in use")
        : h(
            "button",
            {
              "aria-label": `Promote the version of ${timeOf(runId)}`,
              click: () => void change(`/models/${runId}/promote`)
            },
            "Promote"
          ),
      percent(macroF1),
      percent(accuracy),
      String(recordings)
    ])
    list.replaceChildren(
      rows.length === 0
        ? h("p", {}, "There is no version yet.")
        : table("Versions", ["Trained", "", "Macro-F1", "Accuracy", "Recordings"], rows),
      h(
        "div",
        { class: "row" },
        h(
          "button",
          {
            disabled: !models.some(({ state }) => state === "was promoted"),
            click: () => void change("/models/rollback")
          },
          "Roll back to the one before"
        )
      ),
      ...(models.length < 2 ? [] : [compareForm(models)])
    )
  }
  const compareForm = (models: ReadonlyArray<Version>) => {
    const choose = (label: string, at: number) => {
      const choice = h(
        "select",
        {},
        ...models.map(({ runId, state }) =>
          h("option", { value: runId }, `${timeOf(runId)}${state === "promoted" ? " (in use)" : ""}`)
        )
      )
      choice.selectedIndex = at
      return { choice, line: h("label", { class: "stack" }, label, choice) }
    }
    const [from, to] = [choose("From", 1), choose("To", 0)]
    const submit = (event: Event) => {
      event.preventDefault()
      void attempt(async () => {
        const path = `/models/${from.choice.value}/compare?with=${to.choice.value}`
        detail.replaceChildren(card("What changed", ...differenceOf(await get<Difference>(path))))
      })
    }
    return h("form", { class: "compare", submit }, from.line, to.line, h("button", {}, "Compare"))
  }

  await show()
  return { content: h("div", { class: "columns" }, wideCard("Versions", list), detail) }
}

const differenceOf = ({ versions: [before, after], recordings, settings }: Difference): Array<HTMLElement> => {
  const classes = [...new Set([...before.classes, ...after.classes])]
  const f1 = (version: unknown, name: string) => {
    const { perClass } = version as { perClass: Record<string, { f1_score: number; support: number }> }
    const score = perClass[name]
    return score === undefined || score.support === 0 ? null : score.f1_score
  }
  const rows = [
    ["Accuracy", before.accuracy, after.accuracy] as const,
    ["Macro-F1", before.macroF1, after.macroF1] as const,
    ...classes.map((name) => [`F1 of ${name}`, f1(before, name), f1(after, name)] as const)
  ].map(([name, was, is]) => [
    name,
    percent(was),
    percent(is),
    was === null || is === null ? "–" : signed(100 * (is - was))
  ])
  return [
    table("Scores", ["", timeOf(before.runId), timeOf(after.runId), "points"], rows),
    h(
      "p",
      { class: "hint" },
      "Each on its own held-out recordings; a run compares them on the same ones before it promotes."
    ),
    h(
      "p",
      {},
      `Recordings: ${recordings.added} added, ${recordings.removed} removed, ${recordings.changed} changed, ${recordings.same} the same.`
    ),
    ...(Object.keys(settings).length === 0
      ? []
      : [
          table(
            "Settings",
            ["Setting", "before", "after"],
            Object.entries(settings).map(([name, [was, is]]) => [name, JSON.stringify(was), JSON.stringify(is)])
          )
        ])
  ]
}

const signed = (points: number): string => `${points >= 0 ? "+" : "−"}${Math.abs(points).toFixed(1)}`
