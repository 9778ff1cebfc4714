import type * as Tfjs from "@tensorflow/tfjs"
import { Effect } from "effect"
import type { Tensorflow } from "../../embedder/webgpu/tensorflow.ts"
import { type DenseNetwork, isTrained, renewalAt, type TensorSpec, tensorsOf, weightsFrom } from "../denseNetwork.ts"
import { ADAM } from "./adam.ts"
import { type Backend, type Pass, type Problem, type Trainer, TrainingError } from "./backend.ts"
import type { Examples } from "./task.ts"
import { forward, forwardPass, lossAndHits, type Variables } from "./tensorflowPass.ts"

type Tf = typeof Tfjs

/**
 * Trains with TensorFlow.js on a graphics card (or on whatever backend `tf` runs: `checkDevice` is then `Effect.void`).
 *
 * The steps are the native backend's, from the same draws, so that loss curves differ by rounding alone. Mini-batches are
 * gathered here and uploaded one by one: device memory does not grow with the data set.
 */
export const webgpuBackend = (device: Tensorflow): Backend => ({
  name: "webgpu",
  open: (problem) =>
    Effect.acquireRelease(Effect.try({ try: () => openTrainer(device, problem), catch: failed }), ({ close }) =>
      Effect.sync(close)
    )
})

// 4 MB of embeddings at once.
const VALIDATION_ROWS = 1024

const openTrainer = ({ tf, checkDevice }: Tensorflow, problem: Problem): Trainer & { readonly close: () => void } => {
  const { network, initial, validation } = problem
  const tensors = tensorsOf(network)
  const trained = tensors.filter(isTrained)
  const variables = (chosen: ReadonlyArray<TensorSpec>, value: (tensor: TensorSpec) => Tfjs.Tensor): Variables =>
    new Map(chosen.map((tensor) => [tensor.name, tf.tidy(() => tf.variable(value(tensor)))]))
  const weights = variables(tensors, ({ name, shape }) => tf.tensor(initial[name]!, [...shape]))
  const first = variables(trained, ({ shape }) => tf.zeros([...shape]))
  const second = variables(trained, ({ shape }) => tf.zeros([...shape]))
  const sums = tf.tidy(() => tf.variable(tf.zeros([2])))

  const step = (pass: Pass, batch: number) => {
    const [from, to] = [pass.borders[batch]!, pass.borders[batch + 1]!]
    const { embeddings, targets, importance } = uploadBatch(tf, problem, pass, from, to)
    const masks = uploadMasks(tf, network, pass, from, to)
    const number = pass.firstStep + batch
    // The gradients' scope disposes of all that is made in it, so that sums are assigned from within.
    const meanLoss = (): Tfjs.Scalar => {
      const logits = forwardPass(tf, network, weights, embeddings, masks, renewalAt(number))
      const { loss, hits } = lossAndHits(tf, logits, targets, importance)
      sums.assign(tf.add(sums, tf.stack([loss, hits])))
      return tf.add(tf.div(loss, to - from), decayOf(tf, network, weights))
    }
    const { grads } = tf.variableGrads(
      meanLoss,
      trained.map(({ name }) => weights.get(name)!)
    )
    const rate = (pass.learningRate * Math.sqrt(1 - ADAM.beta2 ** number)) / (1 - ADAM.beta1 ** number)
    for (const { name } of trained) {
      const [weight, m, v] = [weights.get(name)!, first.get(name)!, second.get(name)!]
      const gradient = grads[weight.name]!
      m.assign(tf.add(tf.mul(m, ADAM.beta1), tf.mul(gradient, 1 - ADAM.beta1)))
      v.assign(tf.add(tf.mul(v, ADAM.beta2), tf.mul(tf.square(gradient), 1 - ADAM.beta2)))
      weight.assign(tf.sub(weight, tf.mul(tf.div(m, tf.add(tf.sqrt(v), ADAM.epsilon)), rate)))
    }
  }

  // A device that fails does not say so to its caller: it goes on with zeros.
  const attempt = <A>(run: () => Promise<A>) =>
    Effect.tryPromise({ try: run, catch: failed }).pipe(
      Effect.tap(checkDevice.pipe(Effect.mapError(({ message }) => new TrainingError({ message })))),
      Effect.uninterruptible
    )

  const readSums = async () => {
    const [loss, hits] = await sums.data()
    return { loss: loss!, hits: hits! }
  }

  return {
    // Scores are read back once for a pass: each reading is a round trip to the device.
    run: (pass) =>
      attempt(() => {
        tf.tidy(() => sums.assign(tf.zeros([2])))
        for (let batch = 0; batch < pass.borders.length - 1; batch++) tf.tidy(() => step(pass, batch))
        return readSums()
      }),
    validate: attempt(() => {
      const rows = validation.labels.map((_, row) => row)
      tf.tidy(() => sums.assign(tf.zeros([2])))
      for (let from = 0; from < rows.length; from += VALIDATION_ROWS) {
        tf.tidy(() => {
          const part = rows.subarray(from, from + VALIDATION_ROWS)
          const { embeddings, targets } = upload(tf, network, validation, part)
          const { loss, hits } = lossAndHits(
            tf,
            forward(tf, network, weights, embeddings),
            targets,
            tf.ones([part.length])
          )
          sums.assign(tf.add(sums, tf.stack([loss, hits])))
        })
      }
      return readSums()
    }),
    weights: attempt(async () => {
      const values = new Map(
        await Promise.all([...weights].map(async ([name, variable]) => [name, await variable.data()] as const))
      )
      return weightsFrom(network, ({ name }) => Float32Array.from(values.get(name)!))
    }),
    close: () => tf.dispose([...weights.values(), ...first.values(), ...second.values(), sums])
  }
}

/** One mini-batch with its smoothed targets and what its losses weigh, mixed with other samples where there is mixup. */
const uploadBatch = (tf: Tf, { network, training, sampleWeights }: Problem, pass: Pass, from: number, to: number) => {
  const smoothed = network.labelSmoothing / network.units.at(-1)!
  const samplesOf = (rows: Uint32Array) => {
    const { embeddings, targets } = upload(tf, network, training, rows)
    return {
      embeddings,
      targets: tf.add(tf.mul(targets, 1 - network.labelSmoothing), smoothed) as Tfjs.Tensor2D,
      importance: tf.tensor1d(Float32Array.from(rows, (row) => sampleWeights[row]!))
    }
  }
  const own = samplesOf(pass.order.subarray(from, to))
  if (pass.mixed === undefined) return own
  const other = samplesOf(pass.mixed.partners.subarray(from, to))
  const share = tf.tensor1d(pass.mixed.shares.subarray(from, to))
  const mix = <T extends Tfjs.Tensor>(one: T, two: T): T =>
    tf.add(two, tf.mul(one.rank === 1 ? share : tf.expandDims(share, 1), tf.sub(one, two)))
  return {
    embeddings: mix(own.embeddings, other.embeddings),
    targets: mix(own.targets, other.targets),
    importance: mix(own.importance, other.importance)
  }
}

/** Some samples' embeddings [n, inputs] and one-hot classes [n, classes]. */
const upload = (tf: Tf, { units }: DenseNetwork, { embeddings, labels }: Examples, rows: Uint32Array | Int32Array) => {
  const [inputs, classes] = [units[0]!, units.at(-1)!]
  const gathered = new Float32Array(rows.length * inputs)
  const targets = new Float32Array(rows.length * classes)
  rows.forEach((row, at) => {
    gathered.set(embeddings.subarray(row * inputs, (row + 1) * inputs), at * inputs)
    targets[at * classes + labels[row]!] = 1
  })
  return {
    embeddings: tf.tensor2d(gathered, [rows.length, inputs]),
    targets: tf.tensor2d(targets, [rows.length, classes])
  }
}

/** What each hidden layer's activations are multiplied by: 0 for units dropped, and more than 1 to make up for them. */
const uploadMasks = (tf: Tf, { units, dropout }: DenseNetwork, { kept, order }: Pass, from: number, to: number) => {
  if (dropout.length === 0) return []
  const width = kept.length / order.length
  const all = tf.tensor2d(Float32Array.from(kept.subarray(from * width, to * width)), [to - from, width])
  return tf.split(all, units.slice(1, -1), 1).map((mask, layer) => tf.div(mask, 1 - dropout[layer]!))
}

const decayOf = (tf: Tf, { decay, dropout }: DenseNetwork, weights: Variables): Tfjs.Scalar => {
  let squares: Tfjs.Tensor = tf.scalar(0)
  if (decay === 0) return squares as Tfjs.Scalar
  for (let layer = 0; layer <= dropout.length; layer++) {
    squares = tf.add(squares, tf.sum(tf.square(weights.get(`kernel${layer}`)!)))
  }
  return tf.mul(squares, decay)
}

const failed = (cause: unknown) =>
  new TrainingError({
    message: `TensorFlow.js could not train: ${cause instanceof Error ? cause.message : String(cause)}`
  })
