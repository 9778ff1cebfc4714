import { Schema } from "effect"
import { classOf, fileName, RECORDINGS_PREFIX } from "../store/keys.ts"
import type { ObjectInfo } from "../store/store.ts"

/** Which recordings are meant: those of a class, whose paths hold every word of a search; left out, any. */
export const ClipFilter = Schema.Struct({
  class: Schema.optionalKey(Schema.String),
  search: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(200)))
})
export type ClipFilter = typeof ClipFilter.Type

export const ORDERS = ["key", "name", "largest", "smallest"] as const
export type Order = (typeof ORDERS)[number]

/** The recordings that a filter means, in the order given. */
export const matching = (
  objects: ReadonlyArray<ObjectInfo>,
  { class: className, search = "" }: ClipFilter
): ReadonlyArray<ObjectInfo> => {
  const words = plain(search).split(/\s+/).filter(Boolean)
  if (className === undefined && words.length === 0) return objects
  return objects.filter(({ key }) => {
    if (className !== undefined && classOf(key) !== className) return false
    const path = plain(key.slice(RECORDINGS_PREFIX.length))
    return words.every((word) => path.includes(word))
  })
}

const plain = (text: string): string => text.normalize("NFC").toLowerCase()

/** The same in another order; recordings that are equal in it stay in the order of their keys. */
export const inOrder = (objects: ReadonlyArray<ObjectInfo>, order: Order): ReadonlyArray<ObjectInfo> => {
  switch (order) {
    case "key":
      return objects
    case "name":
      return objects
        .map((object) => ({ object, name: fileName(object.key) }))
        .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
        .map(({ object }) => object)
    case "largest":
      return objects.toSorted((a, b) => b.size - a.size)
    case "smallest":
      return objects.toSorted((a, b) => a.size - b.size)
  }
}
