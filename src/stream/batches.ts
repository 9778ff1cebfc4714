import { Effect, Stream } from "effect"
import type { Engine } from "../embedder/engine.ts"
import { rowSize } from "../embedder/frontEnd.ts"
import type { EmbeddedRecording } from "../embeddings/recording.ts"
import type { Sighting } from "../embeddings/sighting.ts"
import type { PreparedRecording } from "./prepare.ts"

/** A prepared recording, and where it was read. */
export interface Prepared extends PreparedRecording, Sighting {}

/** What is being summed up for one recording. */
interface Pending {
  readonly recording: Omit<EmbeddedRecording, "variants">
  readonly variants: ReadonlyArray<Omit<EmbeddedRecording["variants"][number], "vector">>
  /** For each variant, what its patches count for. */
  readonly weights: ReadonlyArray<Float64Array>
  readonly sums: ReadonlyArray<Float64Array>
  remaining: number
}

/** Consecutive patches of one variant inside a batch. */
interface Span {
  readonly pending: Pending
  readonly variant: number
  /** The place of the first one in the variant. */
  readonly first: number
  readonly patches: number
}

/** Patches of a batch, and floats of a patch and of what comes of it. */
interface Sizes {
  readonly batch: number
  readonly patch: number
  readonly vector: number
}

interface Batch {
  /** [patches * patchSize] */
  readonly patches: Float32Array
  readonly spans: ReadonlyArray<Span>
}

/**
 * Embeds prepared recordings in the engine's fixed batches, which cross the borders of clips and variants, and emits
 * each recording, in order, when its last variant's vector is known.
 *
 * Patches are summed, by their weights, in their own order in float64, so a vector does not depend on where the batches
 * were cut.
 */
export const embedInBatches = (engine: Engine["Service"]) => {
  const sizes: Sizes = { batch: engine.batch, patch: engine.frontEnd.patchSize, vector: rowSize(engine.frontEnd) }
  return <E, R>(recordings: Stream.Stream<Prepared, E, R>) => {
    // Those of batches that were embedded are filled again: memory that is new costs more than what is put there.
    const free: Array<Float32Array> = []
    const nextBuffer = () => free.pop() ?? new Float32Array(sizes.batch * sizes.patch)
    return recordings.pipe(
      Stream.mapAccum(
        (): Cut => ({ buffer: nextBuffer(), filled: 0, spans: [] }),
        (cut, recording) => cutBatches(cut, recording, sizes, nextBuffer),
        {
          onHalt: ({ buffer, filled, spans }): Array<Batch> =>
            filled === 0 ? [] : [{ patches: buffer.subarray(0, filled * sizes.patch), spans }]
        }
      ),
      Stream.mapEffect(
        ({ patches, spans }) =>
          Effect.map(engine.embed(patches), (vectors) => {
            if (patches.length === sizes.batch * sizes.patch) free.push(patches)
            return { vectors, spans }
          }),
        { concurrency: engine.atOnce }
      ),
      Stream.map(({ vectors, spans }) => gather(vectors, spans, sizes)),
      Stream.flattenIterable
    )
  }
}

interface Cut {
  readonly buffer: Float32Array
  readonly filled: number
  readonly spans: ReadonlyArray<Span>
}

const cutBatches = (
  cut: Cut,
  prepared: Prepared,
  sizes: Sizes,
  nextBuffer: () => Float32Array
): [Cut, Array<Batch>] => {
  const { batch: size, patch: patchSize } = sizes
  const pending = startPending(prepared, sizes)
  const full: Array<Batch> = []
  let { buffer, filled } = cut
  let spans = [...cut.spans]
  prepared.variants.forEach(({ patches }, variant) => {
    const total = patches.length / patchSize
    for (let at = 0; at < total; ) {
      const taken = Math.min(total - at, size - filled)
      buffer.set(patches.subarray(at * patchSize, (at + taken) * patchSize), filled * patchSize)
      spans.push({ pending, variant, first: at, patches: taken })
      at += taken
      filled += taken
      if (filled === size) {
        full.push({ patches: buffer, spans })
        buffer = nextBuffer()
        filled = 0
        spans = []
      }
    }
  })
  return [{ buffer, filled, spans }, full]
}

const startPending = ({ variants, ...recording }: Prepared, { patch, vector }: Sizes): Pending => ({
  recording,
  variants: variants.map(({ patches, weights: _, wav: __, ...variant }) => ({
    ...variant,
    patches: patches.length / patch
  })),
  weights: variants.map(({ weights }) => weights),
  sums: variants.map(() => new Float64Array(vector)),
  remaining: variants.reduce((sum, { patches }) => sum + patches.length / patch, 0)
})

const gather = (
  vectors: Float32Array,
  spans: ReadonlyArray<Span>,
  { vector: size }: Sizes
): Array<EmbeddedRecording> => {
  const finished: Array<EmbeddedRecording> = []
  let at = 0
  for (const { pending, variant, first, patches } of spans) {
    const sum = pending.sums[variant]!
    for (let patch = first; patch < first + patches; patch++, at++) {
      const weight = pending.weights[variant]![patch]!
      for (let i = 0; i < size; i++) sum[i]! += weight * vectors[at * size + i]!
    }
    pending.remaining -= patches
    if (pending.remaining === 0) finished.push(finishPending(pending))
  }
  return finished
}

const finishPending = ({ recording, variants, sums }: Pending): EmbeddedRecording => ({
  ...recording,
  variants: variants.map((variant, i) => ({ ...variant, vector: Float32Array.from(sums[i]!) }))
})
