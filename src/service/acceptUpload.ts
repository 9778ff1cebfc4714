import { DateTime, Effect, Option } from "effect"
import { UNKNOWN } from "../store/className.ts"
import { readDocumentOrVersion, unlessChanged, writeDocument } from "../store/documents.ts"
import { classOf, isRecording, isUnlabelled, recordingKey, UNLABELLED_PREFIX, uploadKey } from "../store/keys.ts"
import { Receipt } from "../store/receipt.ts"
import { sha256 } from "../store/sha256.ts"
import { type PutCondition, Store } from "../store/store.ts"
import { holds } from "../store/uploadFolder.ts"
import { Corpus } from "./corpus.ts"
import { checkClass } from "./newClasses.ts"
import { Predictor } from "./predictor.ts"
import { Refusal, refuse } from "./refusal.ts"
import { readSpooled, type Spooled } from "./spool.ts"
import { Watcher } from "./watcher.ts"

/** Where an uploaded recording lies, and whether it lay there before. */
export interface Stored {
  readonly key: string
  readonly className: string
  readonly isNew: boolean
}

/**
 * Stores a recording under `extracted_audio/<class>/<UTC time>_<safe name>` once its content decodes; one whose class is
 * `unknown` under `unlabelled_audio/`, where a review offers it to be labelled.
 *
 * Bytes that lie in the store already stay where they are, whoever put them there: a receipt under `uploads/` names an
 * uploaded recording by content. One that has been damaged since is replaced; asked for under another class, they are
 * refused by name, for a label is changed by review, not by chance.
 */
export const acceptUpload = Effect.fn("acceptUpload")(function* (name: string, className: string, recording: Spooled) {
  const predictor = yield* Predictor
  const corpus = yield* Corpus
  if (className !== UNKNOWN) yield* checkClass(className)
  yield* predictor.inspect(recording)
  const bytes = yield* readSpooled(recording)
  const contentHash = sha256(bytes)
  return yield* storeOnce(name, className, bytes, contentHash).pipe(corpus.inTurn(contentHash))
})

const storeOnce = Effect.fnUntraced(function* (
  name: string,
  className: string,
  bytes: Uint8Array,
  contentHash: string
) {
  const store = yield* Store
  const corpus = yield* Corpus
  const put = Effect.fnUntraced(function* (key: string, asClass: string, condition?: PutCondition) {
    const stored = yield* store.put(key, bytes, condition)
    if (isRecording(stored)) {
      yield* corpus.added(stored, contentHash)
      yield* (yield* Watcher).landed(stored)
    }
    return { key, className: asClass, isNew: true } satisfies Stored
  })

  const receiptKey = uploadKey(contentHash)
  // One that is damaged is written anew.
  const found = yield* readDocumentOrVersion(receiptKey, Receipt)
  const receipt = Option.getOrUndefined(found)?.value
  if (receipt !== undefined) {
    const { key, class: itsClass } = receipt
    const there = yield* store.find(key)
    if (Option.isSome(there)) {
      if (yield* holds(store, there.value, bytes)) return yield* sameBytes(key, itsClass, className)
      if (!(yield* isSound(key))) {
        yield* Effect.logWarning(`${key} is damaged: it is replaced by the same recording, uploaded again.`)
        return yield* put(key, itsClass)
      }
      // Somebody has put another recording there, or cut this one: that stays, and these bytes lie nowhere.
    } else if (key.startsWith(folderOf(className))) {
      // A receipt without its recording: that was removed, or its writer has died, or is about to put the same bytes there.
      return yield* put(key, className)
    }
  } else {
    const key = yield* corpus.keyOf(contentHash, bytes)
    if (key !== undefined) return yield* sameBytes(key, classOf(key) ?? UNKNOWN, className)
  }
  const time = DateTime.formatIso(yield* DateTime.now)
    .replace(/\.\d+Z$/, "Z")
    .replaceAll(/[-:]/g, "")
  const plain = plainKey(className, time, safeName(name))
  const storing = Effect.gen(function* () {
    const key = yield* freeKey(plain)
    // The receipt goes first, by conditional write: of two services that are sent the same bytes at once, one stores them.
    const won = yield* writeDocument(receiptKey, Receipt, { key, class: className }, unlessChanged(found)).pipe(
      Effect.as(true),
      Effect.catchIf(
        ({ reason }) => reason === "conflict",
        () => Effect.succeed(false)
      )
    )
    if (!won) return yield* refuse(409, "The same recording is being uploaded by another request.")
    // Another service may have taken the place since: the receipt then tells the next attempt so.
    return yield* put(key, className, unlessChanged(Option.none())).pipe(
      Effect.catchIf(
        (error) => error._tag === "StoreError" && error.reason === "conflict",
        () => Effect.fail(new Refusal({ status: 503, detail: TAKEN, retryAfter: 1 }))
      )
    )
  })
  // Others of this name may come in the same second: each finds the place of the one before taken.
  return yield* corpus.inTurn(plain)(storing)
})

const TAKEN = "Another recording of this name came in the same second; please send this one again."

/** Whether what lies there is a recording, of whatever sound: anything else is damaged. */
const isSound = Effect.fnUntraced(function* (key: string) {
  const store = yield* Store
  const predictor = yield* Predictor
  const { bytes } = yield* store.get(key)
  return yield* predictor.inspect(bytes).pipe(
    Effect.as(true),
    Effect.catchIf(
      (refusal) => refusal.status === 400,
      () => Effect.succeed(false)
    )
  )
})

/** Bytes that are stored already: as they are, unless they are said to be of another class. */
const sameBytes = (key: string, itsClass: string, asked: string) =>
  asked === itsClass || asked === UNKNOWN
    ? Effect.succeed({ key, className: itsClass, isNew: false } satisfies Stored)
    : Effect.fail(
        refuse(
          409,
          `The same recording is stored already, in class ${itsClass}, as ${key}: give it the class ${asked} on the ` +
            `dashboard under ${itsClass === UNKNOWN ? "Review" : "Training data"}, or by POST /review/decide with {"decision": "relabel", "key": "${key}", "class": "${asked}"}.`
        )
      )

/** Where recordings of a class lie; what is to be labelled yet lies in no class. */
const folderOf = (className: string): string =>
  className === UNKNOWN ? UNLABELLED_PREFIX : recordingKey(className, "")

const plainKey = (className: string, time: string, name: string): string => {
  const folder = folderOf(className)
  // Sound under the name of notes or pictures would not be taken for a recording.
  const isNamed = [isRecording, isUnlabelled].some((isSound) => isSound({ key: folder + name }))
  return `${folder}${time}_${isNamed ? name : `${name}.audio`}`
}

const freeKey = Effect.fnUntraced(function* (plain: string) {
  const store = yield* Store
  if (Option.isNone(yield* store.find(plain))) return plain
  // Another file of this name in the same second.
  return plain.replace(/Z_(?=[^/]*$)/, `Z_${crypto.randomUUID().slice(0, 8)}_`)
})

const MOST_BYTES = 160
/** More than any file system takes; a client may send megabytes. */
const MOST_READ = 1024

/** A file name's last part, with nothing but letters and digits of any script, dots, hyphens and underscores. */
export const safeName = (name: string): string => {
  const letters = (name.slice(-MOST_READ).toWellFormed().split(/[/\\]/).at(-1) ?? "")
    .normalize("NFC")
    .replaceAll(/[^\p{L}\p{M}\p{N}._-]+/gu, "_")
    .replace(/^[._-]+/, "")
  const dot = letters.lastIndexOf(".")
  const ending = dot > 0 && letters.length - dot <= 6 ? letters.slice(dot) : ""
  const stem = [...letters.slice(0, letters.length - ending.length)]
  while (Buffer.byteLength(stem.join("") + ending) > MOST_BYTES) stem.pop()
  return (stem.join("") || "recording") + ending
}
