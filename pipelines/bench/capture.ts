/** Runs a program to its end: what it printed, what it complained of, and how it ended (a code or a signal). */
export const capture = async (command: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}) => {
  const child = Bun.spawn([...command], { env: { ...process.env, ...environment }, stdout: "pipe", stderr: "pipe" })
  const [output, complaints] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  await child.exited
  return { output, complaints: complaints.trim(), ended: child.exitCode ?? child.signalCode }
}
