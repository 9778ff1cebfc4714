import { expect, test } from "bun:test"
import { Effect } from "effect"
import fc from "fast-check"
import { ticksTo } from "../../../src/classifier/report/curves.ts"
import { html } from "../../../src/classifier/report/html.ts"
import { reportPage } from "../../../src/classifier/report/reportPage.ts"
import { corpus, trainedRun } from "../../support/trainingRuns.ts"

const hostile = `<img src=x onerror="alert('1')">&`
const samples = corpus(12, 0.1).map((sample) =>
  sample.className === "gun"
    ? { ...sample, className: hostile, key: `extracted_audio/${hostile}/${sample.key}` }
    : sample
)
const run = await Effect.runPromise(trainedRun(samples, { epochs: 4 }))
const page = reportPage(run)

/** How many elements match, and the text in them. */
const select = (markup: string, selector: string) => {
  const found = { count: 0, text: "" }
  new HTMLRewriter()
    .on(selector, {
      element: () => {
        found.count++
      },
      text: (chunk) => {
        found.text += chunk.text
      }
    })
    .transform(markup)
  return found
}

test("the page needs nothing else, and runs nothing", () => {
  for (const selector of ["script", "link", "img", "iframe", "[src]", "[href]"])
    expect(select(page, selector).count).toBe(0)
  expect(page).not.toMatch(/https?:|url\(|@import|onerror="/)
})

test("names are text, whatever they are", () => {
  expect(page).toContain("&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;")
  expect(page).not.toContain("<img")
})

test("the page shows the run's figures", () => {
  const { result, classifier } = run
  const headline = select(page, ".figures strong").text
  expect(headline).toContain(result!.macroF1.toFixed(3))
  expect(headline).toContain(`${(100 * result!.accuracy).toFixed(1)} %`)
  expect(select(page, ".scores tbody tr").count).toBe(3)
  expect(select(page, ".matrix tbody td").text).toBe(result!.confusion.flat().join(""))
  expect(result!.worst.length).toBeGreaterThan(0)
  expect(select(page, ".worst tbody tr").count).toBe(result!.worst.length)
  expect(select(page, "svg polyline").count).toBe(4)
  expect(select(page, "svg circle").count).toBe(4 * classifier.history.length)
  expect(select(page, "details tbody tr").count).toBe(classifier.history.length)
  expect(select(page, ".notes li").text).toContain("untrained network")
})

test("without validation there are no validation curves", () => {
  const history = run.classifier.history.map((epoch) => ({ ...epoch, val_loss: undefined, val_accuracy: undefined }))
  const without = reportPage({ ...run, classifier: { ...run.classifier, history } })
  expect(select(without, "svg polyline").count).toBe(2)
  expect(without).not.toContain("NaN")
  expect(page).not.toContain("NaN")
})

test("ticks are few, even, and reach the highest value", () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (highest) => {
      const ticks = ticksTo(highest)
      expect(ticks.length).toBeWithin(3, 7)
      expect(ticks[0]).toBe(0)
      expect(ticks.at(-1)!).toBeGreaterThanOrEqual(highest * (1 - 1e-6))
      expect(ticks.at(-2)!).toBeLessThan(highest)
    })
  )
})

test("html escapes text and leaves markup alone", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const { markup } = html`<p title="${text}">${[html`<b>${text}</b>`]}${undefined}</p>`
      const found = select(markup, "b")
      expect(found.count).toBe(1)
      expect(markup.replace(/^<p title="[^"<>]*"><b>[^<>"]*<\/b><\/p>$/s, "")).toBe("")
    })
  )
})
