import { dataOf, reasonOf, service } from "./api.ts"
import type { Page } from "./page.ts"
import { PAGES } from "./pages.ts"
import { h } from "./parts/elements.ts"

const main = document.getElementById("main")!
const links = PAGES.map(({ name, title }) => h("a", { href: `#${name}` }, title))
document.querySelector("nav")!.replaceChildren(...links)
let leave: (() => void) | undefined
let shown = 0

const show = async () => {
  const asked = PAGES.findIndex(({ name }) => name === location.hash.slice(1))
  const open = Math.max(0, asked)
  for (const link of links) link.removeAttribute("aria-current")
  links[open]!.setAttribute("aria-current", "page")
  // On a narrow screen the sections do not fit beside each other.
  links[open]!.scrollIntoView({ block: "nearest", inline: "nearest" })
  leave?.()
  leave = undefined
  const turn = ++shown
  main.setAttribute("aria-busy", "true")
  const page = await PAGES[open]!.load().catch(
    (error: unknown): Page => ({ content: h("p", { class: "problem", role: "alert" }, reasonOf(error)) })
  )
  if (turn !== shown) return page.leave?.()
  leave = page.leave
  main.replaceChildren(page.content)
  main.removeAttribute("aria-busy")
  scrollTo(0, 0)
}

const showState = async () => {
  const place = document.getElementById("state")!
  const say = (text: string, style: string) => {
    place.textContent = text
    place.className = `state ${style}`
  }
  try {
    const { running } = await dataOf(service.runs.get({ query: { limit: 1 } }))
    const { model_loaded } = await dataOf(service.health.get())
    if (running !== null) say("Training", "busy")
    else if (model_loaded) say("Model ready", "good")
    else say("No model yet", "warn")
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
