import { table } from "../../pipelines/cli/summaryText.ts"
import type { Profile } from "./profile.ts"

export const perSecond = (rate: number) => (rate < 100 ? rate.toFixed(2) : Math.round(rate).toLocaleString("en"))

const milliseconds = (microseconds: number) => `${(microseconds / 1000).toFixed(2)} ms`

/** Every kernel's time, what a batch waits for, and how near the device's own limits the network comes. */
export const describeProfile = ({ batch, precision, kernels, transfers, ceiling, patch }: Profile): string => {
  const total = kernels.reduce((sum, { microseconds }) => sum + microseconds, 0)
  const rows = kernels.map(({ name, microseconds, gigaflops, gigabytes }) => [
    name,
    microseconds.toFixed(1),
    `${((100 * microseconds) / total).toFixed(1)} %`,
    gigaflops === null ? "-" : gigaflops.toFixed(1),
    gigabytes.toFixed(1)
  ])
  const reached = (1e6 * batch) / total
  // Neither alone: what computes does not wait for memory meanwhile.
  const computing = (1e9 * ceiling.gigaflops) / patch.flops
  const moving = (1e9 * ceiling.gigabytes) / patch.bytes
  const both = 1 / (1 / computing + 1 / moving)
  const share = (limit: number) => `${((100 * reached) / limit).toFixed(0)} %`
  return [
    `Kernels alone in ${precision}, ${batch} patches: ${milliseconds(total)}, ${perSecond(reached)} patches/s`,
    table([["kernel", "µs", "share", "Gflop/s", "GB/s"], ...rows]),
    `A batch: ${milliseconds(transfers.upload)} up, ${milliseconds(total)} on the device, ${milliseconds(transfers.readBack)} back`,
    `A patch: ${(patch.flops / 1e6).toFixed(1)} Mflop, ${(patch.bytes / 1e6).toFixed(2)} MB through memory; together ` +
      `${((reached * patch.flops) / 1e12).toFixed(3)} Tflop/s and ${((reached * patch.bytes) / 1e9).toFixed(1)} GB/s`,
    `A bare loop on this device: ${(ceiling.gigaflops / 1000).toFixed(3)} Tflop/s and ${ceiling.gigabytes.toFixed(1)} GB/s, so at most ` +
      `${perSecond(computing)} patches/s by arithmetic (${share(computing)} of it reached), ${perSecond(moving)} by memory ` +
      `(${share(moving)}), ${perSecond(both)} by one after the other (${share(both)})`
  ].join("\n")
}
