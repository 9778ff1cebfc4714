/** Runs a program to its end, or kills it at its time: what it printed, what it complained of, and how it ended. */
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
  return { output, complaints: complaints.trim(), ended: child.exitCode ?? child.signalCode }
}
