/** How the field is imitated unless something else is asked for. */
export const FIELD = {
  /** For each fold or part of an evaluation. */
  minutes: 60,
  /** Events in an hour, of all classes together. */
  perHour: 60,
  /** In dB. */
  snr: [-3, 15],
  /** Of an event at most. */
  eventSeconds: 2.5
} as const
