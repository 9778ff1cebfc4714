import { Effect, Layer } from "effect"
import type { Dataset } from "../../classifier/dataset.ts"
import { type Evaluation, evaluateHeads } from "../../classifier/evaluation/evaluation.ts"
import type { Cut } from "../../classifier/evaluation/outOfFold.ts"
import { partFigures } from "../../classifier/evaluation/partFigures.ts"
import { answersOf, leaveKindsOut } from "../../classifier/evaluation/unknown/leaveKindsOut.ts"
import { figuresOnUnknown, type UnknownEvaluation } from "../../classifier/evaluation/unknown/unknownFigures.ts"
import { nativeBackend } from "../../classifier/train/nativeBackend.ts"
import { sideBySide } from "../../classifier/train/sideBySide.ts"
import type { Embedder } from "../../embedder/embedder.ts"
import { Engine } from "../../embedder/engine.ts"
import { Embeddings } from "../../embeddings/embeddings.ts"
import { Store } from "../../store/store.ts"
import { evaluateAfar } from "../afar/evaluateAfar.ts"
import { embeddedCorpus } from "../embedded.ts"
import { evaluateField } from "../field/evaluateField.ts"
import { keepScene } from "../field/keepScene.ts"
import { joinCorpora, soleCorpus } from "../jointCorpus.ts"
import { planRun } from "../planRun.ts"
import { type Asked, askedOf } from "./asked.ts"
import { planCuts } from "./cuts.ts"
import { type EvaluateOptions, refuse } from "./options.ts"
import { type TestedHead, testHead, trainerOf } from "./testHeads.ts"

/** How far an evaluation is, after its recordings are embedded. */
export interface EvaluationProgress {
  readonly stage: string
  /** What is counted. */
  readonly unit: string
  readonly done: number
  readonly total: number
}

type OnProgress = (progress: EvaluationProgress) => Effect.Effect<void>

/**
 * Trains heads from the store's recordings without some of their sources, and says how they fare on these. No evaluation
 * comes of recordings that leave nothing to test; `notes` then say why. What has no embeddings yet is embedded first.
 */
export const evaluate = Effect.fn("evaluate")(function* (
  embedder: Embedder,
  options: EvaluateOptions,
  onProgress: OnProgress
) {
  const corpus = yield* corpusOf(embedder, options)
  const { dataset } = corpus
  const asked = yield* askedOf(dataset, options)
  const plan = yield* planCuts(corpus, options)
  const { cuts, isByPart, untested } = plan
  const backend = yield* sideBySide(nativeBackend)
  const trainerFor = (head: TestedHead["head"]) => trainerOf(head, embedder, options, backend)
  const heads = yield* Effect.forEach(options.heads, (head) =>
    testHead(head, trainerFor(head), dataset, plan, (done, total) =>
      onProgress({ stage: `Testing ${head}`, unit: isByPart ? "parts" : "folds", done, total })
    )
  )
  const { background } = options
  const scored = evaluateHeads(dataset, corpus.seconds, heads, { folds: plan.folds, repeats: plan.repeats, background })
  if (scored === undefined) {
    return { evaluation: undefined, notes: [...heads[0]!.result.notes, ...untested, UNTESTABLE] }
  }

  const inField = Effect.fnUntraced(function* (
    quiet: string,
    { keep, ...settings }: NonNullable<typeof options.field>
  ) {
    const { sampleRate } = (yield* Engine).frontEnd
    const field = yield* evaluateField({
      corpus,
      cuts,
      heads,
      background: quiet,
      scores: embedder.scores,
      backend,
      settings,
      onScene: (scene, site, at) =>
        keep === undefined ? Effect.void : keepScene(keep, scene, { site, at, sampleRate }),
      onHeard: (done, total) => onProgress({ stage: "Hearing", unit: "parts", done: Math.floor(done), total })
    })
    return (
      field ?? (yield* refuse(`Nothing can be heard: no part left out has sound of "${quiet}" and of another class.`))
    )
  })
  const field = asked.field && (yield* inField(asked.field.background, options.field!))
  const afar =
    asked.afar &&
    (yield* evaluateAfar({
      corpus,
      cuts,
      heads,
      ways: options.afar!,
      background: asked.afar.background,
      seed: options.seed,
      onHeard: (done, total) => onProgress({ stage: "Hearing from afar", unit: "recordings", done, total })
    }))
  const unknown = asked.unknown && (yield* onUnknown(dataset, cuts, heads, asked.unknown, trainerFor, onProgress))
  const evaluation: Evaluation = {
    ...scored,
    ...(isByPart && { parts: partFigures(dataset, cuts, heads) }),
    ...(field && { field }),
    ...(afar && { afar }),
    ...(unknown && { unknown }),
    notes: [untested, scored.notes, corpus.notes, field?.notes, afar?.notes].flatMap((own) => own ?? [])
  }
  return { evaluation, notes: evaluation.notes }
}, Effect.scoped)

const UNTESTABLE = "Nothing can be tested: add recordings from other sources to at least two classes."

/** The store's corpus, embedded, and beside it that of the store to test on. */
const corpusOf = Effect.fnUntraced(function* (embedder: Embedder, { augmentations, test }: EvaluateOptions) {
  const embedded = Effect.flatMap(planRun(embedder, augmentations), (plan) => embeddedCorpus(plan, false))
  const own = yield* embedded
  if (test === undefined) return yield* soleCorpus(own)
  const theirs = yield* embedded.pipe(
    Effect.provide(Layer.fresh(Embeddings.layer).pipe(Layer.provideMerge(Layer.succeed(Store, test.store))))
  )
  return yield* joinCorpora(own, theirs, test.store)
})

/** What the heads answer to background of the sources left out, and of kinds that no training heard. */
const onUnknown = Effect.fnUntraced(function* (
  dataset: Dataset,
  cuts: ReadonlyArray<Cut>,
  tested: ReadonlyArray<TestedHead>,
  { background, kindOf }: NonNullable<Asked["unknown"]>,
  trainerFor: (head: TestedHead["head"]) => ReturnType<typeof trainerOf>,
  onProgress: OnProgress
) {
  const heads = yield* Effect.forEach(tested, ({ head, classifiers }) =>
    Effect.gen(function* () {
      const onTrained = (done: number, total: number) =>
        onProgress({ stage: `Training ${head} without a kind`, unit: "kinds", done, total })
      const kinds = kindOf ? yield* leaveKindsOut(dataset, cuts, background, kindOf, trainerFor(head), onTrained) : []
      const answers = cuts
        .filter(({ repeat, tested }) => repeat === 0 && tested.length > 0)
        .flatMap(({ split, tested }) => answersOf(classifiers.get(split)!, dataset, tested))
      return figuresOnUnknown(dataset, background, head, answers, kinds)
    })
  )
  return { background, heads } satisfies UnknownEvaluation
})
