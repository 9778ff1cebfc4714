import { Context, Effect, Layer, Option, Schedule } from "effect"
import { Settings } from "../config/settings.ts"
import { observerLayer } from "../runs/cluster/connections.ts"
import { type Member, Roster } from "../runs/cluster/roster.ts"
import { Outages } from "./outages.ts"
import { type Refusal, refuse } from "./refusal.ts"

/** How often to look whether the database answers, or can be reached again. */
const PACE = "15 seconds"

/** The workers of the cluster that DATABASE_URL names. */
export class Workers extends Context.Service<
  Workers,
  {
    /** None where the service does its runs itself. */
    readonly members: Effect.Effect<Option.Option<ReadonlyArray<Member>>, Refusal>
  }
>()("ecosight/service/Workers") {
  static readonly layer = Layer.unwrap(
    Effect.map(Settings, ({ databaseUrl }) =>
      Option.match(databaseUrl, {
        onNone: () => Layer.succeed(Workers, { members: Effect.succeedNone }),
        onSome: (url) =>
          Layer.effect(
            Workers,
            Effect.gen(function* () {
              const { tried } = yield* Outages
              let roster: Roster["Service"] | undefined
              const ask = Effect.gen(function* () {
                return yield* roster === undefined ? away : roster.members
              })
              const members = ask.pipe(
                Effect.timeout("5 seconds"),
                Effect.mapError(() => away),
                Effect.tap(tried("database")),
                Effect.tapError(({ detail }) => tried("database", detail))
              )
              // The service starts without its database, and meets it when it comes.
              yield* Layer.build(observerLayer(url)).pipe(
                Effect.tap((context) =>
                  Effect.sync(() => {
                    roster = Context.get(context, Roster)
                  })
                ),
                Effect.tapError(({ message }) => tried("database", message)),
                Effect.retry(Schedule.spaced(PACE)),
                Effect.andThen(Effect.repeat(Effect.ignore(members), Schedule.spaced(PACE))),
                Effect.forkScoped
              )
              return Workers.of({ members: Effect.asSome(members) })
            })
          )
      })
    )
  )
}

const away = refuse(503, "The database in which the workers meet does not answer.")
