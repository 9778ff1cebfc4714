import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import packageJson from "../../package.json"
import { settings } from "../../src/config/settings.ts"

const ROOT = resolve(import.meta.dir, "../..")
const read = (path: string) => Bun.file(join(ROOT, path)).text()
const papers = ["*.md", "{docs,examples,bench,models,test}/**/*.md"]
  .flatMap((pattern) => [...new Bun.Glob(pattern).scanSync(ROOT)])
  .sort()

/** What a heading is linked by, as GitHub makes it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-")

const anchorsOf = (text: string) => new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading!)))

test("the README has at most 100 lines", async () => {
  expect((await read("README.md")).trimEnd().split("\n").length).toBeLessThanOrEqual(100)
})

test("the table of settings is what the settings say of themselves", async () => {
  const operating = await read("docs/operating.md")
  const rows = settings.map(
    ({ name, fallback, description }) => `| \`${name}\` | ${fallback} | ${description.replaceAll("<", "&lt;")} |`
  )
  expect(rows.filter((row) => !operating.includes(row))).toEqual([])
})

test("every decision has its line in the index", async () => {
  const index = await read("docs/README.md")
  const pages = [...new Bun.Glob("*.md").scanSync(join(ROOT, "docs/decisions"))]
  expect(pages.filter((page) => !index.includes(`decisions/${page}`))).toEqual([])
})

describe.each(papers)("%s", (paper) => {
  test("leads to what is there, headings included", async () => {
    const text = (await read(paper)).replaceAll(/^```.*?^```/gms, "")
    const links = [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)].map(([, one, other]) => (one ?? other)!)
    for (const link of links.filter((to) => !/^[a-z]+:/.test(to))) {
      const [path, anchor] = link.split("#")
      const target = path === "" ? paper : join(dirname(paper), path!)
      expect({ link, there: existsSync(join(ROOT, target)) }).toEqual({ link, there: true })
      if (anchor !== undefined)
        expect({ link, there: anchorsOf(await read(target)).has(anchor) }).toEqual({ link, there: true })
    }
  })

  test("names commands and files that are there", async () => {
    const text = await read(paper)
    const commands = [...text.matchAll(/\bbun(?:@[\d.]+)? run ([a-z][a-z:-]*[a-z])/g)].map(([, command]) => command!)
    for (const command of commands) expect(Object.keys(packageJson.scripts)).toContain(command)
    // What is to be added is not there, and adding.test.ts adds it.
    if (paper === "docs/adding.md") return
    const files = [...text.matchAll(/`((?:src|pipelines|test|bench|docs|examples)\/[\w./-]+\.\w+)`/g)].map(
      ([, file]) => file!
    )
    for (const file of files) expect({ file, there: existsSync(join(ROOT, file)) }).toEqual({ file, there: true })
  })
})
