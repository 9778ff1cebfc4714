import { Effect, Layer } from "effect"
import { Settings } from "../config/settings.ts"
import { answer, runProgram } from "../processes/program.ts"
import { openStoreAt } from "../store/openStore.ts"
import { Store } from "../store/store.ts"
import { fieldListener } from "./fieldListener.ts"
import { loadedVersion } from "./loadedVersion.ts"
import { Predicting } from "./protocols.ts"
import { spanSound } from "./spanSound.ts"
import { mapSpooled } from "./spool.ts"

// The service's predictor, `<store> <promoted version>`: it decodes and predicts, one request after another, and dies alone.

const [location = "", promoted = ""] = process.argv.slice(2)

const program = Effect.gen(function* () {
  const store = yield* Store
  const { alike, hear } = yield* fieldListener
  const { load, predict, inspect, inspectField } = yield* loadedVersion
  // Ahead of the first prediction, for which it is read again where this fails.
  if (promoted !== "") yield* Effect.ignore(load(promoted))
  return yield* answer(Predicting, undefined, {
    load: ({ runId }) => Effect.asVoid(load(runId)),
    predict: ({ runId, recording }) => Effect.flatMap(mapSpooled(recording), (bytes) => predict(runId, bytes)),
    span: (part) => Effect.provideService(spanSound(part), Store, store),
    hear: ({ runId, recording }, tell) => Effect.provideService(hear(runId, recording, tell), Store, store),
    alike: (part) => Effect.provideService(alike(part), Store, store),
    inspect: ({ recording }) => Effect.flatMap(mapSpooled(recording), inspect),
    inspectField: ({ recording }) => Effect.flatMap(mapSpooled(recording), inspectField)
  })
})

runProgram(
  program.pipe(
    Effect.provide(
      Layer.effect(Store, openStoreAt(location, { create: true, mayBeAway: true })).pipe(
        Layer.provideMerge(Settings.layer)
      )
    )
  )
)
