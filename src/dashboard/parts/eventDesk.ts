import { type Answer, dataOf, fetchEventSound, service } from "../api.ts"
import { h, select } from "./elements.ts"
import { clockOf, lengthOf, nameOf, percent } from "./format.ts"
import { player, playOrPause, silence } from "./player.ts"
import { attempt, toast } from "./toast.ts"

type Events = Answer<typeof service.events.get>
export type HeardEvent = Events["events"][number]

/** Seconds of sound before and after an event. */
const AROUND = 2
/** Classes that a digit stands for. */
const DIGITS = 9

/** What the desk asks of the list that the events are in. */
export interface List {
  /** Goes to the event before (-1) or after (1) this one. */
  readonly step: (from: HeardEvent, by: 1 | -1) => Promise<void>
  /** A person has said what this event is, or taken it back. */
  readonly judged: (event: HeardEvent, label: string | null) => void
  /** Shows what sounds like this event. */
  readonly alike: (event: HeardEvent) => void
}

/** An answer to an event; null takes an answer back. */
type Verdict = { readonly answer: "yes" | "no" | "none" } | { readonly answer: "other"; readonly class: string }

/** Where an event is heard and judged, by buttons or by single keys; what was judged can be taken back, one by one. */
export const eventDesk = (list: List) => {
  const done: Array<{ readonly event: HeardEvent; readonly before: string | null }> = []
  let current: HeardEvent | undefined
  let classes: ReadonlyArray<string> = []
  let turn = 0
  const stage = h("div", { class: "desk-stage" })
  const facts = h("p", { "aria-live": "polite" })
  const verdict = h("p", { class: "verdict-line" })
  const others = h("div", { class: "row" })
  const keys = h("input", { type: "checkbox" })
  keys.checked = localStorage.getItem(KEYS) !== "off"
  keys.addEventListener("change", () => localStorage.setItem(KEYS, keys.checked ? "on" : "off"))

  const open = (event: HeardEvent, isPlayed: boolean): Promise<void> => {
    const own = ++turn
    current = event
    content.hidden = false
    draw()
    return attempt(async () => {
      const { sound, from } = await fetchEventSound(event, AROUND)
      // Gone on to another meanwhile.
      if (own !== turn) return
      const shown = { start: event.start - from, end: event.end - from, isPlayed }
      stage.replaceChildren(player(`${event.class}, ${nameOf(event.recording)}`, sound, shown))
    })
  }
  const close = () => {
    turn++
    current = undefined
    silence()
    content.hidden = true
  }
  const draw = () => {
    const event = current!
    const where = event.site === "" ? "no site" : event.site
    facts.replaceChildren(
      h("strong", {}, event.class === "" ? "Not heard by the model" : `${event.class}, ${percent(event.peak)}`),
      ` at ${where}, ${event.at === null ? "at an unknown time" : clockOf(event.at)}: ${lengthOf(event.end - event.start)} from ${lengthOf(event.start)} on in ${nameOf(event.recording)}`
    )
    verdict.textContent =
      event.judged === null
        ? "Is it right?"
        : event.judged === ""
          ? "Judged: nothing that is looked for."
          : `Judged: ${event.judged}.`
    // What sounds like something that was heard need not have been heard itself.
    yes.hidden = event.class === ""
    yes.replaceChildren(`Yes, ${event.class}`, key("Y"))
    const names = classes.filter((name) => name !== event.class)
    others.replaceChildren(
      ...names
        .slice(0, DIGITS)
        .map((name, at) =>
          h("button", { click: () => judge({ answer: "other", class: name }) }, name, key(String(at + 1)))
        ),
      ...(names.length > DIGITS ? [moreClasses(names.slice(DIGITS))] : [])
    )
    undo.disabled = done.length === 0
  }
  const moreClasses = (names: ReadonlyArray<string>) => {
    const choice = select([["", "Another class …"], ...names], {
      "aria-label": "Another class",
      change: () => {
        chosen.hidden = choice.value === ""
      }
    })
    // By keyboard, each arrow is a choice already.
    const chosen = h(
      "button",
      { hidden: true, click: () => judge({ answer: "other", class: choice.value }) },
      "It is that"
    )
    return h("span", { class: "row" }, choice, chosen)
  }

  /** One answer after another, in the order in which they were given. */
  let last: Promise<void> = Promise.resolve()
  const inTurn = (work: () => Promise<void>) => {
    last = last.then(() => attempt(work))
  }
  /** What was said of the last answer gives way to what is said of the next: many would cover what is judged. */
  let unsay = () => {}
  const tell = (...said: Parameters<typeof toast>) => {
    unsay()
    unsay = toast(...said)
  }
  const say = async (event: HeardEvent, said: Verdict) => {
    const { recording, start, end, class: className } = event
    const answer = await dataOf(
      service.events.judge.post({
        recording,
        start,
        end,
        class: className,
        ...said,
        ...(said.answer === "other" ? { other: said.class } : {})
      })
    )
    list.judged(event, answer.judged)
    return answer
  }
  const judge = (said: Verdict) => {
    const event = current
    if (event === undefined || (said.answer === "yes" && event.class === "")) return
    const before = event.judged
    inTurn(async () => {
      const { message, judged } = await say(event, said)
      const answered = { event, before }
      done.push(answered)
      tell(message, { label: "Undo", act: () => takeBack(answered) })
      if (current !== event) return
      // Where no other comes after it, it stays in hand.
      current = { ...event, judged }
      draw()
      await list.step(current, 1)
    })
  }
  /** Takes back one answer, or the latest; each once. */
  const takeBack = (answered?: (typeof done)[number]) =>
    inTurn(async () => {
      const at = answered === undefined ? done.length - 1 : done.indexOf(answered)
      const [taken] = at < 0 ? [] : done.splice(at, 1)
      if (taken === undefined) return
      const { event, before } = taken
      tell((await say(event, verdictOf(event, before))).message)
      await open({ ...event, judged: before }, false)
    })
  const step = (by: 1 | -1) => {
    const event = current
    if (event !== undefined) inTurn(() => list.step(event, by))
  }

  const yes = h("button", { class: "primary", click: () => judge({ answer: "yes" }) }, "Yes")
  const undo = h("button", { disabled: true, click: () => takeBack() }, "Undo", key("U"))
  const actions: Readonly<Record<string, () => void>> = {
    y: () => judge({ answer: "yes" }),
    n: () => judge({ answer: "no" }),
    u: () => takeBack(),
    j: () => step(1),
    k: () => step(-1),
    ArrowRight: () => step(1),
    ArrowLeft: () => step(-1),
    m: () => current !== undefined && list.alike(current),
    " ": playOrPause
  }
  const onKey = (event: KeyboardEvent) => {
    if (current === undefined || !keys.checked || event.ctrlKey || event.altKey || event.metaKey || isTyping()) return
    const others = classes.filter((name) => name !== current!.class)
    const digit = /^[1-9]$/.test(event.key) ? others[Number(event.key) - 1] : undefined
    const act =
      digit === undefined
        ? actions[event.key.length === 1 ? event.key.toLowerCase() : event.key]
        : () => judge({ answer: "other", class: digit })
    if (act === undefined) return
    // A button that has the focus takes the space bar for itself.
    if (event.key === " " && document.activeElement instanceof HTMLButtonElement) return
    event.preventDefault()
    act()
  }
  addEventListener("keydown", onKey)

  const content = h(
    "section",
    { class: "card wide desk", hidden: true, "aria-label": "The event in hand" },
    facts,
    stage,
    verdict,
    h(
      "div",
      { class: "row" },
      yes,
      h("button", { class: "danger", click: () => judge({ answer: "no" }) }, "No", key("N")),
      h("button", { click: () => step(-1) }, "Previous", key("K")),
      h("button", { click: () => step(1) }, "Next", key("J")),
      undo,
      h("button", { click: () => current !== undefined && list.alike(current) }, "More like this", key("M"))
    ),
    h("p", { class: "hint" }, "No says that nothing of what is looked for is there. It is one of these instead:"),
    others,
    h("label", { class: "check" }, keys, h("span", {}, "Answer by the single keys shown; the space bar plays"))
  )
  return {
    content,
    open,
    close,
    know: (names: ReadonlyArray<string>) => {
      classes = names
    },
    current: () => current,
    leave: () => {
      removeEventListener("keydown", onKey)
      close()
    }
  }
}

const KEYS = "ecosight-single-keys"

const key = (name: string) => h("kbd", { "aria-hidden": "true" }, name)

/** Whether keys are for something else: a dialog, a text, a list. */
const isTyping = () =>
  document.querySelector("dialog[open]") !== null ||
  document.activeElement?.matches("input:not([type=checkbox]), select, textarea") === true

/** The answer that says what was said before. */
const verdictOf = ({ class: className }: HeardEvent, before: string | null): Verdict => {
  if (before === null) return { answer: "none" }
  if (before === "") return { answer: "no" }
  return before === className ? { answer: "yes" } : { answer: "other", class: before }
}
