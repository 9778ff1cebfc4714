import { type Answer, dataOf, service } from "../api.ts"
import type { Page } from "../page.ts"
import { lines } from "../parts/chart.ts"
import { card, h } from "../parts/elements.ts"
import { modelCards } from "../parts/modelCards.ts"

/** The promoted model: how good it is, where it errs, how it came about. */
export const overviewPage = async (): Promise<Page> => {
  const versions = await dataOf(service.models.get())
  if (versions.promoted === null) return { content: nothingYet() }
  const model = await dataOf(service.models({ id: versions.promoted }).get())
  return { content: h("div", { class: "columns" }, ...modelCards(model), ...overVersions(versions)) }
}

const nothingYet = () =>
  card(
    "No model yet",
    h(
      "p",
      {},
      "Add recordings of at least two classes under ",
      h("a", { href: "#data" }, "Training data"),
      ", then start a training under ",
      h("a", { href: "#runs" }, "Runs"),
      "."
    )
  )

const overVersions = ({ models }: Answer<typeof service.models.get>): ReadonlyArray<HTMLElement> => {
  const tested = models.filter(({ macroF1 }) => macroF1 !== null).toReversed()
  if (tested.length < 2) return []
  return [
    card(
      "Over versions",
      lines(
        "Scores of each version on its own held-out recordings",
        [
          { name: "macro-F1", values: tested.map(({ macroF1 }) => macroF1 ?? 0) },
          { name: "accuracy", values: tested.map(({ accuracy }) => accuracy ?? 0) }
        ],
        { x: "version", from: 0, to: 1 }
      )
    )
  ]
}
