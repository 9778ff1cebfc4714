/**
 * Raised whenever recordings that were refused may be read, so that those which are known to be unusable are tried again.
 */
export const DECODER_VERSION = 1
