import { randomUUID } from "node:crypto"
import { constants } from "node:fs"
import { access } from "node:fs/promises"
import { isAbsolute } from "node:path"
import { Effect, Option, Stream } from "effect"
import { FIELD_PREFIX, isFieldRecording, isRecording, RECORDINGS_PREFIX } from "../../store/keys.ts"
import { openStore } from "../../store/openStore.ts"
import type { Store, StoreError } from "../../store/store.ts"
import { type Finding, note, ok, wrong } from "./finding.ts"

/** What a probe is written as: no program takes it for anything of its own. */
const probeKey = () => `runs/.doctor-${randomUUID()}`
const PROBE = new TextEncoder().encode("Written by `bun run doctor --write`, and removed at once.\n")

const NONE =
  "No recordings are named: run `bun run init`, or put some into ./extracted_audio/<class>/. Until then `bun run retrain` " +
  "trains on synthesised sounds."

/** The store, if it opens, and what came of listing, reading and, with `write`, writing it. */
export const examineStore = Effect.fn("examineStore")(function* (location: Option.Option<string>, write: boolean) {
  const opened = yield* Effect.result(openStore(location))
  if (opened._tag === "Failure") return { findings: [wrong("store", opened.failure.message)] }
  if (Option.isNone(opened.success)) return { findings: [wrong("store", NONE)] }
  const store = opened.success.value
  const findings = yield* Effect.gen(function* () {
    yield* readOne(store)
    const writing = write ? yield* writeOne(store) : yield* mayWrite(store)
    return [ok("store", `${store.location} can be listed and read${writing.done}.`), ...writing.findings]
  }).pipe(Effect.catchTag("StoreError", ({ message }) => Effect.succeed([wrong("store", message)])))
  return { store, findings }
})

const readOne = Effect.fnUntraced(function* (store: Store["Service"]) {
  const found = yield* Stream.concat(store.list(RECORDINGS_PREFIX), store.list(FIELD_PREFIX)).pipe(
    Stream.filter((object) => object.size > 0 && (isRecording(object) || isFieldRecording(object))),
    Stream.runHead
  )
  if (Option.isSome(found)) yield* store.getRange(found.value.key, 0, 1)
})

/** Under a condition, so that a bucket shows whether it heeds those. */
const writeOne = Effect.fnUntraced(function* (store: Store["Service"]) {
  const key = probeKey()
  yield* store.put(key, PROBE, { ifNoneMatch: "*" })
  return yield* store.remove(key).pipe(
    Effect.as({ done: ", and written", findings: [] as ReadonlyArray<Finding> }),
    Effect.catchIf(
      ({ reason }: StoreError) => reason === "denied",
      ({ message }) =>
        Effect.succeed({
          done: ", and written",
          findings: [
            note("store", `${message} Trainings go on without; reviews and the removal of old versions need it.`)
          ]
        })
    )
  )
})

/** Of a folder its permissions tell; a bucket tells only by being written. */
const mayWrite = Effect.fnUntraced(function* ({ location }: Store["Service"]) {
  if (!isAbsolute(location)) return { done: " (--write tries to write, too)", findings: [] }
  const allowed = yield* Effect.promise(() =>
    access(location, constants.W_OK).then(
      () => true,
      () => false
    )
  )
  return {
    done: allowed ? ", and may be written" : "",
    findings: allowed
      ? []
      : [wrong("store", `${location} may not be written by this user, but results go there: change its permissions.`)]
  }
})
