import { reasonOf } from "../api.ts"
import { h } from "./elements.ts"

/** Says something at the bottom of the page for some seconds, and to screen readers. */
export const toast = (message: string): void => {
  const place = document.getElementById("toast")!
  const line = h("p", {}, message)
  place.append(line)
  setTimeout(() => line.remove(), 8000)
}

/** Tells the reader where something did not work. */
export const attempt = async (work: () => Promise<void>): Promise<void> => {
  try {
    await work()
  } catch (error) {
    toast(reasonOf(error))
  }
}
