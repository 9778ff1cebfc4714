import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { chromium } from "playwright-core"
import { dogBark, engineIdling, gunShot, noise } from "../../src/runs/demo/sounds.ts"
import { SAMPLE_RATE } from "../../src/sound/clip.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { encodeWav } from "../../src/sound/wav.ts"

// Takes dashboard.png and field.png: trains on the demonstration corpus in a temporary folder, serves it, looks at a page,
// adds synthetic field recordings, has them heard, and listens to an event.
//
//   bun docs/pictures/dashboard.ts            # with YAMNet's weights; YAMNET_MODEL says where they are

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium"
const SIZE = { width: 1120, height: 600 }

/** A minute of wind, and in it some calls. */
const fieldRecording = (calls: number, seed: number): Uint8Array => {
  const random = seededRandom(seed)
  const samples = noise(random, 60 * SAMPLE_RATE, 600).map((sample) => 0.02 * sample)
  for (let call = 0; call < calls; call++) {
    const made = [dogBark, gunShot, engineIdling][Math.floor(random() * 3)]!(random, 1.5 * SAMPLE_RATE)
    const at = Math.floor(random() * 58 * SAMPLE_RATE)
    for (const [i, sample] of made.entries()) samples[at + i]! += 0.4 * sample
  }
  return encodeWav({ samples, sampleRate: SAMPLE_RATE }).bytes
}

const pipeline = (name: string) => resolve(import.meta.dir, `../../pipelines/${name}.ts`)
await using opened = new AsyncDisposableStack()
const folder = await mkdtemp(join(tmpdir(), "ecosight-picture-"))
opened.defer(() => rm(folder, { recursive: true }))
const run = (name: string, ...args: ReadonlyArray<string>) =>
  Bun.spawn([process.execPath, pipeline(name), ...args], { cwd: folder, stdout: "pipe", stderr: "inherit" })

await run("retrain").exited
const service = run("serve", "--store", "demo", "--port", "0", "--no-watch")
opened.defer(async () => {
  service.kill()
  await service.exited
})
let log = ""
for await (const chunk of service.stdout) {
  log += new TextDecoder().decode(chunk)
  if (log.includes("/dashboard")) break
}
const address = /(http:\S+\/dashboard)/.exec(log)![1]!

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] })
opened.defer(() => browser.close())
const page = await browser.newPage({ viewport: SIZE })
// However long a busy machine takes.
page.setDefaultTimeout(0)
await page.goto(`${address}#${process.argv[2] ?? "overview"}`)
await page.waitForLoadState("networkidle")
await page.waitForTimeout(1_000)
await page.screenshot({ path: join(import.meta.dir, "dashboard.png"), fullPage: true })

const store = join(folder, "demo")
for (let day = 1; day <= 14; day++) {
  for (const hour of ["04", "05", "06", "18", "21"]) {
    const name = `SM4_202606${String(day).padStart(2, "0")}_${hour}0000.wav`
    await Bun.write(
      join(store, `field_audio/north_ridge/${name}`),
      fieldRecording(hour < "07" ? 5 : 2, 100 * day + Number(hour))
    )
  }
}
await page.goto(`${address}#field`)
await page.getByRole("button", { name: "Scan what is new" }).click()
await page.getByText("70 of 70 heard").waitFor()
await page.goto(`${address}#events`)
await page
  .locator("label", { hasText: /^Order/ })
  .getByRole("combobox")
  .selectOption("surest")
await page
  .locator("label", { hasText: /^Class/ })
  .getByRole("combobox")
  .selectOption("gun_shot")
await page.waitForLoadState("networkidle")
await page
  .getByRole("button", { name: /^Listen: gun_shot/ })
  .first()
  .click()
await page.getByRole("button", { name: "Pause" }).waitFor()
await page.waitForTimeout(2_000)
await page.setViewportSize({ width: SIZE.width, height: 1_050 })
await page.evaluate(() => scrollTo(0, 0))
await page.screenshot({ path: join(import.meta.dir, "field.png") })
