import { Refused, send } from "./api.ts"
import { bars } from "./charts.ts"
import { card, h, percent } from "./dom.ts"
import type { Page } from "./page.ts"
import { player } from "./player.ts"
import { dropZone } from "./uploads.ts"

interface Prediction {
  readonly predicted_class: string
  readonly confidence: number
  readonly all_probabilities: Readonly<Record<string, number>>
  readonly processing_time: number
}

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
      answer.replaceChildren(...answerOf(await send<Prediction>("/predict", form, () => {})))
    } catch (error) {
      const message = error instanceof Refused ? error.message : "The service cannot be reached."
      answer.replaceChildren(h("p", { class: "problem", role: "alert" }, message))
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
}: Prediction): Array<HTMLElement> => [
  h("p", { class: "verdict" }, h("strong", {}, predicted_class), ` with ${percent(confidence)}`),
  bars(
    Object.entries(all_probabilities)
      .sort(([, a], [, b]) => b - a)
      .map(([name, share]) => ({ name, share, strong: name === predicted_class }))
  ),
  h("p", { class: "hint" }, `Answered in ${Math.round(1000 * processing_time)} ms.`)
]
