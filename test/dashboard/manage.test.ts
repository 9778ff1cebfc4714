import { afterAll, beforeAll, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { Browser } from "playwright-core"
import { go, hasChromium, openBrowser, openDashboard, toast } from "../support/dashboardWorld.ts"
import { smallCorpus } from "../support/runWorld.ts"
import { type Service, startService, train } from "../support/serviceWorld.ts"

const MARKUP = "<img src=x onerror=alert(1)>"
let service: Service
let browser: Browser
beforeAll(async () => {
  if (!hasChromium) return
  service = await startService()
  const [bark] = smallCorpus().values()
  await Bun.write(join(service.store, `extracted_audio/dog_bark/${MARKUP}.wav`), bark!)
  await Bun.write(join(service.store, `extracted_audio/${MARKUP}/a.wav`), "unusable")
  await train(service, "first")
  browser = await openBrowser()
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await service?.[Symbol.asyncDispose]()
})

const open = (options: Parameters<Browser["newPage"]>[0] = {}) => openDashboard(browser, service, options)

test.skipIf(!hasChromium)(
  "recordings are found, moved, removed and put back, a class is renamed, and all is taken away as files (skipped where /usr/bin/chromium is missing)",
  async () => {
    const { page, complaints } = await open()
    page.on("dialog", (dialog) => complaints.push(`markup ran: ${dialog.message()}`))
    const dialog = page.getByRole("dialog")
    const row = page.getByRole("row", { name: MARKUP })
    await go(page, "Training data")
    await page.getByLabel("Search in names and folders").fill("ALERT(1)>.WAV")
    await page.getByText("1 to 1 of 1 recording", { exact: true }).waitFor()
    await row.getByRole("checkbox").check()
    await page.getByRole("button", { name: "Move to class …" }).click()
    await dialog.getByLabel("To the class").selectOption("gun_shot")
    await dialog.getByRole("button", { name: "Move", exact: true }).click()
    await toast(page, "1 recording moved to gun_shot.")
    await row.getByRole("cell", { name: "gun_shot" }).waitFor()
    await page.locator(".toasts").getByRole("button", { name: "Undo" }).click()
    await toast(page, "Undone: 1 recording back from gun_shot.")
    await row.getByRole("cell", { name: "dog_bark" }).waitFor()

    // All that are found, chosen or not.
    await page.getByRole("button", { name: "Remove", exact: true }).click()
    await dialog.getByRole("button", { name: "Cancel" }).click()
    expect(existsSync(join(service.store, "trash"))).toBe(false)
    await page.getByRole("button", { name: "Remove", exact: true }).click()
    await dialog.getByRole("button", { name: "Move to the trash" }).click()
    await toast(page, "1 recording moved to the trash.")
    await page
      .locator(".card", { hasText: "Changes" })
      .getByRole("button", { name: /^Undo: .* trash/ })
      .click()
    await toast(page, "Undone: 1 recording back from the trash.")

    await page.getByLabel("Search in names and folders").fill("")
    await page.getByRole("button", { name: "Change the class gun_shot" }).click()
    await dialog.getByRole("combobox").fill("dog_bark")
    await dialog.getByText("dog_bark is there already: both become one class.").waitFor()
    await dialog.getByRole("combobox").fill("shot")
    await dialog.getByRole("button", { name: "Rename or merge" }).click()
    await toast(page, "5 recordings moved to shot.")
    await page.getByRole("button", { name: "Change the class shot" }).waitFor()

    const download = async (name: string) => {
      const [file] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name, exact: true }).click()
      ])
      return { name: file.suggestedFilename(), size: (await Bun.file(await file.path()).bytes()).length }
    }
    expect(await download("Download as CSV")).toMatchObject({ name: "recordings.csv" })
    await go(page, "Models")
    await page.locator("button.link").first().click()
    for (const name of ["yamnet_classifier.keras", "ecosight.onnx", "class_names.json"]) {
      const file = await download(name)
      expect(file).toEqual({ name, size: Bun.file(join(service.store, "models", name)).size })
    }
    expect(complaints).toEqual([])
    await page.close()
  },
  120_000
)

test.skipIf(!hasChromium)(
  "every page has a title and one heading, which takes the focus; what is pressed is 40 pixels high, what is read 12, on a phone, too (skipped where /usr/bin/chromium is missing)",
  async () => {
    const { page, complaints } = await open({ viewport: { width: 380, height: 800 } })
    await page.locator("main h1").waitFor()
    for (const tab of (await page.locator("nav a").allTextContents()).toReversed()) {
      await go(page, tab)
      await page.locator("h1:focus").getByText(tab, { exact: true }).waitFor()
      expect([await page.title(), await page.locator("h1").count()]).toEqual([`${tab} – EcoSight`, 1])
      const found = await page.evaluate(() => {
        const small: Array<string> = []
        for (const control of document.querySelectorAll(
          "button, select, input:not([type=checkbox]), label.check, nav a"
        )) {
          const { width, height } = control.getBoundingClientRect()
          if (width > 0 && height < 40) small.push(`${control.outerHTML.slice(0, 80)} is ${height} high`)
        }
        for (const element of document.querySelectorAll("body *")) {
          if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim())) continue
          const svg = element.closest("svg")
          const scale = svg === null ? 1 : svg.getBoundingClientRect().width / svg.viewBox.baseVal.width
          const size = scale * Number.parseFloat(getComputedStyle(element).fontSize)
          const isShown = element.getBoundingClientRect().width > 0
          if (isShown && size < 12) small.push(`${element.textContent} is ${size} high`)
        }
        const links = [...document.querySelectorAll("nav a")].map((link) => link.getBoundingClientRect().right)
        return { small, right: Math.max(...links) }
      })
      expect(found.small).toEqual([])
      expect(found.right).toBeLessThanOrEqual(380)
    }
    const last = (await page.getByRole("link", { name: "Overview" }).boundingBox())!
    expect(last.x).toBeGreaterThanOrEqual(0)
    // The last class in the table of mistakes.
    const cells = page.locator(".confusion td").last()
    const cell = (await cells.boundingBox())!
    expect(cell.x + cell.width).toBeLessThanOrEqual(364)
    expect(complaints).toEqual([])
    await page.close()
  },
  120_000
)

test.skipIf(!hasChromium)(
  "the map goes by arrows, and Enter plays (skipped where /usr/bin/chromium is missing)",
  async () => {
    const { page } = await open()
    await go(page, "Training data")
    const marks = page.locator(".map .mark")
    await marks.first().waitFor()
    expect(await page.locator('.map .mark[tabindex="0"]').count()).toBe(1)
    await marks.first().focus()
    const before = await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))
    for (const key of ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"]) await page.keyboard.press(key)
    for (const key of ["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"]) {
      await page.keyboard.press(key)
      const now = await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))
      if (now !== before) break
    }
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).not.toBe(before)
    await page.keyboard.press("Enter")
    await page.locator(".map ~ div").getByRole("button", { name: "Play" }).waitFor()
    await page.close()
  },
  120_000
)
