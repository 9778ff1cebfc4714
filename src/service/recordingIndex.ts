import { classOf } from "../store/keys.ts"
import type { ObjectInfo } from "../store/store.ts"

/** The recordings of one class. */
export interface ClassCount {
  readonly recordings: number
  /** Of them, those that the last training did not see in this version. */
  readonly fresh: number
}

/** The recordings as they were listed last, in the order of their keys. */
export interface Snapshot {
  readonly objects: ReadonlyArray<ObjectInfo>
  readonly classes: ReadonlyMap<string, ClassCount>
  readonly fresh: number
}

/** Recordings, and what every upload asks of them, kept up to date so that none costs a walk through all. */
export class RecordingIndex {
  readonly #objects = new Map<string, ObjectInfo>()
  /** The content of each that is known, and the keys that have it. */
  readonly #contents = new Map<string, string>()
  readonly #byContent = new Map<string, Set<string>>()
  /** Those whose content is not known. */
  readonly #unreadBySize = new Map<number, Set<string>>()
  readonly #classes = new Map<string, { recordings: number; fresh: number }>()
  readonly #fresh = new Set<string>()
  readonly #isFresh: (object: ObjectInfo) => boolean
  readonly #contentOf: (object: ObjectInfo) => string | undefined
  #snapshot: Snapshot | undefined

  /**
   * What `isFresh` and `contentOf` (hex SHA-256, where it is known) say of a recording is remembered: where that changes of
   * one, it is to be set again; of many, another index is to be made.
   */
  constructor(
    isFresh: (object: ObjectInfo) => boolean,
    contentOf: (object: ObjectInfo) => string | undefined,
    objects: Iterable<ObjectInfo> = []
  ) {
    this.#isFresh = isFresh
    this.#contentOf = contentOf
    for (const object of objects) this.set(object)
  }

  get(key: string): ObjectInfo | undefined {
    return this.#objects.get(key)
  }

  set(object: ObjectInfo): void {
    const { key, size } = object
    this.delete(key)
    this.#objects.set(key, object)
    const content = this.#contentOf(object)
    if (content === undefined) {
      addTo(this.#unreadBySize, size, key)
    } else {
      this.#contents.set(key, content)
      addTo(this.#byContent, content, key)
    }
    const className = classOf(key)
    if (className === undefined) return
    const isFresh = this.#isFresh(object)
    if (isFresh) this.#fresh.add(key)
    this.#count(className, 1, isFresh ? 1 : 0)
  }

  delete(key: string): void {
    this.#snapshot = undefined
    const object = this.#objects.get(key)
    if (object === undefined) return
    this.#objects.delete(key)
    const content = this.#contents.get(key)
    if (content === undefined) {
      removeFrom(this.#unreadBySize, object.size, key)
    } else {
      this.#contents.delete(key)
      removeFrom(this.#byContent, content, key)
    }
    const wasFresh = this.#fresh.delete(key)
    const className = classOf(key)
    if (className !== undefined) this.#count(className, -1, wasFresh ? -1 : 0)
  }

  /** Where this content lies; undefined where it is not known to. */
  keyOf(contentHash: string): string | undefined {
    return this.#byContent.get(contentHash)?.values().next().value
  }

  /** Recordings of so many bytes of which it is not known what they are. */
  unreadOfSize(size: number): ReadonlyArray<ObjectInfo> {
    return [...(this.#unreadBySize.get(size) ?? [])].map((key) => this.#objects.get(key)!)
  }

  objects(): Iterable<ObjectInfo> {
    return this.#objects.values()
  }

  /** What there is now; it stays as it is when that changes. */
  snapshot(): Snapshot {
    if (this.#snapshot !== undefined) return this.#snapshot
    const listed = [...this.#objects.values()]
    const classes = [...this.#classes].sort(([a], [b]) => (`${a}/` < `${b}/` ? -1 : 1))
    let sorted = false
    this.#snapshot = {
      // Most who ask want the numbers alone.
      get objects() {
        if (!sorted) listed.sort((a, b) => (a.key < b.key ? -1 : 1))
        sorted = true
        return listed
      },
      classes: new Map(classes.map(([name, { recordings, fresh }]) => [name, { recordings, fresh }])),
      fresh: this.#fresh.size
    }
    return this.#snapshot
  }

  #count(className: string, recordings: number, fresh: number): void {
    const counts = this.#classes.get(className) ?? { recordings: 0, fresh: 0 }
    counts.recordings += recordings
    counts.fresh += fresh
    if (counts.recordings > 0) this.#classes.set(className, counts)
    else this.#classes.delete(className)
  }
}

const addTo = <K>(groups: Map<K, Set<string>>, group: K, key: string): void => {
  const alike = groups.get(group)
  if (alike === undefined) groups.set(group, new Set([key]))
  else alike.add(key)
}

/** Groups are never empty. */
const removeFrom = <K>(groups: Map<K, Set<string>>, group: K, key: string): void => {
  const alike = groups.get(group)!
  alike.delete(key)
  if (alike.size === 0) groups.delete(group)
}
