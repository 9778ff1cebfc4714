import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser } from "playwright-core"
import { go, hasChromium, openBrowser, openDashboard, toast } from "../support/dashboardWorld.ts"
import { fieldRecording } from "../support/fieldWorld.ts"
import { type Service, startService, train, until } from "../support/serviceWorld.ts"

const NAME = "20250612_050000.wav"
const TABLE = "annotations/ridge/20250612_050000.csv"

let service: Service
let browser: Browser
let folder: string
beforeAll(async () => {
  if (!hasChromium) return
  folder = await mkdtemp(join(tmpdir(), "ecosight-field-"))
  const calls = [2, 6, 10, 14, 18].map((at, i) => ({ at, className: i % 2 === 0 ? "dog_bark" : "gun_shot" }) as const)
  await Bun.write(join(folder, NAME), fieldRecording(22, calls))
  service = await startService()
  browser = await openBrowser()
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await service?.[Symbol.asyncDispose]()
  if (folder !== undefined) await rm(folder, { recursive: true })
})

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field.
type Json = any
const ask = async (path: string): Promise<Json> => (await service.get(path)).json()

test.skipIf(!hasChromium)(
  "a recording is uploaded, heard, judged, learned from and heard again, without a command line (skipped where /usr/bin/chromium is missing)",
  async () => {
    const { page, complaints } = await openDashboard(browser, service)
    await go(page, "Events")
    await page.getByText("No recording has been heard yet.").waitFor()
    await go(page, "Annotations")
    await page.getByText("Nothing is annotated yet").waitFor()
    await go(page, "Field")
    await page.getByText("There is no field recording yet.").waitFor()

    await train(service, "first")
    const before = (await ask("/models")).promoted
    await page.locator("input[type=file]").setInputFiles(join(folder, NAME))
    await toast(page, "Name the site first")
    await page.getByLabel("Site: where the recorder stands").fill("ridge")
    await page.locator("input[type=file]").setInputFiles(join(folder, NAME))
    await toast(page, /1 recording of 22\.0 seconds heard/)
    await page.getByText("1 of 1 heard").waitFor()
    await page.getByRole("button", { name: "ridge" }).click()
    await page.getByRole("rowheader", { name: NAME }).waitFor()
    await page.getByRole("link", { name: "Listen to them" }).click()

    const desk = page.getByRole("region", { name: "The event in hand" })
    const table = async () => (await Bun.file(join(service.store, TABLE)).text()).trimEnd().split("\n").slice(1)
    // The last in the list stays in hand when it is judged.
    const listen = page.getByRole("button", { name: /^Listen: (dog_bark|gun_shot)/ }).last()
    const heard = /^Listen: (\w+)/.exec((await listen.getAttribute("aria-label"))!)![1]!
    const other = heard === "dog_bark" ? "gun_shot" : "dog_bark"
    await listen.click()
    await desk.getByRole("button", { name: /^(Play|Pause)$/ }).waitFor()
    const { events } = await ask("/events")
    const at = ({ start, end }: Json) => `${start.toFixed(3)},${end.toFixed(3)}`
    const judged = (row: string, className: string) =>
      events.find((event: Json) => event.class === className && row.startsWith(`${at(event)},`))
    await page.keyboard.press("y")
    await toast(page, `It is ${heard}: the next training hears it.`)
    const first = judged((await table())[0]!, heard)
    expect(await table()).toEqual([`${at(first)},${heard},,dashboard,,`])
    await page.keyboard.press("u")
    await toast(page, "Taken back.")
    expect(await table()).toEqual([])
    await desk.getByText("Is it right?").waitFor()
    await desk.getByRole("button", { name: new RegExp(`^${other}`) }).click()
    await toast(page, `It is ${other}: the next training hears it.`)
    await desk.getByText(`Judged: ${other}.`).waitFor()
    expect(await table()).toEqual([`${at(first)},${other},,dashboard,,`])
    await page.locator(".toasts").getByRole("button", { name: "Undo" }).last().click()
    await desk.getByText("Is it right?").waitFor()
    expect(await table()).toEqual([])
    await page.keyboard.press("n")
    await toast(page, "Nothing is there: the next training hears that.")
    await page
      .getByRole("button", { name: new RegExp(`^Listen: ${other}`) })
      .first()
      .click()
    await desk
      .locator("strong", { hasText: `${other}, ` })
      .first()
      .waitFor()
    await page.keyboard.press("y")
    await toast(page, `It is ${other}: the next training hears it.`)
    // What was said of the answers before does not cover what is judged.
    expect(await page.locator(".toasts").getByText("the next training hears").count()).toBe(1)
    const second = judged((await table()).find((row) => row.includes(`,${other},`))!, other)
    expect((await table()).toSorted()).toEqual(
      [`${at(first)},complete,,,,`, `${at(second)},${other},,dashboard,,`].toSorted()
    )

    await go(page, "Annotations")
    await page.getByRole("button", { name: NAME }).click()
    // A time that is cleared is none, not the recording's beginning: nothing is saved before it is filled in.
    const [written, start] = [await table(), page.getByLabel("Start of row 1, seconds")]
    const known = await start.inputValue()
    const save = page.getByRole("button", { name: "Save" })
    await start.fill("")
    await start.blur()
    await save.click()
    await toast(page, "Row 1 needs a number of seconds as its Start.")
    expect(await table()).toEqual(written)
    await start.fill(known)
    await start.blur()
    await save.click()
    await toast(page, "Saved: the next training hears them.")
    expect(await table()).toEqual(written)

    await go(page, "Runs")
    await page.getByRole("button", { name: "Start training" }).click()
    await page.getByText("Run of").waitFor({ timeout: 120_000 })
    await page.getByText(/\d+ \(\d+ new, 10 known\)/).waitFor()
    await page.getByText(new RegExp(`gave 1 ${other} clips and \\d+ of background`)).waitFor()

    await go(page, "Field")
    await page.getByRole("button", { name: "Scan what is new" }).click()
    await toast(page, /^No recording was new/)
    const heardAnew = await ask("/events")
    // From any probability, in hundredths and in thousandths.
    await page.getByLabel("False alarms").selectOption("probability")
    await page.getByLabel("Probability", { exact: true }).fill("0.985")
    await page.getByRole("button", { name: "Scan what is new" }).click()
    expect(
      (await until(async () => (await ask("/scans")).scans.find(({ task }: Json) => task.threshold))).task
    ).toEqual({
      threshold: 0.985
    })
    await until(async () => ((await ask("/scans")).running === null ? true : undefined))
    await page.getByLabel("False alarms").selectOption("")
    await page.getByRole("button", { name: "Scan what is new" }).click()
    await until(async () => ((await ask("/events")).total === heardAnew.total ? true : undefined))
    await go(page, "Events")
    const [from, to] = [page.getByLabel("Probability from, %"), page.getByLabel("to, %", { exact: true })]
    await from.fill("98.5")
    await to.fill("90")
    await page.locator("input:invalid").waitFor()
    await to.fill("100")
    await page.locator("input:invalid").waitFor({ state: "detached" })
    await from.fill("")
    await page
      .getByRole("button", { name: /^Listen: / })
      .first()
      .waitFor()
    await page.getByRole("button", { name: "Compare" }).click()
    await page.getByText(/ gained, .* lost, .* moved, .* the same\./).waitFor()
    const again = await ask("/events")
    expect(again.model).toBe((await ask("/models")).promoted)
    expect(again.model).not.toBe(before)
    expect(again.models.map(({ runId }: Json) => runId)).toEqual([again.model, before])
    // What was said of a span holds for what another model hears there.
    for (const event of again.events)
      if ([at(first), at(second)].includes(at(event))) expect(event.judged).not.toBeNull()

    // The page names the model whose events it shows, which is not always the newest.
    const model = page.locator("label", { hasText: /^Model/ }).locator("select")
    expect(await model.inputValue()).toBe(again.model)
    expect((await service.post("/models/rollback")).status).toBe(200)
    await until(async () => ((await ask("/events")).model === before ? true : undefined))
    await go(page, "Overview")
    await go(page, "Events")
    await page
      .getByRole("button", { name: /^Listen: / })
      .first()
      .waitFor()
    expect(await model.inputValue()).toBe(before)
    expect(complaints).toEqual([])
  },
  240_000
)
