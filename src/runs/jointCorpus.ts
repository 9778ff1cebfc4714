import { Effect } from "effect"
import { type Dataset, makeDataset } from "../classifier/dataset.ts"
import { Store } from "../store/store.ts"
import type { CorpusTotals } from "./data.ts"

/** Recordings of one store, or of one to train on and another to test on, as one data set. */
export interface JointCorpus {
  readonly dataset: Dataset
  /** How long each recording is, by its key in the data set. */
  readonly seconds: ReadonlyMap<string, number>
  readonly notes: ReadonlyArray<string>
  /** Where a recording of the data set lies. */
  readonly locate: (key: string) => { readonly store: Store["Service"]; readonly key: string }
  /** Whether it is of the store to test on. */
  readonly isOfTest: (key: string) => boolean
}

/** A store's corpus, embedded. */
interface Corpus {
  readonly dataset: Dataset
  readonly totals: CorpusTotals
}

/** One store's own. */
export const soleCorpus = Effect.fn("soleCorpus")(function* ({ dataset, totals }: Corpus) {
  const store = yield* Store
  return {
    dataset,
    seconds: totals.seconds,
    notes: totals.notes,
    locate: (key) => ({ store, key }),
    isOfTest: () => false
  } satisfies JointCorpus
})

/**
 * This store's, and those of another store to test on. A source of both counts as one, so it is not trained on when the
 * other store is tested.
 */
export const joinCorpora = Effect.fn("joinCorpora")(function* (
  train: Corpus,
  test: Corpus,
  testStore: Store["Service"]
) {
  const store = yield* Store
  // Both have the same keys, perhaps.
  const prefix = `${testStore.location}:`
  const moved = (key: string) => prefix + key
  const samples = test.dataset.samples.map((sample) => ({ ...sample, key: moved(sample.key) }))
  const isOfTest = (key: string) => key.startsWith(prefix)
  return {
    dataset: yield* makeDataset([...train.dataset.samples, ...samples], train.dataset.vectors),
    seconds: new Map([
      ...train.totals.seconds,
      ...[...test.totals.seconds].map(([key, own]) => [moved(key), own] as const)
    ]),
    notes: [...train.totals.notes, ...test.totals.notes.map((note) => `${testStore.location}: ${note}`)],
    locate: (key) => (isOfTest(key) ? { store: testStore, key: key.slice(prefix.length) } : { store, key }),
    isOfTest
  } satisfies JointCorpus
})
