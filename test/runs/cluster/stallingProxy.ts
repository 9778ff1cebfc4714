import { type AddressInfo, connect, createServer, type Socket } from "node:net"

/** Forwards TCP to a server, until it is told to let nothing through for a while, as a frozen server, or to refuse. */
export const startStallingProxy = async (to: URL) => {
  const open = new Set<Socket>()
  let stalled = false
  let away = false
  const server = createServer((client) => {
    if (away) return void client.destroy()
    const upstream = connect(Number(to.port), to.hostname)
    for (const socket of [client, upstream]) {
      open.add(socket)
      if (stalled) socket.pause()
      socket.on("close", () => open.delete(socket))
      socket.on("error", () => {
        client.destroy()
        upstream.destroy()
      })
    }
    client.on("data", (chunk) => upstream.write(chunk))
    upstream.on("data", (chunk) => client.write(chunk))
    client.on("close", () => upstream.destroy())
    upstream.on("close", () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const url = new URL(to)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    stall: () => {
      stalled = true
      for (const socket of open) socket.pause()
    },
    resume: () => {
      stalled = false
      for (const socket of open) socket.resume()
    },
    /** Breaks every connection there is. */
    cut: () => {
      for (const socket of open) socket.destroy()
    },
    /** The same, and no other comes about until it is back. */
    setAway: (value: boolean) => {
      away = value
      if (away) for (const socket of open) socket.destroy()
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy()
      server.close()
    }
  }
}
