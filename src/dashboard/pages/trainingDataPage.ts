import { dataOf, service } from "../api.ts"
import type { Page } from "../page.ts"
import { changesCard } from "../parts/changesCard.ts"
import { classList } from "../parts/classList.ts"
import { card, h, wideCard } from "../parts/elements.ts"
import { mapCards } from "../parts/recordingsMap.ts"
import { recordingsTable } from "../parts/recordingsTable.ts"
import { uploadForm } from "../parts/uploadForm.ts"

/** The training data: what there is, adding to it, finding, hearing and changing it. */
export const trainingDataPage = async (): Promise<Page> => {
  const classes = h("div", {})
  let shown = ""
  const showClasses = async () => {
    const data = await dataOf(service.classes.get())
    const now = JSON.stringify(data)
    // Drawn anew only where something changed, so that nobody loses the button in hand.
    if (now === shown) return
    shown = now
    classes.replaceChildren(...classList(data, changes.begin))
    upload.know(data)
    recordings.know(data)
  }
  const changed = async () => {
    await showClasses()
    await recordings.refresh()
  }
  const changes = changesCard(changed)
  const recordings = recordingsTable(changes.begin)
  const upload = uploadForm(() => void changed())
  await showClasses()
  const { running } = await changes.show()
  await recordings.refresh()
  if (running !== null) void changes.follow().then(changed)
  const timer = setInterval(() => void showClasses().catch(() => {}), 5000)
  return {
    content: h(
      "div",
      { class: "columns" },
      card("Add recordings", ...upload.content),
      card("What there is", classes),
      changes.content,
      wideCard("Recordings", ...recordings.content),
      ...(await mapCards())
    ),
    leave: () => clearInterval(timer)
  }
}
