/**
 * The class that one recording's probabilities hold highest, by its place, and how high; of equals the first, and -1 where one
 * of them is not a number.
 */
export const likeliest = (
  probabilities: Float32Array | ReadonlyArray<number>
): { readonly label: number; readonly probability: number } => {
  const probability = Math.max(...probabilities)
  return { label: probabilities.indexOf(probability), probability }
}
