import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { chromium } from "playwright-core"

// Takes dashboard.png: trains on the demonstration corpus in a temporary folder, serves it, and looks at a page.
//
//   bun docs/pictures/dashboard.ts            # with YAMNet's weights; YAMNET_MODEL says where they are

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium"
const SIZE = { width: 1120, height: 600 }

const pipeline = (name: string) => resolve(import.meta.dir, `../../pipelines/${name}.ts`)
const folder = await mkdtemp(join(tmpdir(), "ecosight-picture-"))
const run = (name: string, ...args: ReadonlyArray<string>) =>
  Bun.spawn([process.execPath, pipeline(name), ...args], { cwd: folder, stdout: "pipe", stderr: "inherit" })

await run("retrain").exited
const service = run("serve", "--store", "demo", "--port", "0", "--no-watch")
let log = ""
for await (const chunk of service.stdout) {
  log += new TextDecoder().decode(chunk)
  if (log.includes("/dashboard")) break
}
const address = /(http:\S+\/dashboard)/.exec(log)![1]!

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] })
const page = await browser.newPage({ viewport: SIZE })
await page.goto(`${address}#${process.argv[2] ?? "overview"}`)
await page.waitForLoadState("networkidle")
await page.waitForTimeout(1_000)
await page.screenshot({ path: join(import.meta.dir, "dashboard.png"), fullPage: true })
await browser.close()
service.kill()
await rm(folder, { recursive: true })
