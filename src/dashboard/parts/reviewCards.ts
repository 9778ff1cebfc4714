import { type Answer, dataOf, service } from "../api.ts"
import { card, h, select } from "./elements.ts"
import { nameOf, percent } from "./format.ts"
import { listen } from "./player.ts"
import { attempt, toast } from "./toast.ts"

/** What the service tells of reviews. */
export type ReviewState = Answer<typeof service.review.get>
type Review = NonNullable<ReviewState["review"]>
type Decision = Parameters<typeof service.review.decide.post>[0]

/** A recording in a line of its own or beside another. */
interface Subject {
  readonly key: string
  readonly className: string
}

/** What the lines' buttons need: the classes to choose from, and how to draw all lines anew. */
interface Desk {
  readonly classes: ReadonlyArray<string>
  readonly refresh: () => Promise<void>
}

/** Unlabelled recordings shown at once. */
const SHOWN = 20

/** The cards of a review: a line for each recording, with what can be done; `refresh` draws them anew. */
export const reviewCards = (
  { review, classes, trained, aside }: ReviewState,
  refresh: () => Promise<void>
): ReadonlyArray<HTMLElement> => {
  const desk = { classes, refresh }
  const found = review === null ? [nothingYet(trained)] : itemCards(review, desk)
  return aside.length === 0 ? found : [...found, setAsideCard(aside, desk)]
}

const nothingYet = (trained: boolean) =>
  card(
    "Nothing looked through yet",
    trained
      ? h("p", {}, "It takes seconds for hundreds of recordings, once they have been trained on.")
      : h(
          "p",
          {},
          "It looks through what a training has heard: start the first one under ",
          h("a", { href: "#runs" }, "Runs"),
          "."
        )
  )

const itemCards = (review: Review, desk: Desk): ReadonlyArray<HTMLElement> => [
  suspectsCard(review, desk),
  duplicatesCard(review, desk),
  ...(review.counts.unlabelled > 0 ? [unlabelledCard(review, desk)] : []),
  silenceCard(review, desk)
]

const suspectsCard = ({ counts, suspects }: Review, desk: Desk) =>
  card(
    `Labels that are likely wrong (${counts.suspects})`,
    ...list(
      counts.suspects,
      suspects.map((subject) =>
        lineOf(
          subject,
          [`Labelled ${subject.className}, rather ${subject.suggested}. `, h("span", { class: "hint" }, subject.why)],
          (line) => [
            keep(desk, subject, line),
            ...relabel(desk, subject, line, subject.suggested),
            setAside(desk, subject, line)
          ]
        )
      ),
      "None: every label agrees with its second opinions."
    )
  )

const duplicatesCard = ({ counts, duplicates }: Review, desk: Desk) =>
  card(
    `Near-duplicates (${counts.duplicates})`,
    h(
      "p",
      { class: "hint" },
      "They hold the same sound, so neither is tested on a model that was trained with the other. Keep both, or set one aside."
    ),
    ...list(
      counts.duplicates,
      duplicates.map((pair) => pairOf(desk, pair)),
      "None."
    )
  )

const unlabelledCard = ({ counts, unlabelled }: Review, desk: Desk) =>
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
          relabel(desk, subject, line, suggested)
        )
      }),
      "None."
    )
  )

const silenceCard = ({ counts, silent }: Review, desk: Desk) =>
  card(
    `Silence (${counts.silent})`,
    ...list(
      counts.silent,
      silent.map((subject) => {
        const level =
          subject.peak === 0 ? "digital silence" : `at most ${(20 * Math.log10(subject.peak)).toFixed(0)} dB`
        return lineOf(subject, [`Labelled ${subject.className}; ${level}.`], (line) => [
          keep(desk, subject, line),
          ...relabel(desk, subject, line),
          setAside(desk, subject, line)
        ])
      }),
      "None."
    )
  )

const setAsideCard = (aside: ReadonlyArray<string>, desk: Desk) => {
  const lines = aside.map((key) => {
    const line: HTMLElement = h("li", {}, h("span", { class: "name" }, key.slice(key.indexOf("/") + 1)), " ")
    line.append(button("Put back", key, () => void decide(desk, line, { decision: "restore", key })))
    return line
  })
  return card("Set aside", h("ul", { class: "items" }, ...lines))
}

const list = (count: number, lines: ReadonlyArray<HTMLElement>, none: string) => [
  count === 0 ? h("p", { class: "hint" }, none) : h("ul", { class: "items" }, ...lines),
  ...(lines.length < count
    ? [h("p", { class: "hint" }, `And ${count - lines.length} more, once these are decided.`)]
    : [])
]

/** A line for one recording; its player opens below the buttons. */
const lineOf = (
  { key, className }: Subject,
  text: ReadonlyArray<Node | string>,
  controls: (line: HTMLElement) => ReadonlyArray<HTMLElement>
) => {
  const stage = h("div", {})
  const line: HTMLElement = h("li", {}, h("strong", {}, nameOf(key)), h("p", {}, ...text))
  const hear = button("Listen", key, () => void listen(stage, `${nameOf(key)}, ${className}`, key))
  line.append(h("div", { class: "row" }, hear, ...controls(line)), stage)
  return line
}

/** A line for two recordings that sound the same. */
const pairOf = (desk: Desk, { recordings, correlation }: Review["duplicates"][number]) => {
  const stage = h("div", {})
  const differ = recordings[0].className !== recordings[1].className
  const share = `${percent(correlation)} of the sound is the same.`
  const line: HTMLElement = h(
    "li",
    {},
    h("p", differ ? { class: "note" } : {}, differ ? `${share} Their classes differ: one is wrong.` : share)
  )
  const rows = recordings.map((subject) => {
    const title = `${nameOf(subject.key)}, ${subject.className}`
    return h(
      "div",
      { class: "row" },
      h("span", { class: "name" }, title),
      button("Listen", subject.key, () => void listen(stage, title, subject.key)),
      setAside(desk, subject, line)
    )
  })
  const both = h(
    "button",
    {
      "aria-label": `Keep both: ${recordings.map(({ key }) => nameOf(key)).join(", ")}`,
      click: () => void decide(desk, line, ...recordings.map(({ key }) => ({ decision: "keep" as const, key })))
    },
    "Keep both"
  )
  line.append(h("div", { class: "pair" }, ...rows, h("div", { class: "row" }, both)), stage)
  return line
}

const button = (label: string, key: string, click: () => void, style = "") =>
  h("button", { click, class: style, "aria-label": `${label}: ${nameOf(key)}` }, label)

const keep = (desk: Desk, { key }: Subject, line: HTMLElement) =>
  button("Keep", key, () => void decide(desk, line, { decision: "keep", key }))

const setAside = (desk: Desk, { key }: Subject, line: HTMLElement) =>
  button("Set aside", key, () => void decide(desk, line, { decision: "set aside", key }))

/** A button for the class that is suggested, and a list of the others. */
const relabel = (desk: Desk, { key, className }: Subject, line: HTMLElement, suggested?: string) => {
  const move = (to: string) => void decide(desk, line, { decision: "relabel", key, class: to })
  const names = desk.classes.filter((name) => name !== className && name !== suggested)
  const first = suggested === undefined ? "It is …" : "It is something else …"
  const choice = select([["", first], ...names], {
    "aria-label": `Another class for ${nameOf(key)}`,
    change: () => {
      chosen.hidden = choice.value === ""
    }
  })
  // By keyboard, each arrow is a choice already.
  const chosen = button("Move there", key, () => move(choice.value), "primary")
  chosen.hidden = true
  return [
    ...(suggested === undefined ? [] : [button(`It is ${suggested}`, key, () => move(suggested), "primary")]),
    ...(names.length === 0 ? [] : [choice, chosen])
  ]
}

const linesShown = () => [...document.querySelectorAll<HTMLElement>(".items > li")]

/** Carries out decisions one after another, while the line's buttons wait. */
const decide = ({ refresh }: Desk, line: HTMLElement, ...decisions: ReadonlyArray<Decision>) =>
  attempt(async () => {
    const place = linesShown().indexOf(line)
    const controls = line.querySelectorAll<HTMLButtonElement | HTMLSelectElement>("button, select")
    for (const control of controls) control.disabled = true
    try {
      const answers = []
      for (const decision of decisions) answers.push(await dataOf(service.review.decide.post(decision)))
      toast(answers.length > 1 ? "Both are kept." : answers[0]!.message)
      await refresh()
      // The lines are drawn anew: whoever goes through them by keyboard goes on with the one that is in this place now.
      const lines = linesShown()
      if (document.activeElement === document.body) (lines[place] ?? lines.at(-1))?.querySelector("button")?.focus()
    } finally {
      for (const control of controls) control.disabled = false
    }
  })
