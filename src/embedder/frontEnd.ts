/**
 * What an embedder hears with, whatever its weights: how sound is cut into windows and made into patches, the network's
 * inputs. Pure and without a native add-on, because Workers do it.
 */
export interface FrontEnd {
  /** What settings and recipes call the embedder. */
  readonly id: string
  /**
   * The module that exports this as `frontEnd`: functions do not cross to a Worker, so it imports them from there. One that
   * is made by settings, which cross, exports `frontEndOf`, which takes them.
   */
  readonly module: string
  readonly settings?: unknown
  /** Of the sound that it takes, in Hz. */
  readonly sampleRate: number
  /** Samples that a patch hears. */
  readonly window: number
  /** Samples from one window's start to the next one's. */
  readonly hop: number
  /** Floats of a patch. */
  readonly patchSize: number
  /**
   * Floats of each vector that the network gives for a patch, by name; they lie side by side in one row, in this order.
   * The first is the embedding, which most heads see and by which recordings are compared; others are for heads that ask
   * for them by name.
   */
  readonly vectors: Readonly<Record<string, number>>
  /** Enter the recipe: the first changes whenever a patch would, the second whenever patches would count otherwise. */
  readonly versions: { readonly frontEnd: string; readonly pooling: string }
  /** Mono samples to patches [n * patchSize], at least one: the tail is padded. */
  readonly prepare: (samples: Float32Array) => Float32Array
  /** What each patch of a recording counts for in its vector, all together 1. Its variants' patches all count the same. */
  readonly weigh: (patches: Float32Array) => Float64Array
}

/** What a Worker is told of a front-end. */
export type FrontEndOrigin = Pick<FrontEnd, "module" | "settings">

/** The front-end that is meant, in a Worker. */
export const importFrontEnd = async ({ module, settings }: FrontEndOrigin): Promise<FrontEnd> => {
  const { frontEnd, frontEndOf } = await import(module)
  return settings === undefined ? frontEnd : frontEndOf(settings)
}

/** Vectors of a row by name, in order, and how many floats each has. */
export type Vectors = FrontEnd["vectors"]

/** Floats of a row: all vectors of a patch, or of a clip, side by side. */
export const rowSize = ({ vectors }: Pick<FrontEnd, "vectors">): number =>
  Object.values(vectors).reduce((sum, size) => sum + size, 0)

/** Where in a row of these vectors one of them lies: its first float, and the one after its last. */
export const placeOf = (vectors: Vectors, name: string): { readonly from: number; readonly to: number } => {
  const names = Object.keys(vectors)
  const from = names.slice(0, names.indexOf(name)).reduce((sum, before) => sum + vectors[before]!, 0)
  return { from, to: from + vectors[name]! }
}

/** Some of a row's vectors, in the row's order. */
export const select = (vectors: Vectors, names: ReadonlyArray<string>): Vectors =>
  Object.fromEntries(Object.entries(vectors).filter(([name]) => names.includes(name)))

/** The embedding among a row's vectors. */
export const embeddingAlone = (vectors: Vectors): Vectors => select(vectors, [firstOf(vectors)])

/** The name of the embedding among vectors. */
export const firstOf = (vectors: Vectors): string => Object.keys(vectors)[0]!

/** All patches counting the same. */
export const evenWeights = (patches: number): Float64Array => new Float64Array(patches).fill(1 / patches)
