import { availableParallelism } from "node:os"
import { Effect, Queue, Scope } from "effect"
import { programPath } from "../../processes/programPath.ts"
import type { ProcessError } from "../../processes/requests.ts"
import { supervise } from "../../processes/supervise.ts"
import { countPatches, Engine, EngineError } from "../engine.ts"
import { rowSize } from "../frontEnd.ts"
import { makeNative, type NativeOptions, networkOf, processor } from "./nativeEngine.ts"
import { patchFloats } from "./network.ts"
import { NetworkProtocol } from "./networkProtocol.ts"
import { forgetSlots, makeSlots, mapSlots } from "./slots.ts"

const PROGRAM = programPath("./networkProgram.ts", import.meta.url)

/** More of them gain nothing: where there are more cores, each process takes several. */
const MOST_PROCESSES = 8
/** Bytes that a process takes; all of them may take half of the memory. */
const PROCESS_BYTES = 250e6
/** Slots of a process: one that it computes, one that spares it waiting for the next. */
const SLOTS = 2
/** Batches that this process embeds itself: of so few, others would take longer to start than they spare. */
const FIRST_BATCHES = 16

/** How many processes a machine with so many cores, and so many bytes of memory, runs a network in. */
export const processesFor = (cores: number, memory: number): number =>
  Math.max(1, Math.min(cores, MOST_PROCESSES, Math.floor(memory / 2 / PROCESS_BYTES)))

/** Takes patches [count * patchSize] to rows [count * rowSize]. */
type Embed = (patches: Float32Array, count: number) => Effect.Effect<Float32Array, EngineError>

/**
 * An embedder's network on this machine's processor, after the first batches in several processes: threads of one session
 * wait for each other in every layer, and this process is left to fetch and hand out meanwhile. Batches lie in memory that
 * all share. What a process that ended would have computed is computed in this one.
 *
 * @param first Batches that are embedded here before the processes start.
 */
export const makeEngineProcesses = Effect.fn("makeEngineProcesses")(function* (
  options: NativeOptions & { readonly processes: number; readonly first?: number }
) {
  const { backbone, why, processes, threads: cores = availableParallelism(), first = FIRST_BATCHES } = options
  const { frontEnd } = backbone
  const scope = yield* Effect.scope
  const network = networkOf(backbone, Math.max(1, Math.floor(cores / processes)))
  const size = rowSize(frontEnd)
  const here = yield* Effect.cached(Scope.provide(makeNative(options), scope))

  const memory = yield* makeSlots({
    slots: SLOTS * processes,
    patches: patchFloats(network),
    rows: network.batch * size
  })
  const slots = yield* mapSlots(memory)
  let isOver = false
  let begun = 0

  /** Starts a process, and gives the way of having a batch embedded by it, in a slot. */
  const start = Effect.gen(function* () {
    const { ask } = yield* supervise(NetworkProtocol, () => [process.execPath, PROGRAM], { restart: false })
    const opened = yield* Effect.cached(ask("open", { network, memory }))
    let isLost = false
    const instead = (why: ProcessError, given: Float32Array) => {
      // A batch in hand cannot be interrupted, and may outlive the engine: nobody waits for its rows.
      if (isOver) return Effect.interrupt
      const tell = Effect.suspend(() => {
        const isTold = isLost
        isLost = true
        return isTold ? Effect.void : Effect.logWarning(`${why.message} This process embeds in its place.`)
      })
      // What cannot be computed here either is wrong with the network, not with the process.
      return here.pipe(
        Effect.flatMap(({ embed }) => embed(given)),
        Effect.tap(tell)
      )
    }
    const embedIn = Effect.fnUntraced(function* (slot: number, given: Float32Array, count: number) {
      const { patches, rows } = slots[slot]!
      patches.set(given)
      yield* ask("embed", { slot, count })
      return rows.slice(0, count * size)
    })
    const way =
      (slot: number): Embed =>
      (given, count) =>
        Effect.matchEffect(opened, {
          onFailure: (error) => instead(error, given),
          onSuccess: () =>
            embedIn(slot, given, count).pipe(
              Effect.catch((error: ProcessError) =>
                error._tag === "RequestFailed" && error.tag === "EngineError"
                  ? Effect.fail(new EngineError({ message: error.message }))
                  : instead(error, given)
              )
            )
        })
    return { opened, way }
  })

  const places = yield* Effect.cached(
    Effect.gen(function* () {
      const started = yield* Effect.replicateEffect(start, processes)
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          isOver = true
        })
      )
      // Once all have the memory, nothing of it is left behind, however they end.
      yield* Effect.forEach(started, ({ opened }) => Effect.exit(opened), {
        concurrency: "unbounded",
        discard: true
      }).pipe(Effect.andThen(forgetSlots(memory)), Effect.forkScoped)
      const idle = yield* Queue.unbounded<Embed>()
      // In turn, so that the first batches go to one process each.
      yield* Queue.offerAll(
        idle,
        slots.map((_, slot) => started[slot % processes]!.way(slot))
      )
      return idle
    }).pipe(Scope.provide(scope), Effect.uninterruptible)
  )
  return Engine.of({
    name: "native",
    adapter: `${processor()}, ${processes} processes`,
    why,
    frontEnd,
    batch: network.batch,
    atOnce: slots.length,
    faults: Effect.succeed([]),
    embed: Effect.fnUntraced(function* (patches) {
      const count = yield* countPatches(patches, frontEnd, network.batch)
      if (begun < first) {
        begun++
        return yield* Effect.flatMap(here, (engine) => engine.embed(patches))
      }
      const idle = yield* places
      // Nothing else may be written to a slot before its process has done with it.
      return yield* Effect.acquireUseRelease(
        Queue.take(idle),
        (embed) => Effect.uninterruptible(embed(patches, count)),
        (embed) => Queue.offer(idle, embed)
      )
    })
  })
})
