import type { Review } from "../review/review.ts"
import { post, Refused } from "./api.ts"
import { card, h, percent, toast } from "./dom.ts"
import { listen, nameOf } from "./recordingsMap.ts"

/** What the service tells of reviews. */
export interface Looked {
  /** How far the review under way is. */
  readonly running: string | null
  readonly failure: string | null
  readonly classes: ReadonlyArray<string>
  readonly aside: ReadonlyArray<string>
  readonly review:
    | (Review & { readonly counts: Readonly<Record<"suspects" | "duplicates" | "silent" | "unlabelled", number>> })
    | null
}

/** A recording in a line of its own or beside another. */
interface Subject {
  readonly key: string
  readonly className: string
}

/** Unlabelled recordings shown at once. */
const SHOWN = 20

/** Tells the reader where something did not work. */
export const attempt = async (work: () => Promise<void>): Promise<void> => {
  try {
    await work()
  } catch (error) {
    toast(error instanceof Refused ? error.message : "The service cannot be reached.")
  }
}

/** The cards of a review: a line for each recording, with what can be done; `refresh` draws them anew. */
export const cardsOf = (
  { review, classes, aside }: Looked,
  refresh: () => Promise<void>
): ReadonlyArray<HTMLElement> => {
  /** Carries out decisions one after another, while the line's buttons wait. */
  const decide = (line: HTMLElement, ...decisions: ReadonlyArray<object>) =>
    attempt(async () => {
      const controls = line.querySelectorAll<HTMLButtonElement | HTMLSelectElement>("button, select")
      for (const control of controls) control.disabled = true
      try {
        const answers = []
        for (const body of decisions) answers.push(await post<{ message: string }>("/review/decide", body))
        toast(answers.length > 1 ? "Both are kept." : answers[0]!.message)
        await refresh()
      } finally {
        for (const control of controls) control.disabled = false
      }
    })
  const button = (label: string, { key }: Subject, click: () => void, style = "") =>
    h("button", { click, class: style, "aria-label": `${label}: ${nameOf(key)}` }, label)
  const keep = (subject: Subject, line: HTMLElement) =>
    button("Keep", subject, () => void decide(line, { decision: "keep", key: subject.key }))
  const setAside = (subject: Subject, line: HTMLElement) =>
    button("Set aside", subject, () => void decide(line, { decision: "set aside", key: subject.key }))
  const relabel = (subject: Subject, line: HTMLElement, suggested?: string): ReadonlyArray<HTMLElement> => {
    const move = (className: string) => void decide(line, { decision: "relabel", key: subject.key, class: className })
    const names = classes.filter((name) => name !== subject.className && name !== suggested)
    const choice = h(
      "select",
      {
        "aria-label": `Another class for ${nameOf(subject.key)}`,
        change: () => {
          if (choice.value !== "") move(choice.value)
        }
      },
      h("option", { value: "" }, suggested === undefined ? "It is …" : "It is something else …"),
      ...names.map((name) => h("option", { value: name }, name))
    )
    return [
      ...(suggested === undefined ? [] : [button(`It is ${suggested}`, subject, () => move(suggested), "primary")]),
      ...(names.length === 0 ? [] : [choice])
    ]
  }
  /** A line for one recording; its player opens below the buttons. */
  const lineOf = (
    subject: Subject,
    text: ReadonlyArray<Node | string>,
    controls: (line: HTMLElement) => ReadonlyArray<HTMLElement>
  ) => {
    const stage = h("div", {})
    const line: HTMLElement = h("li", {}, h("strong", {}, nameOf(subject.key)), h("p", {}, ...text))
    const hear = button("Listen", subject, () => void listen(subject.key, subject.className, stage))
    line.append(h("div", { class: "row" }, hear, ...controls(line)), stage)
    return line
  }
  const pairOf = ({ recordings, correlation }: Review["duplicates"][number]) => {
    const stage = h("div", {})
    const differ = recordings[0].className !== recordings[1].className
    const share = `${percent(correlation)} of the sound is the same.`
    const line: HTMLElement = h(
      "li",
      {},
      h("p", differ ? { class: "note" } : {}, differ ? `${share} Their classes differ: one is wrong.` : share)
    )
    const rows = recordings.map((subject) =>
      h(
        "div",
        { class: "row" },
        h("span", { class: "name" }, `${nameOf(subject.key)}, ${subject.className}`),
        button("Listen", subject, () => void listen(subject.key, subject.className, stage)),
        setAside(subject, line)
      )
    )
    const both = h(
      "button",
      {
        "aria-label": `Keep both: ${recordings.map(({ key }) => nameOf(key)).join(", ")}`,
        click: () => void decide(line, ...recordings.map(({ key }) => ({ decision: "keep", key })))
      },
      "Keep both"
    )
    line.append(h("div", { class: "pair" }, ...rows, h("div", { class: "row" }, both)), stage)
    return line
  }
  const list = (count: number, lines: ReadonlyArray<HTMLElement>, none: string) => [
    count === 0 ? h("p", { class: "hint" }, none) : h("ul", { class: "items" }, ...lines),
    ...(lines.length < count
      ? [h("p", { class: "hint" }, `And ${count - lines.length} more, once these are decided.`)]
      : [])
  ]
  const labels = ({ counts, suspects }: NonNullable<Looked["review"]>) =>
    card(
      `Labels that are likely wrong (${counts.suspects})`,
      ...list(
        counts.suspects,
        suspects.map((subject) =>
          lineOf(
            subject,
            [`Labelled ${subject.className}, rather ${subject.suggested}. `, h("span", { class: "hint" }, subject.why)],
            (line) => [keep(subject, line), ...relabel(subject, line, subject.suggested), setAside(subject, line)]
          )
        ),
        "None: every label agrees with its second opinions."
      )
    )
  const duplicates = ({ counts, duplicates }: NonNullable<Looked["review"]>) =>
    card(
      `Near-duplicates (${counts.duplicates})`,
      h(
        "p",
        { class: "hint" },
        "They hold the same sound, so neither is tested on a model that was trained with the other. Keep both, or set one aside."
      ),
      ...list(counts.duplicates, duplicates.map(pairOf), "None.")
    )
  const silence = ({ counts, silent }: NonNullable<Looked["review"]>) =>
    card(
      `Silence (${counts.silent})`,
      ...list(
        counts.silent,
        silent.map((subject) => {
          const level =
            subject.peak === 0 ? "digital silence" : `at most ${(20 * Math.log10(subject.peak)).toFixed(0)} dB`
          return lineOf(subject, [`Labelled ${subject.className}; ${level}.`], (line) => [
            keep(subject, line),
            ...relabel(subject, line),
            setAside(subject, line)
          ])
        }),
        "None."
      )
    )
  const labelling = ({ counts, unlabelled }: NonNullable<Looked["review"]>) =>
    card(
      `Worth labelling (${counts.unlabelled})`,
      h(
        "p",
        { class: "hint" },
        "Recordings under unlabelled_audio; those first that are hard to tell and unlike the others."
      ),
      ...list(
        counts.unlabelled,
        unlabelled.slice(0, SHOWN).map(({ key, suggested, share }) => {
          const subject = { key, className: "unlabelled" }
          return lineOf(subject, [`Perhaps ${suggested}: ${percent(share)} of its neighbours' vote.`], (line) =>
            relabel(subject, line, suggested)
          )
        }),
        "None."
      )
    )
  const putBack = (key: string) => {
    const line: HTMLElement = h("li", {}, h("span", { class: "name" }, key.slice(key.indexOf("/") + 1)), " ")
    line.append(button("Put back", { key, className: "" }, () => void decide(line, { decision: "restore", key })))
    return line
  }
  return [
    ...(review === null
      ? [
          card(
            "Nothing looked through yet",
            h("p", {}, "It takes seconds for hundreds of recordings, once they have been trained on.")
          )
        ]
      : [
          labels(review),
          duplicates(review),
          ...(review.counts.unlabelled > 0 ? [labelling(review)] : []),
          silence(review)
        ]),
    ...(aside.length === 0 ? [] : [card("Set aside", h("ul", { class: "items" }, ...aside.map(putBack)))])
  ]
}
