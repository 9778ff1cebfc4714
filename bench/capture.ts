/**
 * Runs a program to its end, or kills it at its time: what it printed, what it complained of, how it ended, and the seconds of
 * processor time that it took.
 */
export const capture = async (
  command: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>> = {},
  milliseconds?: number
) => {
  const child = Bun.spawn([...command], {
    env: { ...process.env, ...environment },
    stdout: "pipe",
    stderr: "pipe",
    killSignal: "SIGKILL",
    ...(milliseconds === undefined ? {} : { timeout: milliseconds })
  })
  const [output, complaints] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  await child.exited
  const processor = Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1e6
  return { output, complaints: complaints.trim(), ended: child.exitCode ?? child.signalCode, processor }
}
