import { UMAP } from "umap-js"
import { seededRandom } from "../sound/random.ts"

declare const self: Worker

/** Rows' nearest neighbours, each row itself the first of its own, and how far they are. */
export interface Neighbourhoods {
  readonly indices: Array<Array<number>>
  readonly distances: Array<Array<number>>
}

self.onmessage = ({ data: { indices, distances } }: MessageEvent<Neighbourhoods>) => {
  const umap = new UMAP({
    nNeighbors: indices[0]!.length,
    random: seededRandom(0),
    // Fewer than its own default for so many, because a run waits for it.
    nEpochs: indices.length > 1000 ? 200 : 500
  })
  umap.setPrecomputedKNN(indices, distances)
  // With neighbours given, it reads how many rows there are, not what they hold.
  self.postMessage(umap.fit(indices.map(() => [0])))
}

self.postMessage("ready")
