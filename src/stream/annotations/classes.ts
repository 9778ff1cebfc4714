import { isClassName } from "../../store/className.ts"

/** Finds the class that a label means; undefined where it means none. */
export type Classes = (label: string) => string | undefined

/**
 * Labels mean the classes that are known, however they are written ("Dog bark" is `dog_bark`), and, where others may be,
 * those that they can be written as.
 */
export const classesOf = (known: Iterable<string>, mayBeNew: boolean): Classes => {
  const names = new Set(known)
  const plain = new Map([...names].map((name) => [plainOf(name), name]))
  return (label) => {
    if (names.has(label)) return label
    const written = plainOf(label)
    return plain.get(written) ?? (mayBeNew && mayBeNewClass(label) ? written : undefined)
  }
}

/** Whether a label can be written as the name of a class that is not there yet. */
export const mayBeNewClass = (label: string): boolean => isClassName(plainOf(label))

const plainOf = (label: string): string =>
  label
    .normalize("NFD")
    .toLowerCase()
    .replace(/\p{M}+/gu, "")
    .replace(/[^a-z0-9-]+/g, "_")
    .replace(/^_+|_+$/g, "")
