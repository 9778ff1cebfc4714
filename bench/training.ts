import { Effect } from "effect"
import { networkOf } from "../src/classifier/denseNetwork.ts"
import { HEADS } from "../src/classifier/heads/heads.ts"
import { initialWeights } from "../src/classifier/initial.ts"
import { fit } from "../src/classifier/train/fit.ts"
import { nativeBackend } from "../src/classifier/train/nativeBackend.ts"
import { EMBEDDING_SIZE } from "../src/embedder/yamnet/mobilenet.ts"
import { seededRandom } from "../src/sound/random.ts"
import { Bench, summarise } from "./measure.ts"

// An epoch of EcoSight's network on the processor; the same sizes as in peers/keras_fit.py.

const SAMPLES = 3000
const CLASSES = 4
const BATCHES = [64, 256]
const WARM_UP = 2

export const training = Effect.forEach(BATCHES, (batchSize) =>
  Effect.gen(function* () {
    const { seconds } = yield* Bench
    const random = seededRandom(7)
    const network = networkOf(HEADS.mlp.description, EMBEDDING_SIZE, CLASSES)
    const examples = (samples: number) => ({
      embeddings: Float32Array.from({ length: samples * EMBEDDING_SIZE }, () => 2 * random() - 1),
      labels: Int32Array.from({ length: samples }, (_, i) => i % CLASSES)
    })
    const problem = {
      network,
      initial: initialWeights(network, random),
      training: examples(SAMPLES),
      sampleWeights: new Float32Array(SAMPLES).fill(1),
      validation: examples(0)
    }
    const times: Array<number> = []
    let last = performance.now()
    // An epoch takes about half a second.
    const epochs = WARM_UP + Math.max(5, Math.ceil(3 * seconds))
    const schedule = { epochs, batchSize, patience: epochs, flatEpochs: epochs }
    yield* fit(nativeBackend, problem, schedule, random, (epoch) =>
      Effect.sync(() => {
        const now = performance.now()
        if (epoch > WARM_UP) times.push(now - last)
        last = now
      })
    )
    const what = `native, batch ${batchSize}`
    return summarise("training", what, { unit: `ms per epoch of ${SAMPLES}`, lowerIsBetter: true }, times)
  }).pipe(Effect.scoped)
)
