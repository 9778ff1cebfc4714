/** The mean of all channels. */
export const mix = (channels: ReadonlyArray<Float32Array>, positiveScale: number): Float32Array => {
  const mono = new Float32Array(channels[0]?.length ?? 0)
  const share = 1 / channels.length
  for (const channel of channels) {
    for (let i = 0; i < mono.length; i++) {
      const sample = channel[i]! * share
      mono[i] = mono[i]! + (sample > 0 ? sample * positiveScale : sample)
    }
  }
  return mono
}
