import { type Answer, reasonOf, send, service } from "../api.ts"
import type { Page } from "../page.ts"
import { bars } from "../parts/chart.ts"
import { dropZone } from "../parts/dropZone.ts"
import { card, h } from "../parts/elements.ts"
import { percent } from "../parts/format.ts"
import { player } from "../parts/player.ts"

/** Asks the model in use what a recording is. */
export const tryPage = async (): Promise<Page> => {
  const answer = h("div", { "aria-live": "polite" })
  const stage = h("div", {})
  const ask = async (file: File) => {
    const form = new FormData()
    form.append("file", file)
    answer.replaceChildren(h("p", {}, "Listening …"))
    stage.replaceChildren(player(file.name, file))
    try {
      answer.replaceChildren(...answerOf(await send(service.predict, form)))
    } catch (error) {
      answer.replaceChildren(h("p", { class: "problem", role: "alert" }, reasonOf(error)))
    }
  }
  return {
    content: h(
      "div",
      { class: "columns" },
      card(
        "What is it?",
        h("p", {}, "The recording is classified by the model in use, and not kept."),
        dropZone("Drop a recording here, or choose one", false, ([file]) => {
          if (file !== undefined) void ask(file)
        }),
        answer
      ),
      stage
    )
  }
}

const answerOf = ({
  predicted_class,
  confidence,
  all_probabilities,
  processing_time
}: Answer<typeof service.predict.post>): ReadonlyArray<HTMLElement> => [
  h("p", { class: "verdict" }, h("strong", {}, predicted_class), ` with ${percent(confidence)}`),
  bars(
    Object.entries(all_probabilities)
      .sort(([, a], [, b]) => b - a)
      .map(([name, share]) => ({ name, share, strong: name === predicted_class }))
  ),
  h("p", { class: "hint" }, `Answered in ${Math.round(1000 * processing_time)} ms.`)
]
