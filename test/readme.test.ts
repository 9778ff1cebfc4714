import { expect, test } from "bun:test"
import { join } from "node:path"
import { settings } from "../src/config.ts"

test("the README's table of settings is what the settings say of themselves", async () => {
  const readme = await Bun.file(join(import.meta.dir, "../README.md")).text()
  for (const { name, fallback, description } of settings) {
    expect(readme).toContain(`| \`${name}\` | ${fallback} | ${description.replaceAll("<", "&lt;")} |`)
  }
})
