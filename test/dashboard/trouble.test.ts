import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser, Page, Route } from "playwright-core"
import { go, hasChromium, openBrowser, openDashboard, toast } from "../support/dashboardWorld.ts"
import { sound } from "../support/runWorld.ts"
import { type Service, startService } from "../support/serviceWorld.ts"

// What goes wrong between the page and the service is played by the page's own requests being answered otherwise.

const TOKEN = "a-token-of-the-service"
const RUN = "20260131T235959123Z-1a2b3c"
let service: Service
let browser: Browser
let folder: string
beforeAll(async () => {
  if (!hasChromium) return
  folder = await mkdtemp(join(tmpdir(), "ecosight-trouble-"))
  await Bun.write(join(folder, "bark.wav"), sound("dog_bark", 700))
  await Bun.write(join(folder, "whine.wav"), sound("dog_bark", 701))
  service = await startService({ environment: { API_TOKEN: TOKEN } })
  browser = await openBrowser()
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await service?.[Symbol.asyncDispose]()
  if (folder !== undefined) await rm(folder, { recursive: true })
})

const open = (token = TOKEN) => openDashboard(browser, service, {}, token)
/** Answers requests for a path with JSON. */
const answer = (page: Page, path: string | RegExp, json: (route: Route) => object) =>
  page.route(typeof path === "string" ? `${service.url}${path}` : path, (route) => route.fulfill({ json: json(route) }))

const run = (more: object = {}) => ({
  id: RUN,
  status: "finished",
  startedAt: null,
  trigger: null,
  outcome: "Not promoted: it is worse.",
  result: { promoted: false, recordings: 10, macroF1: 0.5, accuracy: 0.5 },
  ...more
})

test.skipIf(!hasChromium)(
  "a run whose events break off is shown to its end, and events of any kind do no harm (skipped where /usr/bin/chromium is missing)",
  async () => {
    const { page, complaints } = await open()
    let isOver = false
    await answer(page, `/runs?limit=20`, () => ({ runs: [run()], running: isOver ? null : RUN }))
    await answer(page, `/runs/${RUN}`, () => ({
      ...run(isOver ? {} : { status: "running", outcome: null, result: null }),
      summary: null
    }))
    const search = { stage: "search", done: 3.5, total: 60, rate: 1, secondsLeft: 56 }
    const later = { stage: "something newer", done: 1, total: null, rate: null, secondsLeft: null }
    let asked = 0
    await page.route(`${service.url}/runs/${RUN}/events`, (route) =>
      // Whoever comes back finds a service that has been started anew.
      asked++ > 0
        ? route.fulfill({ status: 409, json: { detail: "This run was not started here." } })
        : route.fulfill({
            headers: { "content-type": "text/event-stream" },
            body: `retry: 100\n\n${[search, later].map((data, at) => `id: ${at + 1}\nevent: progress\ndata: ${JSON.stringify(data)}\n\n`).join("")}`
          })
    )
    await go(page, "Runs")
    await page.getByText("something newer: 1 steps").waitFor()
    await page.getByText("Its progress does not come through").waitFor()
    isOver = true
    await toast(page, "Not promoted: it is worse.")
    await page.getByText("Training now").waitFor({ state: "detached" })
    // A model that was refused is no success.
    const row = page.getByRole("row", { name: "50.0" })
    expect(await row.locator(".tag").textContent()).toBe("not promoted")
    expect(await row.locator(".tag").getAttribute("class")).toBe("tag refused")
    expect(complaints).toEqual([])
    await page.close()
  },
  120_000
)

test.skipIf(!hasChromium)(
  "what a run leaves out is shown while it goes on, to who has the token (skipped where /usr/bin/chromium is missing)",
  async () => {
    const { page, complaints } = await open()
    await answer(page, "/runs?limit=20", () => ({ runs: [run()], running: RUN }))
    await page.route(`${service.url}/runs/${RUN}/events`, (route) => {
      const isTrusted = route.request().headers().authorization === `Bearer ${TOKEN}`
      const data = { key: "extracted_audio/dog_bark/notes.wav", reason: "The file is text, not audio." }
      return route.fulfill({
        headers: { "content-type": "text/event-stream" },
        body: isTrusted ? `id: 1\nevent: skip\ndata: ${JSON.stringify(data)}\n\n` : "retry: 100\n\n"
      })
    })
    await go(page, "Runs")
    await page.getByText("The file is text, not audio.").first().waitFor()
    expect(complaints).toEqual([])
    await page.close()
  },
  120_000
)

test.skipIf(!hasChromium)(
  "a wrong token is told, and one that is not given can be given later (skipped where /usr/bin/chromium is missing)",
  async () => {
    const { page } = await open("")
    await go(page, "Training data")
    const dialog = page.getByRole("dialog")
    await dialog.getByLabel("Token").fill("a wrong one")
    await dialog.getByRole("button", { name: "Continue" }).click()
    await dialog.getByText("That is not this service's token.").waitFor()
    // What no header can carry, such as a quotation mark that was copied along, does not look like a service that is away.
    await dialog.getByLabel("Token").fill(`“${TOKEN}”`)
    await dialog.getByRole("button", { name: "Continue" }).click()
    await dialog.getByText("That is not this service's token.").waitFor()
    expect(await dialog.getByLabel("Token").inputValue()).toBe("")
    await dialog.getByRole("button", { name: "Cancel" }).click()
    await page.getByText("this needs the service's token").first().waitFor()
    await page.getByRole("button", { name: "Try again" }).click()
    await dialog.getByLabel("Token").fill(` ${TOKEN} `)
    await dialog.getByRole("button", { name: "Continue" }).click()
    await page
      .getByRole("button", { name: /^Listen: / })
      .first()
      .waitFor()
    await page.close()
  },
  120_000
)

test.skipIf(!hasChromium)(
  "what could not be reached is shown once it can (skipped where /usr/bin/chromium is missing)",
  async () => {
    const { page } = await open()
    await page.getByText("No model yet").first().waitFor()
    await page.route(`${service.url}/{runs,health,models}**`, (route) => route.abort())
    await go(page, "Models")
    await page.locator("main").getByText("The service cannot be reached.").waitFor()
    await page.getByText("Not reachable").waitFor()
    await page.unroute(`${service.url}/{runs,health,models}**`)
    await page.getByText("There is no version yet.").waitFor()
    expect(await page.getByText("cannot be reached").count()).toBe(0)
    await page.close()
  },
  120_000
)

test.skipIf(!hasChromium)(
  "an upload that failed on the way is sent again (skipped where /usr/bin/chromium is missing)",
  async () => {
    const { page } = await open()
    await go(page, "Training data")
    await page.route(`${service.url}/upload`, (route) => route.abort())
    await page.locator("input[type=file]").setInputFiles(join(folder, "bark.wav"))
    await page.getByText("1 of 1: 0 stored, 0 were there already, 0 refused, 1 failed.").waitFor()
    await page.unroute(`${service.url}/upload`)
    await page.getByRole("button", { name: "Send again what failed (1)" }).click()
    await page.getByText("1 of 1: 1 stored, 0 were there already, 0 refused.").waitFor()
    await page.close()
  },
  120_000
)

test.skipIf(!hasChromium)(
  "an answer below the model's own threshold is no class, and what is heard where in a long recording is told (skipped where /usr/bin/chromium is missing)",
  async () => {
    const { page } = await open()
    await answer(page, "/predict?unknown=1", () => ({
      success: true,
      predicted_class: "unknown",
      likeliest_class: "dog_bark",
      threshold: 0.9,
      confidence: 0.8,
      all_probabilities: { dog_bark: 0.8, gun_shot: 0.2 },
      processing_time: 0.01,
      timestamp: "2026-01-31T23:59:59Z",
      seconds_heard: 600,
      heard_to_the_end: true,
      events: [{ start: 61, end: 62.4, class: "dog_bark", peak: 0.8, mean: 0.7, windows: 2 }]
    }))
    await go(page, "Try it")
    await page.locator("input[type=file]").setInputFiles([join(folder, "bark.wav")])
    await page.getByText("Not sure – perhaps dog_bark, 80.0").waitFor()
    await page.getByText("This model names dog_bark from 90.0").waitFor()
    await page.getByText("1 event in 10 minutes").waitFor()
    await page.getByRole("cell", { name: "1:01 to 1:02" }).waitFor()
    await page.close()
  },
  120_000
)

test.skipIf(!hasChromium)(
  "what would be refused again is not to be sent again, a folder is told from a service that is away (skipped where /usr/bin/chromium is missing)",
  async () => {
    const { page } = await open()
    await go(page, "Training data")
    await page.locator("main select").first().selectOption("dog_bark")
    await page.locator("input[type=file]").setInputFiles(join(folder, "whine.wav"))
    await page.getByText("1 of 1: 1 stored, 0 were there already, 0 refused.").waitFor()
    await page.locator("main select").first().selectOption("gun_shot")
    await page.locator("input[type=file]").setInputFiles(join(folder, "whine.wav"))
    await page.getByText("give it the class gun_shot on the dashboard under Training data").waitFor()
    await page.getByText("1 of 1: 0 stored, 0 were there already, 1 refused.").waitFor()
    await mkdir(join(folder, "barks"), { recursive: true })
    await drop(page, join(folder, "barks"))
    await page.getByText("This is a folder, or a file that has changed or gone since").waitFor()
    await page.getByText("1 of 1: 0 stored, 0 were there already, 1 refused.").waitFor()
    expect(await page.getByRole("button", { name: "Send again" }).count()).toBe(0)
    await page.close()
  },
  120_000
)

/** Drops a file or folder of this machine where recordings go. */
const drop = async (page: Page, path: string) => {
  const { x, y } = (await page.locator(".drop").boundingBox())!
  const browser = await page.context().newCDPSession(page)
  const data = { items: [], files: [path], dragOperationsMask: 1 }
  for (const type of ["dragEnter", "dragOver", "drop"] as const) {
    await browser.send("Input.dispatchDragEvent", { type, x: x + 20, y: y + 20, data })
  }
}

test.skipIf(!hasChromium)(
  "what a newcomer cannot do yet is told with what to do first (skipped where /usr/bin/chromium is missing)",
  async () => {
    const { page, complaints } = await open()
    await go(page, "Review")
    await page.getByText("It looks through what a training has heard: start the first one under Runs.").waitFor()
    expect(await page.getByRole("button", { name: "Look through the recordings" }).isDisabled()).toBe(true)
    await answer(page, "/classes", () => ({
      ...{ classes: [], recordings: 0, new_since_training: 0, threshold: 100, new_classes_allowed: true },
      running: null
    }))
    await go(page, "Training data")
    await page.getByLabel("Name of the new class").fill("unknown")
    await page.locator("input[type=file]").setInputFiles(join(folder, "bark.wav"))
    await toast(page, "unknown is no class: name what is heard.")
    expect(await page.getByText("1 of 1").count()).toBe(0)
    expect(complaints).toEqual([])
    await page.close()
  },
  120_000
)

test.skipIf(!hasChromium)(
  "what was not heard is not counted as heard (skipped where /usr/bin/chromium is missing)",
  async () => {
    const { page } = await open()
    await go(page, "Try it")
    await page.locator("input[type=file]").setInputFiles([join(folder, "bark.wav"), join(folder, "whine.wav")])
    await page.getByText("0 of 2 recordings heard, 2 refused.", { exact: true }).waitFor()
    expect(await page.getByText("No model is loaded: train one first.").count()).toBe(2)
    await page.close()
  },
  120_000
)

test.skipIf(!hasChromium)(
  "a change is followed over an outage, and a refused one shows how things are (skipped where /usr/bin/chromium is missing)",
  async () => {
    const { page } = await open()
    const change = {
      id: "20260131T235959123Z-1a2b3c4d",
      at: "2026-01-31T23:59:59Z",
      action: "relabel",
      class: "gun_shot"
    }
    const told = (state: string) => ({ ...change, state, recordings: 3, stayed: 0, failed: [] })
    let latest: object = { running: null, changes: [told("done")] }
    await page.route(`${service.url}/clips/changes`, (route) =>
      route.request().method() === "POST"
        ? route.fulfill({ json: { success: true, message: "", change: told("begun") } })
        : route.fulfill({ json: latest })
    )
    await page.route(`${service.url}/clips/changes/*/undo`, (route) => {
      latest = { running: null, changes: [told("undone")] }
      return route.fulfill({ status: 409, json: { detail: "This change is undone already." } })
    })
    await go(page, "Training data")
    const changes = page.locator(".card", { hasText: "Changes" })
    await changes.getByRole("button", { name: "Undo" }).click()
    await toast(page, "This change is undone already.")
    await changes.getByText("Undone: 3 recordings back from gun_shot.").waitFor()

    latest = { running: { id: change.id, done: 1, total: 3 }, changes: [told("begun")] }
    await page.getByRole("button", { name: "Change the class dog_bark" }).click()
    await page.getByRole("dialog").getByLabel("New name").fill("gun_shot")
    await page.getByRole("dialog").getByRole("button", { name: "Rename or merge" }).click()
    await changes.getByText("1 of 3 recordings moved").waitFor()
    const away = page.waitForEvent("requestfailed")
    await page.route(`${service.url}/clips/changes`, (route) => route.abort())
    await away
    latest = { running: null, changes: [told("done")] }
    await page.unroute(`${service.url}/clips/changes`)
    await page.route(`${service.url}/clips/changes`, (route) => route.fulfill({ json: latest }))
    await toast(page, "3 recordings moved to gun_shot.")
    expect(await changes.getByText("of 3 recordings moved").count()).toBe(0)
    await page.close()
  },
  120_000
)

test.skipIf(!hasChromium)(
  "a run's page names what was silent and what was not read as usual (skipped where /usr/bin/chromium is missing)",
  async () => {
    const { page } = await open()
    const summary = {
      recordings: 10,
      embedded: 10,
      reused: 0,
      variants: 60,
      holdout: { recordings: 2, accuracy: 0.5, macroF1: 0.5 },
      seconds: { total: 1 },
      engine: { name: "native", adapter: "a processor", why: "" },
      skipped: [],
      notes: [],
      silent: ["extracted_audio/dog_bark/night.wav"],
      noted: [{ key: "extracted_audio/dog_bark/balanced.wav", note: "Its channels cancel: the first was taken." }]
    }
    await answer(page, `/runs?limit=20`, () => ({ runs: [run()], running: null }))
    await answer(page, `/runs/${RUN}`, () => ({ ...run(), summary }))
    await go(page, "Runs")
    await page.getByRole("row", { name: "50.0" }).getByRole("button").click()
    await page.getByText("1 recording without sound: see Review").waitFor()
    await page.getByText("extracted_audio/dog_bark/night.wav").waitFor()
    await page.getByText("extracted_audio/dog_bark/balanced.wav: Its channels cancel: the first was taken.").waitFor()
    await page.close()
  },
  120_000
)
