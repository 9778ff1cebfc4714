import type { DataMap } from "./mapRecordings.ts"

/** What a map leaves out, and what its distances mean: a sentence or two for people. */
export const describeMap = ({ method, recordings, points }: DataMap): string =>
  (points.length < recordings
    ? `${points.length.toLocaleString("en")} of ${recordings.toLocaleString("en")} recordings, drawn at random. `
    : "") +
  (method === "umap"
    ? "Recordings that sound alike to the embedder lie together; how far apart groups lie, and how large they are, says little (UMAP)."
    : "Recordings that sound alike to the embedder lie together (the two main directions, since there are too few for UMAP).")

const COLOURS = 6
const SHAPES = [
  "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z",
  "M-3.6 -3.6h7.2v7.2h-7.2Z",
  "M0 -4.8L4.6 3.4H-4.6Z",
  "M0 -5L5 0L0 5L-5 0Z"
] as const

/** How a class is drawn: the number of a colour, and an outline around the origin. */
export interface Mark {
  /** 0 to 5, each told from the others in every common colour blindness; undefined for grey. */
  readonly colour: number | undefined
  readonly path: string
}

/** So many classes have a mark of their own. */
const MARKED = 24

/**
 * Marks for the classes of a map, those with the most points first: colour and shape differ from class to class, so that
 * neither has to be seen. From the 25th on they share a grey dot.
 */
export const marksOf = ({ points }: Pick<DataMap, "points">): ReadonlyMap<string, Mark> => {
  const counts = new Map<string, number>()
  for (const { className } of points) counts.set(className, (counts.get(className) ?? 0) + 1)
  const inOrder = [...counts].sort(([a, many], [b, few]) => few - many || (a < b ? -1 : 1))
  return new Map(
    inOrder.map(([className], at): [string, Mark] => {
      const shape = (at + Math.floor(at / 12)) % SHAPES.length
      return [
        className,
        at < MARKED ? { colour: at % COLOURS, path: SHAPES[shape]! } : { colour: undefined, path: SHAPES[0] }
      ]
    })
  )
}
