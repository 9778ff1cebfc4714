/** The SHA-256 of bytes, or of a text's UTF-8, in 64 hex digits: what names and compares contents here. */
export const sha256 = (content: Uint8Array | string): string =>
  new Bun.CryptoHasher("sha256").update(content).digest("hex")
