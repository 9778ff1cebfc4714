import { h } from "./elements.ts"

/** A place to drop files or choose them; `take` gets them. */
export const dropZone = (
  label: string,
  multiple: boolean,
  take: (files: ReadonlyArray<File>) => void,
  accept = "audio/*,.flac,.ogg,.opus,.wav,.mp3"
): HTMLElement => {
  const input = h("input", {
    type: "file",
    accept,
    multiple,
    change: () => {
      take([...(input.files ?? [])])
      input.value = ""
    }
  })
  const mark = (on: boolean) => (event: Event) => {
    event.preventDefault()
    zone.classList.toggle("over", on)
  }
  const zone = h(
    "label",
    {
      class: "drop",
      dragover: mark(true),
      dragleave: mark(false),
      drop: (event) => {
        mark(false)(event)
        take([...((event as DragEvent).dataTransfer?.files ?? [])])
      }
    },
    h("span", {}, label),
    input
  )
  return zone
}
