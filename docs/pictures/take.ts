import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { chromium } from "playwright-core"
import { dogBark, engineIdling, gunShot, noise } from "../../src/runs/demo/sounds.ts"
import { SAMPLE_RATE } from "../../src/sound/clip.ts"
import { seededRandom } from "../../src/sound/random.ts"
import { encodeWav } from "../../src/sound/wav.ts"

// Takes the documentation's pictures: trains on the demonstration corpus in a temporary folder, looks at the report, serves
// the model, looks at the dashboard's pages, asks it what a recording is, adds synthetic field recordings, has them heard, and
// listens to an event. Where MLFLOW_TRACKING_URI names a server, the run's page there is taken, too.
//
//   bun docs/pictures/take.ts            # with YAMNet's weights; YAMNET_MODEL says where they are

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium"
const [WIDTH, HEIGHT] = [1120, 600]

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
  Bun.spawn([process.execPath, pipeline(name), ...args], { cwd: folder, stdout: "pipe", stderr: "pipe" })

const training = run("retrain")
const [said, noted] = await Promise.all([
  new Response(training.stdout).text(),
  new Response(training.stderr).text(),
  training.exited
])
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
const page = await browser.newPage({ viewport: { width: WIDTH, height: HEIGHT } })
// However long a busy machine takes.
page.setDefaultTimeout(0)
const devtools = await page.context().newCDPSession(page)

/** Takes the top of the page. */
const take = async (name: string, height = HEIGHT) => {
  await page.setViewportSize({ width: WIDTH, height })
  await page.evaluate(() => scrollTo(0, 0))
  await page.waitForTimeout(1_000)
  const { data } = await devtools.send("Page.captureScreenshot", { format: "webp", quality: 80 })
  await Bun.write(join(import.meta.dir, `${name}.webp`), Buffer.from(data, "base64"))
}

/** Goes somewhere, and waits until all is drawn. */
const look = async (url: string) => {
  await page.goto(url)
  await page.waitForLoadState("networkidle")
}

const store = join(folder, "demo")
await look(`file://${store}/models/report.html`)
await take("report", 1_100)

const logged = /Logged to (http\S+)\./.exec(said + noted)?.[1]
if (logged !== undefined) {
  // It asks for news again and again.
  await page.goto(logged)
  await page.getByText("macro_f1").first().waitFor()
  await page.waitForTimeout(3_000)
  await take("mlflow", 900)
}

await look(`${address}#overview`)
await take("dashboard", 1_200)
await look(`${address}#data`)
await take("training-data", 1_000)
await look(`${address}#try`)
await page.locator("input[type=file]").first().setInputFiles(join(store, "extracted_audio/dog_bark/1000-0-0-0.wav"))
await page.getByText("dog_bark").first().waitFor()
await page.getByRole("button", { name: "Play" }).waitFor()
await take("try-it", 680)

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
await take("field", 1_050)
