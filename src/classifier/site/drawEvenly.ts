/** Whether a piece, by its number, is one of those evenly drawn of pieces with so many windows that hold about `most` of them. */
export const isDrawn = (at: number, windows: number, most: number): boolean => {
  const share = Math.min(1, most / windows)
  return Math.floor((at + 1) * share) > Math.floor(at * share)
}

/** The pieces that are drawn. */
export const drawEvenly = <A>(pieces: ReadonlyArray<A>, windows: number, most: number): ReadonlyArray<A> =>
  pieces.filter((_, at) => isDrawn(at, windows, most))
