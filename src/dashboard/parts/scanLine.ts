import type { ScanData } from "../../service/scanLog.ts"
import { type Answer, dataOf, follow, service, type Takes } from "../api.ts"
import { h } from "./elements.ts"
import { hoursOf } from "./format.ts"
import { attempt, toast } from "./toast.ts"

type Scans = Answer<typeof service.scans.get>

interface Listeners {
  /** Something more was heard. */
  readonly heard: () => void
  readonly ended: () => void
}

/** Milliseconds between two looks whether a scan has begun, and at what it has heard. */
const LOOK = 5_000
const AGAIN = 3_000

/** How far the scan under way is; nothing where there is none. */
export const scanLine = ({ heard, ended }: Listeners) => {
  const text = h("p", { role: "status" })
  const bar = h("progress", { "aria-label": "Scan" })
  const stop = h("button", { click: () => void attempt(cancel) }, "Stop")
  const content = h("div", { class: "scan", hidden: true }, text, bar, h("div", { class: "row" }, stop))
  let source: ReturnType<typeof follow> | undefined
  let running: string | null = null
  let told = 0

  const cancel = async () => {
    if (running !== null) await dataOf(service.scans({ id: running }).cancel.post())
  }
  const takes: Takes<ScanData> = {
    progress: (data) => {
      text.textContent = inWords(data)
      bar.max = Math.max(data.totalHours, 1e-6)
      bar.value = data.hours
      const now = performance.now()
      if (now - told < AGAIN) return
      told = now
      heard()
    },
    skip: () => {},
    end: ({ outcome }) => {
      turnTo(null)
      toast(outcome ?? "The scan has ended.")
      ended()
    }
  }
  const turnTo = (id: string | null) => {
    if (id === running) return
    running = id
    source?.close()
    source = undefined
    content.hidden = id === null
    if (id === null) return
    text.textContent = "Listening …"
    bar.removeAttribute("value")
    source = follow(service.scans({ id }).events, takes)
  }
  const look = async (scans: Pick<Scans, "running">) => turnTo(scans.running)
  const timer = setInterval(() => {
    if (running !== null && source?.readyState !== source?.CLOSED) return
    dataOf(service.scans.get({ query: { limit: 1 } })).then(
      (scans) => {
        // Its events came no more: it has ended meanwhile, or goes on elsewhere.
        if (running !== null && scans.running === null) ended()
        turnTo(scans.running)
      },
      () => {}
    )
  }, LOOK)
  return {
    content,
    look,
    leave: () => {
      clearInterval(timer)
      source?.close()
    }
  }
}

const inWords = ({ hours, totalHours, speed, secondsLeft }: ScanData["progress"]): string =>
  `Listening: ${hoursOf(3600 * hours)} of about ${hoursOf(3600 * totalHours)} heard, ${Math.round(speed)} × real time, ` +
  `about ${secondsLeft < 90 ? `${Math.ceil(secondsLeft)} s` : hoursOf(secondsLeft)} left.`
