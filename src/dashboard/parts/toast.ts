import { Refused, reasonOf } from "../api.ts"
import { h } from "./elements.ts"

/** Something the reader can do about what is said. */
export interface ToastAction {
  readonly label: string
  readonly act: () => void
}

/** Milliseconds for a glance, and more for what is long to read or can be acted on. */
const SHORT = 8_000
const LONG = 20_000

/** Says something at the bottom of the page for some seconds, and to screen readers; what is returned takes it away. */
export const toast = (message: string, action?: ToastAction): (() => void) => {
  const line = h("p", {}, h("span", {}, message))
  const close = () => line.remove()
  if (action !== undefined) {
    const act = () => {
      close()
      action.act()
    }
    line.append(h("button", { class: "act", click: act }, action.label))
  }
  line.append(h("button", { class: "close", "aria-label": "Close this message", click: close }, "×"))
  document.getElementById("toast")!.append(line)
  setTimeout(close, action !== undefined || message.length > 120 ? LONG : SHORT)
  return close
}

/** Tells the reader where something did not work. */
export const attempt = async (work: () => Promise<void>): Promise<void> => {
  try {
    await work()
  } catch (error) {
    const isTokenMissing = error instanceof Refused && error.status === 401
    toast(reasonOf(error), isTokenMissing ? { label: "Enter the token", act: () => void attempt(work) } : undefined)
  }
}
