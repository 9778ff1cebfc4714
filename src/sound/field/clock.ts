/** A time within a recording, from its start: "1:02:03.5", hours only where there are some. */
export const clockOf = (seconds: number): string => {
  const tenths = Math.round(10 * seconds)
  const [hours, minutes, rest] = [Math.floor(tenths / 36_000), Math.floor(tenths / 600) % 60, tenths % 600]
  const second = `${String(Math.floor(rest / 10)).padStart(2, "0")}${rest % 10 === 0 ? "" : `.${rest % 10}`}`
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${second}` : `${minutes}:${second}`
}
