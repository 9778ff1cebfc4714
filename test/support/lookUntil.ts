/**
 * Looks again and again until there is something; fails with what `why` says once that has taken so many milliseconds, were it
 * in a single look.
 */
export const lookUntil = async <A>(
  look: () => Promise<A | undefined> | A | undefined,
  patience: number,
  why: () => string
): Promise<A> => {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(why())), patience)
  try {
    for (;;) {
      const found = await Promise.race([look(), late])
      if (found !== undefined) return found
      await Bun.sleep(50)
    }
  } finally {
    clearTimeout(timer)
  }
}
