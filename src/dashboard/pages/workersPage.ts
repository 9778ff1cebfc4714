import { type Answer, dataOf, reasonOf, service } from "../api.ts"
import type { Page } from "../page.ts"
import { card, h, wideCard } from "../parts/elements.ts"
import { counted } from "../parts/format.ts"
import { table } from "../parts/table.ts"

/** Milliseconds between two looks; workers tell twice a second how they are. */
const LOOK = 2_000

type Workers = Answer<typeof service.workers.get>["workers"]

/** The cluster: who is there, on what engine, how fast, and what each is at. */
export const workersPage = async (): Promise<Page> => {
  const first = await look()
  if (!first.clustered) return { content: card("Workers", ...alone()) }
  const place = h("div", {})
  const show = ({ workers }: { readonly workers: Workers }) => place.replaceChildren(...cluster(workers))
  show(first)
  const problem = h("p", { class: "problem", role: "status" })
  const timer = setInterval(() => {
    look().then(
      (answer) => {
        problem.textContent = ""
        show(answer)
      },
      (error: unknown) => {
        problem.textContent = reasonOf(error)
      }
    )
  }, LOOK)
  return { content: wideCard("Workers", problem, place), leave: () => clearInterval(timer) }
}

const look = () => dataOf(service.workers.get())

const alone = () => [
  h("p", {}, "This service does its trainings itself."),
  h(
    "p",
    { class: "hint" },
    "To spread them over machines, start it and workers (bun run worker) with the same DATABASE_URL."
  )
]

const cluster = (workers: Workers): ReadonlyArray<HTMLElement> => {
  if (workers.length === 0) {
    return [h("p", {}, "No worker is there: trainings wait until one is started with bun run worker.")]
  }
  const rate = workers.reduce((sum, worker) => sum + worker.rate, 0)
  const rows = workers.map((worker) => [
    worker.address,
    h("span", { class: `tag ${worker.status === "ready" ? "promoted" : "running"}` }, worker.status),
    `${worker.engine}, ${worker.adapter}`,
    worker.rate.toFixed(1),
    String(worker.done),
    worker.stage ?? doing(worker)
  ])
  return [
    h("p", {}, `${counted(workers.length, "worker")}, ${rate.toFixed(1)} clips a second.`),
    table("Workers", ["Address", "Status", "Engine", "Clips/s", "Clips so far", "At work on"], rows)
  ]
}

const doing = ({ shards }: Workers[number]): string =>
  shards.length === 0
    ? "–"
    : shards
        .map(
          ({ name, done, total, heard }) =>
            `shard ${name}: ${done} of ${total}${heard === undefined ? "" : `, ${(heard.seconds / 3600).toFixed(1)} hours of sound`}`
        )
        .join("; ")
