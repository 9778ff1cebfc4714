import { availableParallelism } from "node:os"
import { Effect, Exit, Layer, Result, Scope } from "effect"
import { machineMemory } from "../config/machineMemory.ts"
import type { Embedder } from "./embedder.ts"
import { Engine, EngineError, type RecipePrecision } from "./engine.ts"
import { makeEngineProcesses, processesFor } from "./native/engineProcesses.ts"
import { sumsAreWhole, testIntegers } from "./native/integers.ts"
import { makeNative, type NativeOptions } from "./native/nativeEngine.ts"
import { type Adapter, findAdapter, hasGraphicsCard } from "./webgpu/adapter.ts"
import { selfTest } from "./webgpu/selfTest.ts"
import { makeWebgpu } from "./webgpu/webgpuEngine.ts"

/** Which engine to run: `auto` takes WebGPU on a graphics card, else the native one. */
export interface EngineOptions {
  readonly engine: "auto" | "webgpu" | "native"
  readonly embedder: Embedder
  /** float32 unless said; each has its own vectors. Only WebGPU computes float16, and only the native engine int8. */
  readonly precision?: RecipePrecision
  /** Threads of the native engine, in this process; unless said, all cores, in processes of its own where they are many. */
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

const lookForAdapter = Effect.fnUntraced(function* ({ kernels, name }: Embedder) {
  if (kernels === undefined) return yield* new EngineError({ message: `WebGPU has no kernels for ${name}` })
  if (yield* hasGraphicsCard) return yield* findAdapter
  return yield* new EngineError({ message: "this machine has no graphics card" })
})

/** A card that was asked for; `message` says what to do where there is none. */
const askedAdapter = findAdapter.pipe(
  Effect.mapError(
    ({ message }) =>
      new EngineError({ message: `${message}. Set ENGINE=auto, which takes the processor where there is no card.` })
  )
)

const CUT_SUMS =
  "This processor has no instructions for sums of bytes (VNNI): int8 gains little here, and its vectors are some 0.1 % off those of processors that have them."

/** On so many cores threads of one session are as fast as processes in eight bits, and start sooner. */
const FEW_CORES = 2

const onProcessor = (options: NativeOptions, precision: "float32" | "int8") => {
  const cores = availableParallelism()
  const processes = processesFor(cores, machineMemory())
  const areThreadsAsFast = precision === "int8" && cores <= FEW_CORES
  if (options.threads !== undefined || areThreadsAsFast || processes === 1) return makeNative(options)
  return makeEngineProcesses({ ...options, processes }).pipe(
    Effect.catchTag("EngineError", ({ message }) =>
      Effect.andThen(Effect.logWarning(`${message}. This process embeds alone, more slowly.`), makeNative(options))
    )
  )
}

const makeInteger = Effect.fnUntraced(function* ({ engine, embedder, threads }: EngineOptions) {
  if (engine === "webgpu") {
    return yield* new EngineError({ message: "PRECISION=int8 needs the native engine: set ENGINE=native or auto" })
  }
  const { frontEnd, unrounded } = embedder
  if (unrounded === undefined) {
    return yield* new EngineError({
      message: `PRECISION=int8: ${embedder.name} has no network in eight bits. Set PRECISION=float32`
    })
  }
  const whole = yield* sumsAreWhole
  if (!whole) yield* Effect.logWarning(CUT_SUMS)
  const chosen = engine === "native" ? "Native, as asked." : "Native, because only it computes in int8."
  const why = whole ? chosen : `${chosen} ${CUT_SUMS}`
  const native = yield* onProcessor({ backbone: embedder, why, ...(threads === undefined ? {} : { threads }) }, "int8")
  const wrong = yield* testIntegers(native, frontEnd, yield* unrounded)
  if (wrong === undefined) return native
  return yield* new EngineError({ message: `PRECISION=int8 cannot be had here: ${wrong}. Set PRECISION=float32` })
})

const makeEngine = Effect.fn("makeEngine")(function* (options: EngineOptions) {
  const { engine, embedder, precision = "float32", threads } = options
  if (precision === "int8") return yield* makeInteger(options)
  const native = Effect.fnUntraced(function* (why: string) {
    if (precision === "float32")
      return yield* onProcessor({ backbone: embedder, why, ...(threads === undefined ? {} : { threads }) }, precision)
    return yield* new EngineError({
      message: `PRECISION=float16 needs the WebGPU engine: set PRECISION=float32 here. ${why}`
    })
  })
  // A card that computes something else is refused even where it was asked for: embeddings are kept for good.
  const webgpu = Effect.fnUntraced(function* (why: string) {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const engine = yield* Scope.provide(makeWebgpu({ backbone: embedder, precision, why }), scope)
    const wrong = yield* selfTest(engine, embedder, precision)
    if (wrong === undefined) return engine
    yield* Scope.close(scope, Exit.void)
    const refusal = `Native, because ${engine.adapter} gives wrong numbers, ${wrong}.`
    yield* Effect.logWarning(refusal)
    return yield* native(refusal)
  })

  if (engine === "native") return yield* native("Native, as asked.")
  if (engine === "webgpu") {
    const { software, name } = yield* askedAdapter
    const caution = software ? `, though ${name} is a software adapter and very slow` : ""
    return yield* webgpu(`WebGPU, as asked${caution}.`)
  }
  const decision = decide(yield* Effect.result(lookForAdapter(embedder)))
  if (decision.engine === "native") return yield* native(decision.why)
  const chosen = webgpu(decision.why)
  if (precision === "float16") return yield* chosen
  return yield* chosen.pipe(Effect.catchTag("EngineError", ({ message }) => native(`Native, because ${message}.`)))
})

/** The engine that `options` and this machine decide on. */
export const engineLayer = (options: EngineOptions): Layer.Layer<Engine, EngineError> =>
  Layer.effect(Engine, makeEngine(options))
