import { Server, Socket } from "node:net"

// Preloaded into a worker: what can befall its machine.

/** Its clock is off by CLOCK_SKEW milliseconds, for whatever asks for the time. */
const skew = Number(process.env.CLOCK_SKEW ?? 0)
const TrueDate = Date
class SkewedDate extends TrueDate {
  constructor(...at: ReadonlyArray<unknown>) {
    if (at.length === 0) super(TrueDate.now() + skew)
    else super(...(at as [number]))
  }
  static override now(): number {
    return TrueDate.now() + skew
  }
}
globalThis.Date = SkewedDate as DateConstructor

/** From SIGUSR1 to SIGUSR2, no other worker reaches it, nor it any; the database it does. */
let isCutOff = false
const database = new URL(process.argv[2] ?? "").port
const open = new Set<Socket>()
const follow = (socket: Socket) => {
  open.add(socket)
  socket.on("close", () => open.delete(socket))
  if (isCutOff) socket.destroy()
}
const { emit } = Server.prototype
Server.prototype.emit = function (this: Server, event: string | symbol, ...args: Array<never>) {
  const [subject] = args as ReadonlyArray<unknown>
  if (event === "connection" && subject instanceof Socket) follow(subject)
  return emit.call(this, event, ...args)
} as typeof emit
const { connect } = Socket.prototype
Socket.prototype.connect = function (this: Socket, ...args: [never]) {
  const [target] = args.flat() as Array<{ readonly port?: number | string } | number>
  const port = typeof target === "object" ? target.port : target
  if (String(port) !== database) follow(this)
  return connect.apply(this, args)
} as typeof connect
process.on("SIGUSR1", () => {
  isCutOff = true
  console.error(`cut off from ${open.size}`)
  for (const socket of open) socket.destroy()
})
process.on("SIGUSR2", () => {
  isCutOff = false
})
