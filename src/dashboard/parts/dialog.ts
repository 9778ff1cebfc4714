import { type Child, h } from "./elements.ts"

/** A button that closes a dialog with its value. */
export interface Choice {
  readonly value: string
  readonly label: string
  readonly style?: "primary" | "danger"
}

/** Asks the reader something: resolves to the value of the button that was pressed, "" where it was cancelled. */
export const ask = (title: string, content: ReadonlyArray<Child>, choices: ReadonlyArray<Choice>): Promise<string> =>
  new Promise((resolve) => {
    const dialog = h(
      "dialog",
      {
        "aria-labelledby": "dialog-title",
        close: () => {
          dialog.remove()
          resolve(dialog.returnValue)
        }
      },
      h(
        "form",
        { method: "dialog" },
        h("h2", { id: "dialog-title" }, title),
        ...content,
        h(
          "div",
          { class: "row" },
          ...choices.map(({ value, label, style }) =>
            h("button", { type: "submit", value, class: style, formnovalidate: style !== "primary" }, label)
          ),
          h("button", { type: "submit", value: "", formnovalidate: true }, "Cancel")
        )
      )
    )
    document.body.append(dialog)
    dialog.showModal()
  })
