import { Effect } from "effect"
import { Elysia } from "elysia"
import { isRunId } from "../registry/runRecord.ts"
import { refuse } from "./refusal.ts"
import { numberIn, queryOf, type Run } from "./routes.ts"
import { eventStream, makeRunLog } from "./runLog.ts"
import { Runs } from "./runs.ts"

const list = (request: Request) =>
  Effect.gen(function* () {
    const query = queryOf(request)
    const limit = yield* numberIn(query, "limit", 20, 100)
    const before = query.get("before") ?? undefined
    if (before !== undefined && !isRunId(before)) return yield* refuse(422, "before must be a run's id.")
    const runs = yield* Runs
    const found = yield* runs.list(limit, before)
    // Summaries are long: a run's own page has its.
    return { runs: found.map(({ summary: _, ...run }) => run), running: runs.running() ?? null }
  })

const events = (request: Request, id: string) =>
  Effect.gen(function* () {
    const runs = yield* Runs
    const { status, outcome } = yield* runs.get(id)
    const last = Number(request.headers.get("last-event-id") ?? "0")
    if (!Number.isInteger(last) || last < 0) return yield* refuse(400, "Last-Event-ID must be a whole number.")
    const log = runs.log(id)
    if (log !== undefined) {
      const isOver = status !== "running" && log.after(last).length === 0
      // 204 tells an EventSource not to come back.
      return isOver ? new Response(null, { status: 204 }) : eventStream(log, last)
    }
    if (status === "running") return yield* refuse(409, "This run was not started here, so its events are elsewhere.")
    const ended = makeRunLog()
    ended.end({ status, outcome })
    return last > 0 ? new Response(null, { status: 204 }) : eventStream(ended, 0)
  })

const cancel = (id: string) =>
  Effect.gen(function* () {
    const runs = yield* Runs
    yield* runs.cancel(id)
    return { success: true, message: "The run is cancelled.", status: "cancelled" }
  })

/** Training runs: list, one, live events, cancel. */
export const runRoutes = (run: Run) =>
  new Elysia({ name: "runs", tags: ["Runs"] })
    .get("/runs", ({ request }) => run(request, list(request)), {
      detail: { summary: "Runs, newest first; ?limit, ?before" }
    })
    .get(
      "/runs/:id",
      ({ request, params }) =>
        run(
          request,
          Runs.use(({ get }) => get(params.id))
        ),
      {
        detail: { summary: "A run, with its report once it has finished" }
      }
    )
    .get("/runs/:id/events", ({ request, params }) => run(request, events(request, params.id)), {
      detail: { summary: "A run's progress as Server-Sent Events: progress, epoch, skip, end" }
    })
    .post("/runs/:id/cancel", ({ request, params }) => run(request, cancel(params.id)), {
      parse: "none",
      detail: { summary: "Cancels a run" }
    })
