import { Effect, Layer } from "effect"
import type { YamnetWeights } from "../yamnet/weights.ts"
import { findAdapter } from "./adapter.ts"
import { Engine, type EngineError } from "./engine.ts"
import { makeNative } from "./native.ts"
import { makeWebgpu } from "./webgpu.ts"

/** Which engine to run: `auto` takes WebGPU on a graphics card, else the native one. */
export interface EngineOptions {
  readonly engine: "auto" | "webgpu" | "native"
  readonly weights: YamnetWeights
  /** Threads of the native engine; all cores unless said. */
  readonly threads?: number
}

const makeEngine = Effect.fn("Engine.choose")(function* ({ engine, weights: network, threads }: EngineOptions) {
  const native = (why: string) => makeNative({ network, why, ...(threads === undefined ? {} : { threads }) })
  if (engine === "native") return yield* native("Native, as asked.")
  if (engine === "webgpu") {
    const { software, name } = yield* findAdapter
    const caution = software ? `, though ${name} is a software adapter and very slow` : ""
    return yield* makeWebgpu({ network, why: `WebGPU, as asked${caution}.` })
  }
  const found = yield* Effect.result(findAdapter)
  if (found._tag === "Failure") return yield* native(`Native, because ${found.failure.message}.`)
  const { software, name } = found.success
  if (software) return yield* native(`Native, because the only WebGPU adapter, ${name}, is software and slower.`)
  return yield* makeWebgpu({ network, why: `WebGPU, because this machine has ${name}.` })
})

/** The engine that `options` and this machine decide on. */
export const engineLayer = (options: EngineOptions): Layer.Layer<Engine, EngineError> =>
  Layer.effect(Engine, makeEngine(options))
