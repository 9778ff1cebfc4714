import type { Asked, Told } from "../../src/service/child.ts"

// A process for tests of the supervision: answers with twice the number, dies at a negative one, and hangs at a fraction.
const tell = (message: Told<number>) => process.send!(message)
process.on("message", ({ id, request }: Asked<number>) => {
  if (request < 0) process.kill(process.pid, "SIGKILL")
  if (Number.isInteger(request)) tell({ id, reply: 2 * request })
})
process.on("disconnect", () => process.exit(0))
tell("ready")
