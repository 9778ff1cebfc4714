import type { ObjectInfo } from "../store/store.ts"

/** That these bytes lay under this key, in this version. */
export interface Sighting extends Pick<ObjectInfo, "key" | "etag" | "size"> {
  /** Hex SHA-256 of the bytes. */
  readonly contentHash: string
  /** Why these bytes cannot be used, in a sentence, where they were tried. */
  readonly unusable?: string
}

/** What can be told of an object without reading it. */
export type Version = Pick<ObjectInfo, "key" | "etag">

/**
 * Which bytes lay where, and which of them have vectors.
 *
 * A recording is its content. A key and an ETag that were seen together only spare reading the bytes again; an object
 * without an ETag is read each time.
 */
export class KnownRecordings {
  readonly #contents = new Map<string, string>()
  readonly #embedded = new Set<string>()
  readonly #unusable = new Map<string, string>()

  /** Remembers where bytes lay, and why they cannot be used. */
  see({ key, etag, contentHash, unusable }: Omit<Sighting, "size">): void {
    if (etag !== "") this.#contents.set(versionName({ key, etag }), contentHash)
    if (unusable !== undefined) this.#unusable.set(contentHash, unusable)
  }

  /** Remembers that vectors of these bytes are stored. */
  embed(contentHash: string): void {
    this.#embedded.add(contentHash)
  }

  /** The content of an object in this version; undefined where its bytes must be read to know. */
  contentOf(version: Version): string | undefined {
    return this.#contents.get(versionName(version))
  }

  /** Why these bytes cannot be used; undefined where they can, as far as is known. */
  whyUnusable(contentHash: string | undefined): string | undefined {
    return contentHash === undefined || this.has(contentHash) ? undefined : this.#unusable.get(contentHash)
  }

  /** Whether vectors of these bytes are stored. */
  has(contentHash: string): boolean {
    return this.#embedded.has(contentHash)
  }

  /** The content of an object whose vectors are stored; undefined where its bytes must be read, or embedded. */
  storedContentOf(version: Version): string | undefined {
    const contentHash = this.contentOf(version)
    return contentHash !== undefined && this.has(contentHash) ? contentHash : undefined
  }

  /** Whether no vectors are stored. */
  get isEmpty(): boolean {
    return this.#embedded.size === 0
  }

  /** The bytes whose vectors are stored, as hex SHA-256. */
  contents(): Iterable<string> {
    return this.#embedded
  }
}

/** A name for a version of an object. */
export const versionName = ({ key, etag }: Version): string => `${key}\n${etag}`
