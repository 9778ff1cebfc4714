import { dataOf, reasonOf, service } from "./api.ts"
import type { Page } from "./page.ts"
import { PAGES } from "./pages.ts"
import { h } from "./parts/elements.ts"
import { silence } from "./parts/player.ts"

const main = document.getElementById("main")!
const links = PAGES.map(({ name, title }) => h("a", { href: `#${name}` }, title))
document.querySelector("nav")!.replaceChildren(...links)
let leave: (() => void) | undefined
let shown = 0
let hasFailed = false

/** What stands in place of a page that does not open. */
const failedPage = (error: unknown): Page => ({
  content: h(
    "div",
    { class: "card" },
    h("p", { class: "problem", role: "alert" }, reasonOf(error)),
    h("button", { class: "primary", click: () => void show() }, "Try again")
  )
})

const show = async () => {
  const [address, query] = location.hash.slice(1).split("?", 2)
  const asked = PAGES.findIndex(({ name }) => name === address)
  const open = Math.max(0, asked)
  const { title, load } = PAGES[open]!
  for (const link of links) link.removeAttribute("aria-current")
  links[open]!.setAttribute("aria-current", "page")
  document.title = `${title} – EcoSight`
  leave?.()
  leave = undefined
  silence()
  const turn = ++shown
  main.setAttribute("aria-busy", "true")
  let failed = false
  const page = await load(new URLSearchParams(query)).catch((error: unknown): Page => {
    failed = true
    return failedPage(error)
  })
  if (turn !== shown) return page.leave?.()
  hasFailed = failed
  leave = page.leave
  const heading = h("h1", { tabindex: -1 }, title)
  main.replaceChildren(heading, page.content)
  main.removeAttribute("aria-busy")
  scrollTo(0, 0)
  // Whoever does not see the page hears which one has opened, and goes on from its beginning.
  if (turn > 1 && document.querySelector("dialog[open]") === null) heading.focus({ preventScroll: true })
}

const showState = async () => {
  const place = document.getElementById("state")!
  const say = (text: string, style: string) => {
    // Said again only where it has changed: screen readers read it out.
    if (place.textContent !== text) place.textContent = text
    place.className = `state ${style}`
  }
  try {
    const { running } = await dataOf(service.runs.get({ query: { limit: 1 } }))
    const { model_loaded } = await dataOf(service.health.get())
    const wasAway = place.classList.contains("bad")
    if (running !== null) say("Training", "busy")
    else if (model_loaded) say("Model ready", "good")
    else say("No model yet", "warn")
    // What could not be shown while the service was away.
    if (wasAway && hasFailed) void show()
  } catch {
    say("Not reachable", "bad")
  }
}

// The address after the # is a section's: as a link it would open another one.
document.querySelector(".skip")!.addEventListener("click", (event) => {
  event.preventDefault()
  main.focus()
})
addEventListener("hashchange", () => void show())
void show()
void showState()
setInterval(() => void showState(), 5000)
