import type { Variant } from "./variant.ts"

/** Changes speed without pitch: at a rate of 1.1 a clip is faster by a tenth, and so much shorter. */
export const timeStretch = (rate: number): Variant<{ readonly rate: number }> => ({
  draw: () => ({ rate }),
  stretchRate: (parameters) => parameters.rate,
  apply: (stretched) => stretched
})

export const TIME_STRETCHES = {
  time_stretch_fast: timeStretch(1.1),
  time_stretch_slow: timeStretch(0.9)
}
