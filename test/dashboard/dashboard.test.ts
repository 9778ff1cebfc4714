import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser } from "playwright-core"
import { go, hasChromium, openBrowser, openDashboard, toast } from "../support/dashboardWorld.ts"
import { sound } from "../support/runWorld.ts"
import { type Service, startService, train } from "../support/serviceWorld.ts"

const TOKEN = "a-token-of-the-service"

let service: Service
let browser: Browser
let folder: string
beforeAll(async () => {
  if (!hasChromium) return
  folder = await mkdtemp(join(tmpdir(), "ecosight-dashboard-"))
  for (const seed of [1, 2, 3]) await Bun.write(join(folder, `bark ${seed}.wav`), sound("dog_bark", 600 + seed))
  await Bun.write(join(folder, "<b>notes.wav"), "no sound")
  service = await startService({ environment: { API_TOKEN: TOKEN, ALLOW_NEW_CLASSES: "1" } })
  await train(
    { ...service, post: (path, body) => service.post(path, body, { authorization: `Bearer ${TOKEN}` }) },
    "first"
  )
  browser = await openBrowser()
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await service?.[Symbol.asyncDispose]()
  if (folder !== undefined) await rm(folder, { recursive: true })
})

const open = (options: Parameters<Browser["newPage"]>[0] = {}, token = "") =>
  openDashboard(browser, service, options, token)
/** The newest version, promoted or not. */
const newestModel = async () =>
  ((await (await service.get("/models")).json()) as { models: ReadonlyArray<{ runId: string }> }).models[0]!

test.skipIf(!hasChromium)(
  "a biologist uploads, trains, promotes, rolls back and predicts (skipped where /usr/bin/chromium is missing)",
  async () => {
    const { page, complaints } = await open()
    await page.getByText("The model in use").waitFor()

    await go(page, "Training data")
    await page.getByRole("textbox", { name: "Token" }).fill(TOKEN)
    await page.getByRole("button", { name: "Continue" }).click()
    await page.getByRole("button", { name: "Listen: 0-0-0-0.wav" }).waitFor()
    await page.getByLabel("Class").first().selectOption({ label: "A new class …" })
    await page.getByLabel("Name of the new class").fill("fox_bark")
    const files = ["bark 1.wav", "bark 2.wav", "bark 3.wav", "<b>notes.wav"].map((name) => join(folder, name))
    await page.locator("input[type=file]").setInputFiles(files)
    await page.getByText("4 of 4: 3 stored, 0 were there already, 1 refused.").waitFor()
    await page.getByText("The file is text, not audio.").waitFor()
    await page.getByText("3 of 100 new recordings until the next training").waitFor()

    await go(page, "Runs")
    await page.getByLabel("Reason").fill(`foxes <i>heard</i> ${"a".repeat(300)}`)
    await page.getByRole("button", { name: "Start training" }).click()
    await page.getByText("Training now").waitFor()
    await page.getByText("Run of").waitFor()
    await page.getByText("Reason: foxes <i>heard</i>").waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1280)
    await page.getByText("13 (3 new, 10 known)").waitFor()

    await go(page, "Models")
    const promoted = async () => ((await (await service.get("/models")).json()) as { promoted: string }).promoted
    const before = await promoted()
    await page
      .getByRole("button", { name: /^Promote/ })
      .first()
      .click()
    expect(await promoted()).toBe(before)
    const dialog = page.getByRole("dialog")
    await dialog.getByRole("rowheader", { name: "Macro-F1" }).waitFor()
    await dialog.getByRole("button", { name: /^Promote/ }).click()
    await toast(page, /is promoted/)
    expect(await promoted()).not.toBe(before)
    await page.getByRole("button", { name: "Roll back to the one before" }).click()
    await dialog.getByRole("button", { name: "Roll back" }).click()
    await toast(page, /^Back from/)
    expect(await promoted()).toBe(before)
    await page.getByRole("button", { name: "Compare" }).click()
    await page.getByText("3 added, 0 removed, 0 changed, 10 the same.").waitFor()

    await go(page, "Try it")
    await page.locator("input[type=file]").setInputFiles(join(folder, "bark 1.wav"))
    await page.locator(".verdict").waitFor()
    expect(await page.locator(".verdict").textContent()).toMatch(/( with|^Not sure – perhaps \w+,) \d/)
    await page.getByRole("button", { name: "Play" }).waitFor()
    expect(complaints).toEqual([])
    await page.close()
  },
  90_000
)

test.skipIf(!hasChromium)(
  "a biologist looks through the recordings, hears two that are the same, decides, and hears one on the map (skipped where /usr/bin/chromium is missing)",
  async () => {
    const shot = await Bun.file(join(service.store, "extracted_audio/gun_shot/100-1-0-0.wav")).bytes()
    await Bun.write(join(service.store, "extracted_audio/dog_bark/copied <b>.wav"), shot)
    const post: Service["post"] = (path, body) => service.post(path, body, { authorization: `Bearer ${TOKEN}` })
    await train({ ...service, post }, "with a copy")
    const { page, complaints } = await open({}, TOKEN)

    await go(page, "Review")
    await page.getByText("Nothing looked through yet").waitFor()
    await page.getByRole("button", { name: "Look through the recordings" }).click()
    await page.getByText(/recordings were looked through on/).waitFor()
    const pair = page.locator("li", { hasText: "copied <b>.wav, dog_bark" })
    await pair.getByText("Their classes differ").waitFor()
    await pair.getByRole("button", { name: "Listen: copied <b>.wav" }).click()
    await pair.getByRole("button", { name: "Play", exact: true }).waitFor()
    await pair.getByRole("button", { name: "Set aside: copied <b>.wav" }).click()
    await toast(page, "Moved to set_aside/dog_bark/copied <b>.wav.")
    await page.getByRole("button", { name: "Put back: copied <b>.wav" }).click()
    await toast(page, "Moved to extracted_audio/dog_bark/copied <b>.wav.")
    await pair.getByRole("button", { name: /^Keep both/ }).click()
    await toast(page, "Both are kept.")
    await pair.waitFor({ state: "detached" })
    await page
      .getByRole("button", { name: /^Keep: / })
      .first()
      .press("Enter")
    await toast(page, "Kept as it is.")
    await page.locator(".items button:focus").first().waitFor()

    await post(`/models/${(await newestModel()).runId}/promote`)
    await go(page, "Training data")
    // The review has such buttons, too, until it has gone.
    await page.getByRole("heading", { level: 1, name: "Training data" }).waitFor()
    await page
      .getByRole("button", { name: /^Listen: / })
      .first()
      .click()
    await page.getByRole("button", { name: "Play" }).waitFor()
    await page.locator(".map .mark").first().click({ force: true })
    await page.locator(".map ~ div").getByRole("button", { name: "Play" }).waitFor()
    expect(await page.locator(".player").count()).toBe(1)
    expect(complaints).toEqual([])
    await page.close()
  },
  120_000
)

test.skipIf(!hasChromium)(
  "every page fits 380 pixels, has one name for each control, and asks nobody else (skipped where /usr/bin/chromium is missing)",
  async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const { page, complaints } = await open({ viewport: { width: 380, height: 800 }, colorScheme }, TOKEN)
      await page.locator("nav a").first().waitFor()
      for (const tab of await page.locator("nav a").allTextContents()) {
        await go(page, tab)
        await page.locator("main:not([aria-busy]) .card:visible").first().waitFor()
        const sticking = await page.evaluate(() =>
          [...document.querySelectorAll("main *")]
            .filter((element) => element.getBoundingClientRect().right > 380 && !element.closest(".scroll"))
            .map((element) => `${element.tagName} ${element.className}`)
        )
        expect([tab, sticking, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([tab, [], 380])
        const unnamed = await page.evaluate(
          () =>
            [...document.querySelectorAll("main :is(button, input, select, progress)")].filter(
              (control) =>
                !control.getAttribute("aria-label") &&
                !control.textContent?.trim() &&
                !(control as HTMLInputElement).labels?.length
            ).length
        )
        expect(unnamed).toBe(0)
      }
      expect(complaints).toEqual([])
      await page.close()
    }
  },
  120_000
)

test.skipIf(!hasChromium)(
  "the section that is open is in view, one that there is not is the first, and no card touches another (skipped where /usr/bin/chromium is missing)",
  async () => {
    const show = async (width: number, hash: string) => {
      const { page } = await open({ viewport: { width, height: 800 } }, TOKEN)
      await page.goto(`${service.url}/dashboard#${hash}`)
      await page.reload()
      await page.locator("main:not([aria-busy]) .card:visible").first().waitFor({ timeout: 5_000 })
      return page
    }
    const phone = await show(380, "workers")
    const link = (await phone.locator("nav a[aria-current]").boundingBox())!
    expect(link.x + link.width).toBeLessThanOrEqual(380)
    await phone.close()
    const lost = await show(1280, "constructor")
    await lost.getByText("The model in use").waitFor({ timeout: 5_000 })
    await lost.setViewportSize({ width: 1280, height: 300 })
    await lost.evaluate(() => scrollTo(0, 400))
    await go(lost, "Models")
    await lost.getByRole("heading", { name: "Versions", exact: true }).waitFor()
    expect(await lost.evaluate(() => scrollY)).toBe(0)
    await lost.close()
    // The card that another, as wide as the page, lies below.
    for (const [hash, wide] of [
      ["runs", 1],
      ["data", 3]
    ] as const) {
      const desk = await show(1280, hash)
      const [first, second] = await Promise.all([0, wide].map((at) => desk.locator(".card").nth(at).boundingBox()))
      expect(second!.y - (first!.y + first!.height)).toBeGreaterThan(8)
      await desk.close()
    }
  },
  120_000
)

test.skipIf(!hasChromium)(
  "the pages are reached by keyboard alone (skipped where /usr/bin/chromium is missing)",
  async () => {
    const { page } = await open()
    await page.keyboard.press("Tab")
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to content")
    for (const tab of ["Overview", "Training data", "Review", "Runs"]) {
      await page.keyboard.press("Tab")
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(tab)
    }
    await page.keyboard.press("Enter")
    await page.getByText("Start a training").waitFor()
    await page.locator(".skip").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("INPUT")
    expect(await page.locator("nav a[aria-current]").textContent()).toBe("Runs")
    await page.close()
  },
  120_000
)
