import { existsSync } from "node:fs"
import { type Browser, chromium, type Page } from "playwright-core"
import type { Service } from "./serviceWorld.ts"

const CHROMIUM = "/usr/bin/chromium"
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
const QUIET = ["--disable-component-update", "--disable-sync"]

/** Tests of pages are skipped where there is no browser, and say so in their names. */
export const hasChromium = existsSync(CHROMIUM)

export const openBrowser = () => chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...QUIET] })

/** Opens the dashboard and notes what a browser complains of, and what it asks others for. */
export const openDashboard = async (
  browser: Browser,
  service: Service,
  options: Parameters<Browser["newPage"]>[0] = {},
  token = ""
) => {
  const page = await browser.newPage(options)
  if (token !== "") await page.addInitScript((text) => sessionStorage.setItem("ecosight-token", text), token)
  const complaints: Array<string> = []
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("status of 4")) complaints.push(message.text())
  })
  page.on("pageerror", (error) => complaints.push(error.message))
  page.on("request", (request) => {
    if (!new RegExp(`^(${service.url}/|data:|blob:)`).test(request.url())) complaints.push(request.url())
  })
  await page.goto(`${service.url}/dashboard`)
  return { page, complaints }
}

export const go = (page: Page, tab: string) =>
  page.getByRole("navigation").getByRole("link", { name: tab, exact: true }).click()

/** Waits for what is said at the bottom of the page. */
export const toast = (page: Page, text: string | RegExp) => page.locator(".toasts").getByText(text).first().waitFor()
