/** What there is to train on, and what is new of it. */
export interface News {
  /** Recordings that the last training did not hear. */
  readonly fresh: number
  /** Classes that have a recording. */
  readonly classes: number
}

/**
 * Whether a training begins by itself: enough is new, there are classes to tell apart, and more has come since the last
 * attempt that failed (`failedAt` new recordings), because the same again would fail again.
 */
export const isDue = ({ fresh, classes }: News, minNewSamples: number, failedAt: number): boolean =>
  classes >= 2 && fresh >= minNewSamples && fresh > failedAt
