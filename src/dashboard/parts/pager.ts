import { h } from "./elements.ts"

/** Which part of a list is shown: so many after `skip` of them, of pages of `most`. */
interface Shown {
  readonly skip: number
  readonly count: number
  readonly total: number
  readonly most: number
}

/** Buttons to the page before and the one after; none where all is on one. */
export const pageButtons = (
  { skip, count, total, most }: Shown,
  turnTo: (skip: number) => void
): ReadonlyArray<HTMLElement> => {
  const last = skip + count
  return total <= most
    ? []
    : [
        h("button", { disabled: skip === 0, click: () => turnTo(Math.max(0, skip - most)) }, "Previous page"),
        h("button", { disabled: last >= total, click: () => turnTo(last) }, "Next page")
      ]
}

/** The same, and where this page is among all, which `all` names. */
export const pager = (shown: Shown, all: string, turnTo: (skip: number) => void): ReadonlyArray<HTMLElement> => {
  const buttons = pageButtons(shown, turnTo)
  const { skip, count } = shown
  return buttons.length === 0
    ? []
    : [...buttons, h("span", { class: "hint" }, `${skip + 1} to ${skip + count} of ${all}`)]
}
