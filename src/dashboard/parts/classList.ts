import type { Answer, service } from "../api.ts"
import type { ChangeRequest } from "./changesCard.ts"
import { bars } from "./chart.ts"
import { ask } from "./dialog.ts"
import { h } from "./elements.ts"
import { counted } from "./format.ts"
import { toast } from "./toast.ts"
import { CLASS_PATTERN } from "./uploadForm.ts"

type Classes = Answer<typeof service.classes.get>

/** The classes with how much each has, and a way to rename, merge or remove it. */
export const classList = (
  { classes, recordings, others, new_since_training, threshold, running }: Classes,
  begin: (request: ChangeRequest) => Promise<void>
): Array<HTMLElement> => {
  const most = Math.max(1, ...classes.map((one) => one.recordings))
  const names = classes.map(({ name }) => name)
  return [
    h(
      "label",
      { class: "stack" },
      `${new_since_training} of ${counted(threshold, "new recording")} until the next training`,
      h("progress", { max: threshold, value: Math.min(new_since_training, threshold) })
    ),
    ...(running === null
      ? []
      : [h("p", { class: "note" }, "A training is under way: see ", h("a", { href: "#runs" }, "Runs"), ".")]),
    h("p", {}, `${counted(recordings, "recording")} in ${counted(classes.length, "class", "classes")}.`),
    ...(others === 0 ? [] : [h("p", { class: "hint" }, `${counted(others, "other file")} beside them, left alone.`)]),
    bars(
      classes.map((one) => ({
        name: one.name,
        share: one.recordings / most,
        note: one.new > 0 ? `${one.recordings}, ${one.new} new` : String(one.recordings),
        action: h(
          "button",
          { "aria-label": `Change the class ${one.name}`, click: () => void change(one, names, begin) },
          "Change"
        )
      }))
    )
  ]
}

/** Asks what is to become of a class. */
const change = async (
  { name, recordings }: Classes["classes"][number],
  names: ReadonlyArray<string>,
  begin: (request: ChangeRequest) => Promise<void>
): Promise<void> => {
  const others = names.filter((other) => other !== name)
  const input = h("input", {
    type: "text",
    value: name,
    pattern: CLASS_PATTERN,
    maxlength: 64,
    list: "classes",
    spellcheck: "false"
  })
  const effect = h("p", { class: "note", hidden: true, role: "status" })
  input.addEventListener("input", () => {
    effect.hidden = !others.includes(input.value)
    effect.textContent = `${input.value} is there already: both become one class.`
  })
  const chosen = await ask(
    `The class ${name}`,
    [
      h(
        "label",
        { class: "stack" },
        "New name, or that of another class to become one with it",
        input,
        h("span", { class: "hint" }, "Lower-case letters, digits, _ and -")
      ),
      h("datalist", { id: "classes" }, ...others.map((value) => h("option", { value }))),
      effect,
      h(
        "p",
        { class: "hint" },
        `${counted(recordings, "recording")} will be moved. Whatever you choose can be undone; the model in use stays as it is until the next training.`
      )
    ],
    [
      { value: "relabel", label: "Rename or merge", style: "primary" },
      { value: "remove", label: "Move all to the trash", style: "danger" }
    ]
  )
  const selection = { matching: { class: name }, expected: recordings }
  if (chosen === "remove") return begin({ action: "remove", recordings: selection })
  if (chosen !== "relabel") return
  if (input.value === name || input.value === "") return void toast(`The class ${name} keeps its name.`)
  return begin({ action: "relabel", recordings: selection, class: input.value })
}
