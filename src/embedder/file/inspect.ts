import { Effect } from "effect"
import type { InferenceSession } from "onnxruntime-common"
import { loadOnnxruntime } from "../onnx/runtime.ts"
import { openSession } from "../onnx/session.ts"
import { type Description, EmbedderError, samplesOf } from "./description.ts"

/** How a model takes windows. */
export interface Inputs {
  /** The extents of one window: [samples], or [1, samples]. */
  readonly patchShape: ReadonlyArray<number>
  /** Windows that each run takes; undefined where it takes any number. */
  readonly batch: number | undefined
}

/**
 * Opens a model and finds how it takes windows; fails where it is no ONNX file, or is not what `embedder.json` says: of
 * another shape, without one of the outputs, with another size, or with vectors that are not of the sound of one window.
 */
export const inspectModel = Effect.fn("inspectModel")(
  function* (file: string, description: Description, bytes: Uint8Array) {
    const fail = (why: string) => new EmbedderError({ message: `${file} ${why}.` })
    const session = yield* openSession(bytes, 1, (cause) => fail(reasonOf(cause)))
    const { window } = samplesOf(description)
    const inputs = session.inputMetadata
    const [input] = inputs
    if (inputs.length !== 1 || input === undefined || !input.isTensor) {
      return yield* fail(`takes ${inputs.length} inputs (${namesOf(inputs)}), but an embedder takes one, a waveform`)
    }
    if (input.type !== "float32") return yield* fail(`takes ${input.type}, but an embedder takes float32 samples`)
    const shape = input.shape
    const isWaveform = shape.length === 2 || (shape.length === 3 && (shape[1] === 1 || typeof shape[1] === "string"))
    if (!isWaveform) {
      return yield* fail(
        `takes ${shown(shape)}, but an embedder takes a waveform, [batch, samples] or [batch, 1, samples]`
      )
    }
    const samples = shape.at(-1)!
    if (typeof samples === "number" && samples > 0 && samples !== window) {
      return yield* fail(
        `takes windows of ${samples} samples, but embedder.json says ${description.window} s at ${description.sample_rate} Hz, ` +
          `which are ${window}`
      )
    }
    const outputs = new Map(session.outputMetadata.map((output) => [output.name, output]))
    for (const name of Object.keys(description.outputs)) {
      const output = outputs.get(name)
      if (output === undefined) {
        return yield* fail(`has no output "${name}", which embedder.json names, but ${namesOf([...outputs.values()])}`)
      }
      if (!output.isTensor || output.type !== "float32") return yield* fail(`does not give "${name}" as float32`)
    }
    const [first] = shape
    const found: Inputs = {
      patchShape: shape.length === 2 ? [window] : [1, window],
      batch: typeof first === "number" && first > 0 ? first : undefined
    }
    yield* tryOut(session, input.name, found, description, fail)
    return found
  },
  (effect) => Effect.scoped(effect)
)

/** Windows that are tried: the first and the last are the same. */
const TRIED = ["noise", "tone", "noise"] as const

/** Rows of the same window must be the same wherever it lies in a batch, and those of two sounds differ. */
const tryOut = Effect.fnUntraced(function* (
  session: InferenceSession,
  input: string,
  { patchShape, batch = TRIED.length }: Inputs,
  { outputs, ...times }: Description,
  fail: (why: string) => EmbedderError
) {
  const { window } = samplesOf(times)
  const sounds = { noise: noise(window), tone: tone(window) }
  const { Tensor } = yield* Effect.promise(loadOnnxruntime)
  const rows: Array<Map<string, Float32Array>> = []
  while (rows.length < TRIED.length) {
    const values = new Float32Array(batch * window)
    const own = TRIED.slice(rows.length, rows.length + batch)
    for (const [at, name] of own.entries()) values.set(sounds[name], at * window)
    const given = yield* Effect.tryPromise({
      try: () => session.run({ [input]: new Tensor("float32", values, [batch, ...patchShape]) }),
      catch: (cause) => fail(`cannot be run on ${batch} windows of ${window} samples (${reasonOf(cause)})`)
    })
    for (const [name, size] of Object.entries(outputs)) {
      const { data } = given[name]!
      if (data.length !== batch * size) {
        return yield* fail(`gives ${data.length / batch} floats a window as "${name}", but embedder.json says ${size}`)
      }
    }
    for (const at of own.keys()) {
      rows.push(
        new Map(
          Object.entries(outputs).map(([name, size]) => [
            name,
            (given[name]!.data as Float32Array).slice(at * size, (at + 1) * size)
          ])
        )
      )
    }
  }
  for (const name of Object.keys(outputs)) {
    const [one, other, again] = rows.map((row) => row.get(name)!)
    if (![...one!, ...other!].every(Number.isFinite)) return yield* fail(`gives "${name}" that are not numbers`)
    const scale = Math.max(...one!.map(Math.abs), ...other!.map(Math.abs))
    if (distance(one!, again!) > 1e-3 * scale) {
      return yield* fail(`gives one sound different vectors, "${name}", by where in a batch it lies`)
    }
    if (distance(one!, other!) <= 1e-6 * scale) return yield* fail(`gives noise and a tone the same vector, "${name}"`)
  }
})

const distance = (one: Float32Array, other: Float32Array): number =>
  one.reduce((most, value, at) => Math.max(most, Math.abs(value - other[at]!)), 0)

const noise = (samples: number): Float32Array => {
  let state = 1
  return Float32Array.from({ length: samples }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return 0.5 * (state / 2 ** 31 - 1)
  })
}

const tone = (samples: number): Float32Array => Float32Array.from({ length: samples }, (_, i) => 0.5 * Math.sin(i / 5))

const namesOf = (values: ReadonlyArray<{ readonly name: string }>): string =>
  values.length === 0 ? "none" : values.map(({ name }) => `"${name}"`).join(", ")

const shown = (shape: ReadonlyArray<number | string>): string => `[${shape.join(", ")}]`

/** What onnxruntime says, in our words where its own tell nobody anything. */
const reasonOf = (cause: unknown): string => {
  const said = String(cause instanceof Error ? cause.message : cause).split("\n", 1)[0]!
  if (/protobuf|No graph was found/i.test(said)) return "is no ONNX file"
  if (/external|model_path/i.test(said)) return EXTERNAL
  return `cannot be opened by onnxruntime: ${said.replace(/\.$/, "")}`
}

const EXTERNAL =
  "keeps its weights in another file: save it as one (onnx.save_model with save_as_external_data=False), for its SHA-256 must cover all of it"
