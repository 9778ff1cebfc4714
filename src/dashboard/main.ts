import { get, Refused } from "./api.ts"
import { h } from "./dom.ts"
import { modelsPage } from "./models.ts"
import { overviewPage } from "./overview.ts"
import type { Page } from "./page.ts"
import { reviewPage } from "./review.ts"
import { runsPage } from "./runs.ts"
import { trainingPage } from "./training.ts"
import { tryPage } from "./try.ts"
import { workersPage } from "./workers.ts"

const PAGES: Readonly<Record<string, () => Promise<Page>>> = {
  overview: overviewPage,
  data: trainingPage,
  review: reviewPage,
  runs: runsPage,
  models: modelsPage,
  try: tryPage,
  workers: workersPage
}

const main = document.getElementById("main")!
let leave: (() => void) | undefined
let shown = 0

const show = async () => {
  const asked = location.hash.slice(1)
  const name = Object.hasOwn(PAGES, asked) ? asked : "overview"
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#${name}`) {
      link.setAttribute("aria-current", "page")
      // On a narrow screen the sections do not fit beside each other.
      link.scrollIntoView({ block: "nearest", inline: "nearest" })
    } else link.removeAttribute("aria-current")
  }
  leave?.()
  leave = undefined
  const turn = ++shown
  main.setAttribute("aria-busy", "true")
  const page = await PAGES[name]!().catch(
    (error: unknown): Page => ({
      content: h(
        "p",
        { class: "problem", role: "alert" },
        error instanceof Refused ? error.message : "The service cannot be reached."
      )
    })
  )
  if (turn !== shown) return page.leave?.()
  leave = page.leave
  main.replaceChildren(page.content)
  main.removeAttribute("aria-busy")
}

const showState = async () => {
  const place = document.getElementById("state")!
  try {
    const { running } = await get<{ running: string | null }>("/runs?limit=1")
    const { model_loaded } = await get<{ model_loaded: boolean }>("/health")
    place.textContent = running !== null ? "Training" : model_loaded ? "Model ready" : "No model yet"
    place.className = `state ${running !== null ? "busy" : model_loaded ? "good" : "warn"}`
  } catch {
    place.textContent = "Not reachable"
    place.className = "state bad"
  }
}

addEventListener("hashchange", () => void show())
void show()
void showState()
setInterval(() => void showState(), 5000)
