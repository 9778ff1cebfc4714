import { Effect } from "effect"
import { type Random, seededRandom, shuffled } from "../../sound/random.ts"
import type { Weights } from "../denseNetwork.ts"
import { initialWeights } from "../initial.ts"
import { type Backend, type Pass, type Problem, type Train, TrainingError } from "./backend.ts"
import { discriminate } from "./discriminant.ts"
import { keptUnits } from "./dropout.ts"
import { regress } from "./regression.ts"
import { type EpochRecord, type Fit, recordOf, type Schedule } from "./task.ts"

/** EcoSight's schedule. */
export const SCHEDULE: Schedule = { epochs: 100, batchSize: 64, patience: 15, flatEpochs: 7 }

/** Does tasks by a backend's own steps; on the processor a discriminant, in its one step, and what L-BFGS is for. */
export const trainBy =
  (backend: Backend): Train =>
  ({ schedule, seed, ...task }, onEpoch) =>
    Effect.suspend(() => {
      const { discriminant, optimizer } = task.network
      if (discriminant !== undefined) {
        return Effect.tap(discriminate(task, discriminant), ({ history }) => onEpoch(1, history[0]!))
      }
      if (optimizer === "lbfgs") return regress(task, schedule.epochs, onEpoch)
      const random = seededRandom(seed)
      const problem = { ...task, initial: initialWeights(task.network, random) }
      return fit(backend, problem, schedule, random, onEpoch)
    }).pipe(Effect.scoped)

/**
 * Trains: early stopping with the best epoch's weights restored, learning rate halved where the validation loss stays
 * flat. Without validation samples, or where these are only watched, it trains for all epochs, the learning rate falling to zero, and keeps the last
 * weights.
 *
 * `onEpoch` runs after each epoch; interrupting the effect stops the training between two runs of the backend.
 */
export const fit = Effect.fn("Classifier.fit")(function* (
  backend: Backend,
  problem: Problem,
  schedule: Schedule,
  random: Random,
  onEpoch: (epoch: number, record: EpochRecord) => Effect.Effect<void>
) {
  const trainer = yield* backend.open(problem)
  const samples = problem.training.labels.length
  const validated = problem.validation.labels.length
  const history: Array<EpochRecord> = []
  let best: { readonly weights: Weights; readonly epoch: number; readonly loss: number } | undefined
  let lr = problem.network.learningRate
  let lowest = Number.POSITIVE_INFINITY
  let flat = 0
  let firstStep = 1

  for (let epoch = 1; epoch <= schedule.epochs; epoch++) {
    let [loss, hits] = [0, 0]
    for (const steps of passes(problem, schedule.batchSize, random)) {
      const sums = yield* trainer.run({ ...steps, learningRate: lr, firstStep })
      firstStep += steps.borders.length - 1
      loss += sums.loss
      hits += sums.hits
    }
    const validation = validated > 0 ? yield* trainer.validate : undefined
    const record = recordOf({ loss, hits }, samples, validation, validated, lr)
    if (!Number.isFinite(record.loss + (record.val_loss ?? 0))) {
      return yield* new TrainingError({
        message: `Training failed in epoch ${epoch}: the loss is not a number any more.`
      })
    }
    history.push(record)
    yield* onEpoch(epoch, record)

    if (record.val_loss === undefined || schedule.onlyWatched) {
      lr = problem.network.learningRate * (1 - epoch / schedule.epochs)
      continue
    }
    if (best === undefined || record.val_loss < best.loss) {
      best = { weights: yield* trainer.weights, epoch, loss: record.val_loss }
    }
    if (epoch - best.epoch >= schedule.patience) break
    // As in Keras' ReduceLROnPlateau, an improvement below 1e-4 counts as flat.
    flat = record.val_loss < lowest - 1e-4 ? 0 : flat + 1
    if (flat === 0) lowest = record.val_loss
    if (flat >= schedule.flatEpochs) {
      lr /= 2
      flat = 0
    }
  }
  const result: Fit = {
    weights: best?.weights ?? (yield* trainer.weights),
    history,
    bestEpoch: best?.epoch ?? history.length
  }
  return result
})

// Bounds the memory for dropout: 960 bytes a visit for EcoSight's network.
const MOST_VISITS = 8192

/** One epoch's mini-batches in random order, in passes of bounded length, with their dropout drawn. */
const passes = function* (
  { network, training }: Problem,
  batchSize: number,
  random: Random
): Generator<Pick<Pass, "order" | "borders" | "kept" | "mixed">> {
  const order = shuffled(training.labels.length, random)
  const borders = batchBorders(order.length, batchSize)
  const batches = Math.max(1, Math.floor(MOST_VISITS / batchSize))
  for (let first = 0; first < borders.length - 1; first += batches) {
    const own = borders.slice(first, first + batches + 1)
    const visits = order.subarray(own[0], own.at(-1))
    yield {
      order: visits,
      borders: own.map((border) => border - own[0]!),
      kept: keptUnits(visits.length, network.units.slice(1, -1), network.dropout, random),
      ...(network.mixup > 0 ? { mixed: drawMixed(visits.length, training.labels.length, network.mixup, random) } : {})
    }
  }
}

/**
 * Where mini-batches begin, and the end. A single sample left over joins the batch before it: batch normalisation of one
 * sample is a constant, and its gradient zero.
 */
export const batchBorders = (samples: number, batchSize: number): Uint32Array => {
  const batches = Math.max(1, Math.ceil(samples / batchSize) - (samples % batchSize === 1 ? 1 : 0))
  return Uint32Array.from({ length: batches + 1 }, (_, batch) => (batch === batches ? samples : batch * batchSize))
}

const drawMixed = (visits: number, samples: number, mixup: number, random: Random): NonNullable<Pass["mixed"]> => ({
  partners: Uint32Array.from({ length: visits }, () => Math.floor(random() * samples)),
  shares: Float32Array.from({ length: visits }, () => drawBeta(mixup, random))
})

/** Draws from Beta(shape, shape), by Jöhnk's method: quick for shapes up to 1, which are all that mixup uses. */
const drawBeta = (shape: number, random: Random): number => {
  for (;;) {
    const [one, other] = [random() ** (1 / shape), random() ** (1 / shape)]
    if (one + other <= 1 && one + other > 0) return one / (one + other)
  }
}
