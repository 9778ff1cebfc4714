import { DateTime, Effect, Option } from "effect"
import { Settings } from "../config/settings.ts"
import { readDocument, unlessChanged, writeDocument } from "../store/documents.ts"
import { recordingKey, uploadKey } from "../store/keys.ts"
import { Receipt } from "../store/receipt.ts"
import { Store } from "../store/store.ts"
import { Corpus } from "./corpus.ts"
import { Current } from "./current.ts"
import { Predictor } from "./predictor.ts"
import { refuse } from "./refusal.ts"
import { Watcher } from "./watcher.ts"

const CLASS_NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/
const UNKNOWN = "unknown"

/** Where an uploaded recording lies, and whether it lay there before. */
export interface Stored {
  readonly key: string
  readonly className: string
  readonly isNew: boolean
}

/**
 * Stores a recording under `extracted_audio/<class>/<UTC time>_<safe name>` once its content decodes.
 *
 * Bytes that were uploaded before, under whatever name and class, stay where they are: a receipt under `uploads/`
 * names them by content.
 */
export const acceptUpload = Effect.fn("acceptUpload")(function* (name: string, className: string, bytes: Uint8Array) {
  const store = yield* Store
  const corpus = yield* Corpus
  const predictor = yield* Predictor
  yield* checkClass(className)
  yield* predictor.inspect(bytes)

  const receiptKey = uploadKey(new Bun.CryptoHasher("sha256").update(bytes).digest("hex"))
  const before = yield* readDocument(receiptKey, Receipt)
  if (Option.isSome(before)) {
    const { value: receipt } = before.value
    // A receipt without its recording: that was removed, or a writer died in between.
    if (Option.isSome(yield* store.find(receipt.key))) {
      return { key: receipt.key, className: receipt.class, isNew: false } satisfies Stored
    }
  }
  const time = DateTime.formatIso(yield* DateTime.now)
    .replace(/\.\d+Z$/, "Z")
    .replaceAll(/[-:]/g, "")
  const key = yield* freeKey(className, time, safeName(name))
  // The receipt goes first, by conditional write: of two that send the same bytes at once, one stores them.
  const won = yield* writeDocument(receiptKey, Receipt, { key, class: className }, unlessChanged(before)).pipe(
    Effect.as(true),
    Effect.catchIf(
      ({ reason }) => reason === "conflict",
      () => Effect.succeed(false)
    )
  )
  if (!won) return yield* refuse(409, "The same recording is being uploaded by another request.")
  const stored = yield* store.put(key, bytes)
  yield* corpus.added(stored)
  yield* (yield* Watcher).landed(stored)
  return { key, className, isNew: true } satisfies Stored
})

const checkClass = Effect.fnUntraced(function* (className: string) {
  const { allowNewClasses } = yield* Settings
  const { classes } = yield* (yield* Corpus).snapshot
  const model = yield* (yield* Current).model
  const known = new Set([
    ...classes.keys(),
    ...Option.match(model, { onNone: () => [], onSome: ({ metadata }) => metadata.classes })
  ])
  if (className === UNKNOWN || known.has(className)) return
  if (!CLASS_NAME.test(className)) {
    return yield* refuse(
      400,
      "A class's name is 1 to 64 lower-case letters, digits, _ and -, and begins with a letter or digit."
    )
  }
  if (!allowNewClasses) {
    return yield* refuse(400, `There is no such class; known are ${[...known].sort().join(", ") || "none yet"}.`)
  }
})

const freeKey = Effect.fnUntraced(function* (className: string, time: string, name: string) {
  const store = yield* Store
  const plain = recordingKey(className, `${time}_${name}`)
  if (Option.isNone(yield* store.find(plain))) return plain
  // Another file of this name in the same second.
  return recordingKey(className, `${time}_${crypto.randomUUID().slice(0, 8)}_${name}`)
})

const MOST_BYTES = 160

/** A file name's last part, with nothing but letters and digits of any script, dots, hyphens and underscores. */
export const safeName = (name: string): string => {
  const letters = (name.toWellFormed().split(/[/\\]/).at(-1) ?? "")
    .normalize("NFC")
    .replaceAll(/[^\p{L}\p{M}\p{N}._-]+/gu, "_")
    .replace(/^[._-]+/, "")
  const dot = letters.lastIndexOf(".")
  const ending = dot > 0 && letters.length - dot <= 6 ? letters.slice(dot) : ""
  const stem = [...letters.slice(0, letters.length - ending.length)]
  while (Buffer.byteLength(stem.join("") + ending) > MOST_BYTES) stem.pop()
  return (stem.join("") || "recording") + ending
}
