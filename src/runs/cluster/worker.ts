import { networkInterfaces } from "node:os"
import { type Duration, Effect, Layer, Redacted, Schedule, Schema } from "effect"
import packageJson from "../../../package.json"
import { Embeddings } from "../../embeddings/embeddings.ts"
import { Store } from "../../store/store.ts"
import { lookAfterRuns } from "./adopt.ts"
import { workerLayer } from "./connections.ts"
import { pruneBooks } from "./database.ts"
import { Dispatch } from "./dispatch.ts"
import { pruneMessages, redeliver } from "./effectTables.ts"
import { EngineProcess } from "./engineProcess.ts"
import { coordinatorLayer } from "./retrainRun.ts"
import { Roster } from "./roster.ts"
import { Workplace } from "./workplace.ts"

/** Runs older than this are forgotten by the cluster; their records and models stay in the store. */
const RETENTION_DAYS = 7

/** The worker cannot listen. */
export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", { message: Schema.String }) {}

export interface WorkerOptions {
  readonly databaseUrl: Redacted.Redacted
  /** The name under which the other workers reach this machine. */
  readonly host: string
  /** The port for the other workers; 0 takes a free one. */
  readonly clusterPort: number
  /** The port of `GET /health`; 0 takes a free one. */
  readonly port: number
  /** Shards at once. */
  readonly capacity: number
}

/** This machine's address for other machines; its own where the database is on this machine. */
export const ownHost = (databaseUrl: Redacted.Redacted): string => {
  const { hostname } = new URL(Redacted.value(databaseUrl))
  if (/^(localhost|127\.|\[?::1\]?$)/.test(hostname)) return "127.0.0.1"
  const outward = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return outward.find(({ internal, family }) => !internal && family === "IPv4")?.address ?? "127.0.0.1"
}

/** A port that is free now. */
const freePort = Effect.sync(() => {
  const listener = Bun.listen({ hostname: "0.0.0.0", port: 0, socket: { data: () => {} } })
  listener.stop(true)
  return listener.port
})

const serveHealth = (port: number, host: string, workplace: Workplace["Service"], deaths: () => number) =>
  Effect.acquireRelease(
    Effect.try({
      try: () =>
        Bun.serve({
          hostname: "0.0.0.0",
          port,
          // By the path alone: probes of HTTP/1.0 name no host.
          routes: {
            "/health": () => {
              const { lanes, ...state } = workplace.state()
              const body = { ...state, lanes: lanes.length, version: packageJson.version, engine_deaths: deaths() }
              return Response.json(body, { status: state.status === "ready" ? 200 : 503 })
            }
          },
          fetch: () => new Response("Not found\n", { status: 404 })
        }),
      catch: () =>
        new ListenError({
          message: `Port ${port} cannot be listened on: another program does, or this user may not. Give another --port.`
        })
    }),
    (server) => Effect.promise(() => server.stop(true))
  ).pipe(Effect.map((server) => `http://${host}:${server.port}/health`))

/**
 * A worker of the cluster: joins, takes shards and runs, until it is interrupted; then it finishes the shards that it
 * has, and leaves. `joined` is told once it is there.
 */
export const work = Effect.fn("work")(function* (
  options: WorkerOptions,
  joined: (address: string, health: string) => Effect.Effect<void>
) {
  const store = yield* Store
  const { about, deaths } = yield* EngineProcess
  const port = options.clusterPort === 0 ? yield* freePort : options.clusterPort
  const address = `${options.host}:${port}`
  const place = { host: options.host, listen: "0.0.0.0", port }

  const main = Effect.gen(function* () {
    const roster = yield* Roster
    const workplace = yield* Workplace
    const health = yield* serveHealth(options.port, options.host, workplace, deaths)
    const { engine, adapter, weights, embedder } = about
    const { capacity } = options
    const member = {
      address,
      health,
      version: packageJson.version,
      weights,
      embedder,
      store: store.location,
      engine,
      adapter,
      capacity
    }
    yield* roster.join(address, member, workplace.state)
    const regularly = <E, R>(effect: Effect.Effect<void, E, R>, pause: Duration.Input) =>
      Effect.forkScoped(Effect.repeat(Effect.ignore(effect, { log: "Warn" }), Schedule.spaced(pause)))
    yield* regularly(Effect.andThen(pruneMessages(RETENTION_DAYS), pruneBooks(RETENTION_DAYS)), "1 hour")
    yield* regularly(redeliver, "10 seconds")
    yield* Layer.build(Layer.merge(Workplace.shards, coordinatorLayer(engine)))
    yield* regularly(lookAfterRuns(engine), "5 seconds")
    yield* joined(address, health)
    return yield* Effect.never.pipe(Effect.onInterrupt(() => workplace.drain))
  })
  return yield* main.pipe(
    Effect.scoped,
    Effect.provide(
      Layer.merge(Workplace.layer(address, options.capacity), Dispatch.layer).pipe(
        Layer.provideMerge(workerLayer(options.databaseUrl, place, about.engine)),
        Layer.provideMerge(Embeddings.layer)
      )
    )
  )
})
