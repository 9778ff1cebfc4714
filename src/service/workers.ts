import { Context, Effect, Layer, Option } from "effect"
import { Settings } from "../config/settings.ts"
import { observerLayer } from "../runs/cluster/connections.ts"
import { type Member, Roster } from "../runs/cluster/roster.ts"
import { type Refusal, refuse } from "./refusal.ts"

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
            Effect.map(Roster, ({ members }) => ({
              members: members.pipe(
                Effect.timeout("5 seconds"),
                Effect.mapBoth({
                  onFailure: () => refuse(503, "The database in which the workers meet does not answer."),
                  onSuccess: Option.some
                })
              )
            }))
          ).pipe(Layer.provide(observerLayer(url)))
      })
    )
  )
}
