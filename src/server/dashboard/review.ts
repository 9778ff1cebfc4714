import type { Review } from "../../review/review.ts"
import { get, post, Refused } from "./api.ts"
import { card, h, percent, toast, wideCard } from "./dom.ts"
import type { Page } from "./main.ts"
import { listen, nameOf } from "./map.ts"

interface Looked {
  /** How far the review under way is. */
  readonly running: string | null
  readonly failure: string | null
  readonly classes: ReadonlyArray<string>
  readonly aside: ReadonlyArray<string>
  readonly review: (Review & { readonly counts: Readonly<Record<"suspects" | "duplicates" | "silent", number>> }) | null
}

type Subject = Review["duplicates"][number]["recordings"][number]

/** Recordings that are worth a look, and what to do with them. */
export const reviewPage = async (): Promise<Page> => {
  const state = h("div", { "aria-live": "polite" })
  const found = h("div", { class: "wide" })
  let shown = ""
  let wasRunning = false

  const refresh = async () => {
    const looked = await get<Looked>("/review")
    state.replaceChildren(...stateOf(looked))
    begin.disabled = looked.running !== null
    if (wasRunning && looked.running === null && looked.failure === null) toast("The recordings are looked through.")
    wasRunning = looked.running !== null
    // Drawn anew only where something changed, so that nobody's player stops.
    const now = JSON.stringify([looked.review, looked.aside])
    if (now === shown) return
    shown = now
    found.replaceChildren(...cardsOf(looked, refresh))
  }
  const begin = h(
    "button",
    {
      class: "primary",
      click: () => {
        begin.disabled = true
        void attempt(async () => {
          await post("/review")
          await refresh()
        })
      }
    },
    "Look through the recordings"
  )
  await refresh()
  const timer = setInterval(() => void refresh().catch(() => {}), 2000)
  return {
    content: h(
      "div",
      { class: "columns" },
      wideCard(
        "Review",
        h(
          "p",
          {},
          "Second opinions on every label, recordings that hold the same sound under names of different sources, and silence. Nothing changes until you decide."
        ),
        state,
        begin
      ),
      found
    ),
    leave: () => clearInterval(timer)
  }
}

const attempt = async (work: () => Promise<void>) => {
  try {
    await work()
  } catch (error) {
    toast(error instanceof Refused ? error.message : "The service cannot be reached.")
  }
}

const stateOf = ({ running, failure, review }: Looked): ReadonlyArray<HTMLElement> => {
  const lines: Array<HTMLElement> = []
  if (review !== null) {
    const when = new Date(review.date).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })
    const more = review.unknown > 0 ? ` ${review.unknown} more were not embedded yet: train first.` : ""
    lines.push(h("p", { class: "hint" }, `${review.recordings} recordings were looked through on ${when}.${more}`))
  }
  if (failure !== null) lines.push(h("p", { class: "problem", role: "alert" }, failure))
  if (running !== null)
    lines.push(h("p", {}, h("progress", { "aria-label": "Review" }), ` ${running || "Beginning …"}`))
  return lines
}

const cardsOf = ({ review, classes, aside }: Looked, refresh: () => Promise<void>): ReadonlyArray<HTMLElement> => {
  const decide = (body: object, line: HTMLElement) => () =>
    void attempt(async () => {
      for (const button of line.querySelectorAll("button")) button.disabled = true
      try {
        const { message } = await post<{ message: string }>("/review/decide", body)
        toast(message)
        await refresh()
      } finally {
        for (const button of line.querySelectorAll("button")) button.disabled = false
      }
    })
  /** A line with the recording's buttons, whose player opens below them. */
  const item = (
    text: ReadonlyArray<Node | string>,
    subjects: ReadonlyArray<Subject>,
    others: (line: HTMLElement) => ReadonlyArray<HTMLElement>
  ) => {
    const stage = h("div", {})
    const line = h("li", {}, ...text)
    const several = subjects.length > 1
    const button = (label: string, subject: Subject, click: () => void) =>
      h("button", { click, "aria-label": `${label}: ${nameOf(subject.key)}` }, label)
    const rows = subjects.map((subject) =>
      h(
        "div",
        { class: "row" },
        ...(several ? [h("span", { class: "name" }, `${nameOf(subject.key)}, ${subject.className}`)] : []),
        button("Listen", subject, () => void listen(subject.key, subject.className, stage)),
        ...(several ? [] : [button("Keep", subject, decide({ decision: "keep", key: subject.key }, line))]),
        ...(several ? [] : others(line)),
        button("Set aside", subject, decide({ decision: "set aside", key: subject.key }, line))
      )
    )
    line.append(h("div", { class: "pair" }, ...rows, ...(several ? others(line) : [])), stage)
    return line
  }
  const moveTo = (subject: Subject, first: string | undefined, line: HTMLElement): ReadonlyArray<HTMLElement> => {
    const move = (className: string) => decide({ decision: "relabel", key: subject.key, class: className }, line)()
    const names = classes.filter((name) => name !== subject.className && name !== first)
    const choice = h(
      "select",
      {
        "aria-label": `Another class for ${nameOf(subject.key)}`,
        change: () => {
          if (choice.value !== "") move(choice.value)
        }
      },
      h("option", { value: "" }, first === undefined ? "It is …" : "It is something else …"),
      ...names.map((name) => h("option", { value: name }, name))
    )
    const button =
      first === undefined
        ? []
        : [
            h(
              "button",
              { class: "primary", "aria-label": `It is ${first}: ${nameOf(subject.key)}`, click: () => move(first) },
              `It is ${first}`
            )
          ]
    return [...button, ...(names.length === 0 ? [] : [choice])]
  }
  const list = (count: number, lines: ReadonlyArray<HTMLElement>) => [
    h("ul", { class: "items" }, ...lines),
    ...(lines.length < count
      ? [h("p", { class: "hint" }, `And ${count - lines.length} more, once these are decided.`)]
      : [])
  ]
  const nothing = (text: string) => [h("p", { class: "hint" }, text)]
  const found =
    review === null
      ? [
          card(
            "Nothing looked through yet",
            h("p", {}, "It takes seconds for hundreds of recordings, once they have been trained on.")
          )
        ]
      : [
          card(
            `Labels that are likely wrong (${review.counts.suspects})`,
            ...(review.suspects.length === 0
              ? nothing("None: every label agrees with its second opinions.")
              : list(
                  review.counts.suspects,
                  review.suspects.map((suspect) =>
                    item(
                      [
                        h("strong", {}, nameOf(suspect.key)),
                        h(
                          "p",
                          {},
                          `Labelled ${suspect.className}, rather ${suspect.suggested}. `,
                          h("span", { class: "hint" }, suspect.why)
                        )
                      ],
                      [suspect],
                      (line) => moveTo(suspect, suspect.suggested, line)
                    )
                  )
                ))
          ),
          card(
            `Near-duplicates (${review.counts.duplicates})`,
            h(
              "p",
              { class: "hint" },
              "They hold the same sound, so neither is tested on a model that was trained with the other. Keep both, or set one aside."
            ),
            ...list(
              review.counts.duplicates,
              review.duplicates.map(({ recordings, correlation }) =>
                item(
                  [
                    h(
                      "p",
                      recordings[0].className === recordings[1].className ? {} : { class: "note" },
                      `${percent(correlation)} of the sound is the same.`,
                      recordings[0].className === recordings[1].className ? "" : " Their classes differ: one is wrong."
                    )
                  ],
                  recordings,
                  (line) => [
                    h(
                      "div",
                      { class: "row" },
                      h(
                        "button",
                        {
                          "aria-label": `Keep both: ${recordings.map(({ key }) => nameOf(key)).join(", ")}`,
                          click: () =>
                            void attempt(async () => {
                              for (const { key } of recordings) await post("/review/decide", { decision: "keep", key })
                              toast("Both are kept.")
                              line.remove()
                              await refresh()
                            })
                        },
                        "Keep both"
                      )
                    )
                  ]
                )
              )
            )
          ),
          card(
            `Silence (${review.counts.silent})`,
            ...(review.silent.length === 0
              ? nothing("None.")
              : list(
                  review.counts.silent,
                  review.silent.map((silent) =>
                    item(
                      [
                        h("strong", {}, nameOf(silent.key)),
                        h(
                          "p",
                          {},
                          `Labelled ${silent.className}; `,
                          silent.peak === 0
                            ? "digital silence."
                            : `at most ${(20 * Math.log10(silent.peak)).toFixed(0)} dB.`
                        )
                      ],
                      [silent],
                      (line) => moveTo(silent, undefined, line)
                    )
                  )
                ))
          )
        ]
  const put = (key: string) => {
    const line: HTMLElement = h("li", {}, h("span", { class: "name" }, key.slice(key.indexOf("/") + 1)), " ")
    line.append(
      h(
        "button",
        { "aria-label": `Put back: ${nameOf(key)}`, click: decide({ decision: "restore", key }, line) },
        "Put back"
      )
    )
    return line
  }
  return [...found, ...(aside.length === 0 ? [] : [card("Set aside", h("ul", { class: "items" }, ...aside.map(put)))])]
}
