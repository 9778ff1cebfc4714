const PARTS = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:\d{2})?$/

/** So many seconds after an instant in ISO 8601, to the millisecond, in the same time zone or in none as it is. */
export const instantAt = (instant: string, seconds: number): string => {
  const [, local, zone = ""] = PARTS.exec(instant) ?? []
  if (local === undefined) return instant
  return new Date(Date.parse(`${local}Z`) + Math.round(seconds * 1000)).toISOString().replace("Z", zone)
}
