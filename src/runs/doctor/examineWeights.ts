import { Duration, Effect } from "effect"
import { HttpClient } from "effect/http"
import { OFFICIAL_ADDRESSES } from "../../embedder/yamnet/download.ts"
import { settledEmbedder } from "../services.ts"
import { ok, wrong } from "./finding.ts"

const PATIENCE = Duration.seconds(5)

/**
 * The embedder, if there is one, and whether its weights are there and whole, or could be downloaded: of those an untrained
 * network is given, which computes the same in the same time. Nothing is downloaded but what YAMNET_MODEL names.
 */
export const examineWeights = Effect.fn("examineWeights")(function* () {
  const found = yield* Effect.result(settledEmbedder({ allowUntrained: true, addresses: [] }))
  if (found._tag === "Failure") return { findings: [wrong("weights", found.failure.message)] }
  const embedder = found.success
  if (embedder.name !== "untrained") {
    return { embedder, findings: [ok("weights", `There and whole: ${embedder.source}.`)] }
  }
  const answers = yield* Effect.findFirst(OFFICIAL_ADDRESSES, canBeHad)
  return {
    embedder,
    findings: [
      answers._tag === "Some"
        ? ok(
            "weights",
            `Not here yet; the first run downloads them (${new URL(answers.value).host} answers), \`bun run fetch-weights\` does it now.`
          )
        : wrong(
            "weights",
            "YAMNet's weights are not here, and no address that has them answers: run `bun run fetch-weights` where there is a " +
              "network, copy models/yamnet, and set YAMNET_MODEL to where it is."
          )
    ]
  }
})

const canBeHad = (address: string) =>
  HttpClient.head(address).pipe(
    Effect.map(({ status }) => status < 400),
    Effect.timeoutOrElse({ duration: PATIENCE, orElse: () => Effect.succeed(false) }),
    Effect.orElseSucceed(() => false)
  )
