/** Samples at 48 kHz in one frame, by the configuration in a packet's first byte (RFC 6716, section 3.1). */
const frameLength = (configuration: number): number => {
  if (configuration < 12) return [480, 960, 1920, 2880][configuration % 4]!
  if (configuration < 16) return 480 * (1 + (configuration % 2))
  return 120 << (configuration % 4)
}

/** Samples per channel, at 48 kHz, that an Opus packet makes: at most 5,760, which is 120 ms. */
export const packetLength = (packet: Uint8Array): number => {
  if (packet.length === 0) return 0
  const code = packet[0]! & 3
  const frames = code === 0 ? 1 : code < 3 ? 2 : (packet[1] ?? 0) & 63
  return Math.min(5760, frames * frameLength(packet[0]! >> 3))
}
