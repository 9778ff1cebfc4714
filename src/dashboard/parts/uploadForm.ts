import { UNKNOWN } from "../../store/className.ts"
import { type Answer, send, service } from "../api.ts"
import { dropZone } from "./dropZone.ts"
import { fillSelect, h } from "./elements.ts"
import { toast } from "./toast.ts"
import { uploadAll } from "./uploadList.ts"

type Classes = Answer<typeof service.classes.get>

const NEW_CLASS = " new"
/** What the service takes for a class's name, but for a few words that it names when it refuses them. */
export const CLASS_PATTERN = "[a-z0-9][a-z0-9_\\-]{0,63}"

/** Where recordings are added to a class; `stored` is called once they are. Without any class, the first is made here. */
export const uploadForm = (stored: () => void) => {
  const name = h("input", {
    type: "text",
    pattern: CLASS_PATTERN,
    maxlength: 64,
    autocomplete: "off",
    spellcheck: "false"
  })
  const nameLine = h(
    "label",
    { class: "stack" },
    "Name of the new class: what is heard in these recordings",
    name,
    h("span", { class: "hint" }, "Lower-case letters, digits, _ and -, for example dog_bark")
  )
  const show = () => {
    nameLine.hidden = choice.value !== NEW_CLASS
  }
  const choice = h("select", {
    change: () => {
      show()
      if (!nameLine.hidden) name.focus()
    }
  })
  const files = h("ul", { class: "uploads" })
  const summary = h("div", { role: "status" })
  const take = (chosen: ReadonlyArray<File>) => {
    const isNew = choice.value === NEW_CLASS
    if (isNew && (name.value === "" || !name.checkValidity())) {
      toast("Name the new class first: lower-case letters, digits, _ and -.")
      name.focus()
      return
    }
    if (isNew && name.value === UNKNOWN) {
      toast(
        `${UNKNOWN} is no class: name what is heard. What is not known yet is added once there is a class, as "I do not know".`
      )
      name.focus()
      return
    }
    if (chosen.length === 0) return
    files.replaceChildren()
    const className = isNew ? name.value : choice.value
    const put = async (file: File, progress: (share: number) => void) => {
      const form = new FormData()
      form.append("class_name", className)
      form.append("file", file)
      const { already_stored, class: itsClass } = await send(service.upload, form, progress)
      return { isNew: !already_stored, note: itsClass === className ? "" : `, in ${itsClass}` }
    }
    void uploadAll(chosen, put, files, summary, stored)
  }
  /** The classes that there are now. */
  const know = ({ classes, new_classes_allowed }: Classes) => {
    const names = classes.map(({ name }) => name)
    const isFirst = names.length === 0
    fillSelect(choice, [
      ...(isFirst ? [] : [...names.filter((name) => name !== UNKNOWN), [UNKNOWN, "I do not know (unknown)"] as const]),
      ...(new_classes_allowed || isFirst ? [[NEW_CLASS, "A new class …"] as const] : [])
    ])
    show()
  }
  const content = [
    h("label", { class: "stack" }, "Class", choice),
    nameLine,
    dropZone("Drop recordings here, or choose them", true, take),
    summary,
    files
  ]
  return { content, know }
}
