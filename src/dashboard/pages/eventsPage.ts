import { dataOf, service } from "../api.ts"
import type { Page } from "../page.ts"
import { activityCard } from "../parts/activityCard.ts"
import { alikeCard } from "../parts/alikeCard.ts"
import { h, wideCard } from "../parts/elements.ts"
import { eventDesk } from "../parts/eventDesk.ts"
import { eventFilters } from "../parts/eventFilters.ts"
import { eventList } from "../parts/eventList.ts"
import { modelChanges } from "../parts/modelChanges.ts"
import { scanLine } from "../parts/scanLine.ts"
import { attempt } from "../parts/toast.ts"

/** What was heard in field recordings: found, heard, judged one by one, and when it was heard. */
export const eventsPage = async (asked: URLSearchParams): Promise<Page> => {
  let classes: ReadonlyArray<string> = []
  const filters = eventFilters(() => void anew())
  const list = eventList({
    query: () => ({ ...filters.filter(), order: filters.order() }),
    know: (events) => {
      classes = events.classes
      filters.know(events)
      desk.know(events.known_classes)
      changes.know(events.models)
    },
    open: (event, isPlayed) => desk.open(event, isPlayed)
  })
  const desk = eventDesk({
    step: list.step,
    judged: list.judged,
    alike: (event) => void alike.show(event)
  })
  const look = (event: Parameters<typeof desk.open>[0]) =>
    void desk.open(event, true).then(() => desk.content.scrollIntoView({ block: "nearest" }))
  const alike = alikeCard(look)
  const changes = modelChanges(look)
  const activity = activityCard()
  const showActivity = () => attempt(() => activity.show(filters.filter(), classes))
  const anew = async () => {
    desk.close()
    alike.close()
    await list.anew()
    await showActivity()
  }
  // While a scan goes on, what it hears comes in; whoever is listening keeps their place.
  const scan = scanLine({
    heard: () => void list.refresh(),
    ended: () => void list.refresh().then(showActivity)
  })
  await list.refresh()
  filters.start(asked)
  if (asked.size > 0) await list.anew()
  await showActivity()
  await scan.look(await dataOf(service.scans.get({ query: { limit: 1 } })))
  return {
    content: h(
      "div",
      { class: "columns" },
      filters.content,
      desk.content,
      alike.content,
      wideCard("Events", scan.content, ...list.content),
      activity.content,
      changes.content
    ),
    leave: () => {
      desk.leave()
      scan.leave()
    }
  }
}
