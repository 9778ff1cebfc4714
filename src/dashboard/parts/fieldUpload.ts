import { send, service } from "../api.ts"
import { dropZone } from "./dropZone.ts"
import { h } from "./elements.ts"
import { toast } from "./toast.ts"
import { uploadAll } from "./uploadList.ts"

const SITE_PATTERN = "[\\p{L}\\p{N}](?:[\\p{L}\\p{M}\\p{N} ._\\-]{0,62}[\\p{L}\\p{M}\\p{N}._\\-])?"

/** Where field recordings are added to a site; each is heard once it is stored. `stored` is given the scan. */
export const fieldUpload = (stored: (scan: string | undefined) => Promise<void>) => {
  const names = h("datalist", { id: "sites" })
  const site = h("input", {
    type: "text",
    list: "sites",
    pattern: SITE_PATTERN,
    maxlength: 64,
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "north_ridge"
  })
  const files = h("ul", { class: "uploads" })
  const summary = h("div", { role: "status" })
  const take = (chosen: ReadonlyArray<File>) => {
    if (site.value === "" || !site.checkValidity()) {
      toast("Name the site first: letters, digits, spaces, _, - and dots.")
      site.focus()
      return
    }
    if (chosen.length === 0) return
    files.replaceChildren()
    let scan: string | undefined
    const put = async (file: File, progress: (share: number) => void) => {
      const form = new FormData()
      form.append("site", site.value)
      form.append("file", file)
      const { already_stored, scan_id, note } = await send(service.scan, form, progress)
      scan = scan_id
      const damage = note === undefined ? "" : `: what is whole of it is heard. ${note}`
      const unheard = scan_id === undefined ? "; there is no model yet to hear it" : ""
      return { isNew: already_stored !== true, note: `${unheard}${damage}` }
    }
    void uploadAll(chosen, put, files, summary, () => {
      void stored(scan)
    })
  }
  const content = [
    h(
      "label",
      { class: "stack" },
      "Site: where the recorder stands",
      site,
      names,
      h("span", { class: "hint" }, "Keep the recorder's own file names: they tell when a recording was made.")
    ),
    dropZone("Drop field recordings here, or choose them", true, take),
    summary,
    files
  ]
  /** The sites that there are. */
  const know = (known: ReadonlyArray<string>) =>
    names.replaceChildren(...known.filter((name) => name !== "").map((value) => h("option", { value })))
  return { content, know }
}
