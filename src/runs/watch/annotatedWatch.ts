import { Effect, Stream } from "effect"
import { ANNOTATIONS_PREFIX, FIELD_PREFIX, isFieldRecording, mayBeTable } from "../../store/keys.ts"
import { sha256 } from "../../store/sha256.ts"
import { type ObjectInfo, Store } from "../../store/store.ts"
import { annotatedClips } from "../../stream/annotations/annotated.ts"

/**
 * Follows the clips that tables of annotations cut out of field recordings. Tables are read where one, or a recording, has
 * come, changed or gone, and two looks have found them the same, so that one being written is left until it is whole.
 */
export const makeAnnotatedWatch = () => {
  let seen: string | undefined
  let used: string | undefined
  let clips: ReadonlyArray<ObjectInfo> = []
  /** The clips that there are, where these classes have recordings. */
  const look = Effect.fnUntraced(function* (classes: Iterable<string>) {
    const known = new Set(classes)
    const now = sha256(JSON.stringify([[...known].sort(), yield* versions]))
    const before = seen
    seen = now
    if (now !== before || now === used) return clips
    clips = (yield* annotatedClips(known)).objects
    used = now
    return clips
  })
  return { look }
}

/** What lies where annotations are read from, by name and version. */
const versions = Effect.gen(function* () {
  const store = yield* Store
  const found = yield* Effect.forEach([ANNOTATIONS_PREFIX, FIELD_PREFIX], (prefix) =>
    store.list(prefix).pipe(
      Stream.filter((object) => mayBeTable(object) || isFieldRecording(object)),
      Stream.map(({ key, etag }) => `${key}\n${etag}`),
      Stream.runCollect
    )
  )
  return found.flat()
})
