import { Effect, Layer, Result } from "effect"
import type { YamnetWeights } from "../yamnet/weights.ts"
import { type Adapter, findAdapter, hasGraphicsCard } from "./adapter.ts"
import { Engine, EngineError } from "./engine.ts"
import { makeNative } from "./native.ts"
import { makeWebgpu } from "./webgpu.ts"

/** Which engine to run: `auto` takes WebGPU on a graphics card, else the native one. */
export interface EngineOptions {
  readonly engine: "auto" | "webgpu" | "native"
  readonly weights: YamnetWeights
  /** Threads of the native engine; all cores unless said. */
  readonly threads?: number
}

/** What `auto` takes where looking for an adapter came to this, and why. */
export const decide = (
  found: Result.Result<Pick<Adapter, "name" | "software">, EngineError>
): { readonly engine: "native" | "webgpu"; readonly why: string } => {
  if (Result.isFailure(found)) return { engine: "native", why: `Native, because ${found.failure.message}.` }
  const { name, software } = found.success
  return software
    ? { engine: "native", why: `Native, because the only WebGPU adapter, ${name}, is software and slower.` }
    : { engine: "webgpu", why: `WebGPU, because this machine has ${name}.` }
}

const lookForAdapter = Effect.gen(function* () {
  if (yield* hasGraphicsCard) return yield* findAdapter
  return yield* new EngineError({ message: "this machine has no graphics card" })
})

const makeEngine = Effect.fn("Engine.choose")(function* ({ engine, weights: network, threads }: EngineOptions) {
  const native = (why: string) => makeNative({ network, why, ...(threads === undefined ? {} : { threads }) })
  if (engine === "native") return yield* native("Native, as asked.")
  if (engine === "webgpu") {
    const { software, name } = yield* findAdapter
    const caution = software ? `, though ${name} is a software adapter and very slow` : ""
    return yield* makeWebgpu({ network, why: `WebGPU, as asked${caution}.` })
  }
  const decision = decide(yield* Effect.result(lookForAdapter))
  return yield* decision.engine === "native" ? native(decision.why) : makeWebgpu({ network, why: decision.why })
})

/** The engine that `options` and this machine decide on. */
export const engineLayer = (options: EngineOptions): Layer.Layer<Engine, EngineError> =>
  Layer.effect(Engine, makeEngine(options))
