// What a run over a large corpus would take, from rates that were measured: arithmetic, no scheduler.

/** What a plan assumes; rates as measured, prices as published. */
export interface Assumptions {
  readonly variants: number
  /** Seconds and bytes of one recording. */
  readonly seconds: number
  readonly bytes: number
  /** YAMNet patches in one variant. */
  readonly patches: number
  /** Patches a second through the engine of one worker. */
  readonly engineRate: number
  /** Processor seconds to decode, augment and compute the log-mel patches of one recording with its variants. */
  readonly prepareSeconds: number
  readonly cores: number
  /** Whether the engine computes on the same cores. */
  readonly sharesCores: boolean
  /** Milliseconds of a worker that a shard costs beside its work. */
  readonly shardOverhead: number
  /** Shards that the coordinator and the database hand out in a second. */
  readonly dispatchRate: number
  /** Keys that the bucket lists in a second; it is listed three times. */
  readonly listRate: number
  /** Bytes a second between a worker and the bucket. */
  readonly network: number
  /** GETs and PUTs a second that the bucket answers, for the prefix of one class. */
  readonly getRate: number
  readonly putRate: number
  readonly audit: boolean
  readonly classes: number
  /** Recordings a second, with all variants, that training goes through in an epoch, and the epochs. */
  readonly trainRate: number
  readonly epochs: number
  /** Dollars for a worker's hour, for 1,000 PUTs and LISTs, and for 1,000 GETs. */
  readonly workerHour: number
  readonly putPrice: number
  readonly getPrice: number
}

export interface Estimate {
  readonly workers: number
  readonly shards: number
  /** Seconds of each stage. */
  readonly list: number
  readonly embed: number
  readonly finish: number
  readonly gets: number
  readonly puts: number
  readonly lists: number
  readonly dollars: number
  /** What embedding waits for, and how busy everything is meanwhile, 0 to 1. */
  readonly saturated: Resource
  readonly load: Readonly<Record<Resource, number>>
}

export type Resource = "engine" | "cores" | "network" | "S3 reads" | "S3 writes" | "coordinator"

const KEYS_PER_LIST = 1000
const VECTOR_BYTES = 4096

/** A run over `recordings`, none of which is embedded yet, on so many equal workers. */
export const estimate = (recordings: number, workers: number, shardRecordings: number, a: Assumptions): Estimate => {
  const shards = Math.ceil(recordings / shardRecordings)
  const copies = a.audit ? a.variants : 0
  const engineSeconds = (a.variants * a.patches) / a.engineRate
  // Seconds in which one recording occupies the resource, were it alone to work.
  const occupied: Record<Resource, number> = {
    engine: engineSeconds / workers,
    cores: (a.prepareSeconds + (a.sharesCores ? engineSeconds * a.cores : 0)) / a.cores / workers,
    network: (a.bytes + copies * a.seconds * 32_000 + a.variants * VECTOR_BYTES) / a.network / workers,
    "S3 reads": 1 / (a.getRate * a.classes),
    "S3 writes": copies / (a.putRate * a.classes),
    coordinator: 1 / shardRecordings / a.dispatchRate
  }
  const [saturated, slowest] = Object.entries(occupied).reduce((most, each) => (each[1] > most[1] ? each : most)) as [
    Resource,
    number
  ]
  const waves = Math.ceil(shards / workers) / (shards / workers)
  const embed = recordings * slowest * waves + (shards * a.shardOverhead) / 1000 / workers
  const list = (3 * recordings) / a.listRate
  const finish = (recordings / a.trainRate) * a.epochs
  // A part, a manifest and the shard itself are written once a shard; the last two are read twice and removed.
  const puts = recordings * copies + 3 * shards
  const gets = recordings + 2 * shards + shards
  const lists = Math.ceil((3 * recordings) / KEYS_PER_LIST)
  const load = Object.fromEntries(
    Object.entries(occupied).map(([name, each]) => [name, Math.min(1, (recordings * each) / embed)])
  ) as Record<Resource, number>
  const hours = (workers * (list + embed) + finish) / 3600
  const dollars = hours * a.workerHour + ((puts + lists) * a.putPrice + gets * a.getPrice) / 1000
  return { workers, shards, list, embed, finish, gets, puts, lists, dollars, saturated, load }
}
