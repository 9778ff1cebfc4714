import type { Classifier } from "./classifier.ts"

/**
 * Windows of the background for each of an event's class, which training balances: what a window of another class makes of
 * an event then counts little beside whether it is one at all (`docs/decisions/field.md`).
 */
export const BACKGROUND_ODDS = 10

/**
 * A classifier whose answers are for sounds among which one class is so many times as frequent, beside the others, as where
 * it was trained (Bayes' rule: its bias grows by the logarithm); the same where there is no such class.
 */
export const amongMore = <C extends Classifier>(classifier: C, className: string | undefined, times: number): C => {
  const label = classifier.classes.indexOf(className ?? "")
  if (label < 0) return classifier
  const bias = `bias${classifier.network.units.length - 2}` as const
  const raised = classifier.weights[bias]!.map((value, at) => (at === label ? value + Math.log(times) : value))
  return { ...classifier, weights: { ...classifier.weights, [bias]: raised } }
}
