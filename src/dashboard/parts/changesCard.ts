import { type Answer, dataOf, Refused, service } from "../api.ts"
import { card, h } from "./elements.ts"
import { counted } from "./format.ts"
import { attempt, toast } from "./toast.ts"

type Changes = Answer<typeof service.clips.changes.get>
type Change = Changes["changes"][number]
/** A change as the service is asked for it. */
export type ChangeRequest = Parameters<typeof service.clips.changes.post>[0]

/** Milliseconds between two looks at a change that is under way: soon where it is small, seldom where it takes long. */
const LOOK = { first: 250, longest: 3_000 }

/** A card with the latest changes, each of which can be undone, and how to begin one; `changed` is called after each. */
export const changesCard = (changed: () => Promise<void>) => {
  const place = h("div", {})
  const content = card("Changes", place)
  content.hidden = true

  const show = async (): Promise<Changes> => {
    const answer = await dataOf(service.clips.changes.get())
    place.replaceChildren(...linesOf(answer, undo))
    content.hidden = answer.running === null && answer.changes.length === 0
    return answer
  }
  const isOver = () =>
    show().then(
      ({ running }) => running === null,
      (error) => {
        // The change goes on by itself when the service, or its store, is back.
        if (error instanceof Refused && [0, 503].includes(error.status)) return false
        throw error
      }
    )
  /** Looks until nothing is under way any more. */
  const follow = async () => {
    for (let wait = LOOK.first; !(await isOver()); wait = Math.min(2 * wait, LOOK.longest)) {
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
  const carryOut = async (begin: () => Promise<{ readonly change: Change }>) => {
    const { change } = await begin().catch(async (refusal) => {
      // What this page shows may be out of date: changed by another page, say.
      await Promise.allSettled([show(), changed()])
      throw refusal
    })
    await follow()
    await changed()
    const { changes } = await show()
    const ended = changes.find(({ id }) => id === change.id) ?? change
    // Where the button that began this is gone, what undoes it takes the focus.
    if (document.activeElement === document.body) place.querySelector("button")?.focus({ preventScroll: true })
    toast(inWords(ended), ended.state === "done" ? { label: "Undo", act: () => undo(change.id) } : undefined)
  }
  const undo = (id: string) => void attempt(() => carryOut(() => dataOf(service.clips.changes({ id }).undo.post())))
  const begin = (request: ChangeRequest): Promise<void> =>
    attempt(() => carryOut(() => dataOf(service.clips.changes.post(request))))

  return { content, show, begin, follow }
}

const linesOf = ({ running, changes }: Changes, undo: (id: string) => void): ReadonlyArray<HTMLElement> => [
  ...(running === null
    ? []
    : [
        h(
          "label",
          { class: "stack" },
          `${running.done} of ${counted(running.total, "recording")} moved`,
          h("progress", { max: Math.max(1, running.total), value: running.done })
        )
      ]),
  h(
    "ul",
    { class: "items" },
    ...changes.map((change) => {
      const when = new Date(change.at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })
      const canUndo = change.state !== "undone" && running === null
      return h(
        "li",
        {},
        h("p", {}, inWords(change), " ", h("span", { class: "hint" }, when)),
        ...(change.stayed === 0
          ? []
          : [
              h(
                "details",
                {},
                h("summary", {}, `${counted(change.stayed, "recording")} stayed`),
                h("ul", {}, ...change.failed.map(({ key, reason }) => h("li", {}, `${key}: ${reason}`)))
              )
            ]),
        ...(canUndo
          ? [h("button", { "aria-label": `Undo: ${inWords(change)}`, click: () => undo(change.id) }, "Undo")]
          : [])
      )
    })
  )
]

/** What a change came to. */
const inWords = ({ action, class: to, state, recordings, stayed }: Change): string => {
  const what = counted(recordings - (state === "undone" ? 0 : stayed), "recording")
  const where = action === "remove" ? "the trash" : (to ?? "")
  switch (state) {
    case "begun":
      return `${what} on the way to ${where}.`
    case "done":
      return `${what} moved to ${where}.${stayed === 0 ? "" : ` ${counted(stayed, "recording")} stayed.`}`
    case "undoing":
      return `${what} on the way back from ${where}.`
    case "undone":
      return `Undone: ${what} back from ${where}.`
  }
}
