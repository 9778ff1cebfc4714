import type { Member } from "../runs/cluster/roster.ts"
import { get, Refused } from "./api.ts"
import { card, h, table, wideCard } from "./dom.ts"
import type { Page } from "./page.ts"

/** Milliseconds between two looks; workers tell twice a second how they are. */
const LOOK = 2_000

type Worker = Omit<Member, "lanes">

/** The cluster: who is there, on what engine, how fast, and what each is at. */
export const workersPage = async (): Promise<Page> => {
  const first = await look()
  if (!first.clustered) return { content: card("Workers", ...alone()) }
  const place = h("div", {})
  const show = ({ workers }: Answer) => place.replaceChildren(...cluster(workers))
  show(first)
  const problem = h("p", { class: "problem", role: "status" })
  const timer = setInterval(() => {
    look().then(
      (answer) => {
        problem.textContent = ""
        show(answer)
      },
      (error: unknown) => {
        problem.textContent = error instanceof Refused ? error.message : "The service cannot be reached."
      }
    )
  }, LOOK)
  return { content: wideCard("Workers", problem, place), leave: () => clearInterval(timer) }
}

interface Answer {
  readonly clustered: boolean
  readonly workers: ReadonlyArray<Worker>
}

const look = () => get<Answer>("/workers")

const alone = () => [
  h("p", {}, "This service does its trainings itself."),
  h(
    "p",
    { class: "hint" },
    "To spread them over machines, start it and workers (bun run worker) with the same DATABASE_URL."
  )
]

const cluster = (workers: ReadonlyArray<Worker>): Array<HTMLElement> => {
  if (workers.length === 0) {
    return [h("p", {}, "No worker is there: trainings wait until one is started with bun run worker.")]
  }
  const rate = workers.reduce((sum, worker) => sum + worker.rate, 0)
  const rows = workers.map((worker) => [
    worker.address,
    h("span", { class: `tag ${worker.status === "ready" ? "finished" : "running"}` }, worker.status),
    `${worker.engine}, ${worker.adapter}`,
    worker.rate.toFixed(1),
    String(worker.done),
    worker.stage ?? doing(worker)
  ])
  return [
    h("p", {}, `${workers.length} ${workers.length === 1 ? "worker" : "workers"}, ${rate.toFixed(1)} clips a second.`),
    table("Workers", ["Address", "Status", "Engine", "Clips/s", "Clips so far", "At work on"], rows)
  ]
}

const doing = ({ shards }: Worker): string =>
  shards.length === 0 ? "–" : shards.map(({ name, done, total }) => `shard ${name}: ${done} of ${total}`).join("; ")
