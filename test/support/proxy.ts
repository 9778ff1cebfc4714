import type { AddressInfo } from "node:net"
import { connect, createServer, type Socket } from "node:net"

/** What goes wrong on a connection once `after` bytes of answers have passed: it breaks, ends early, or falls silent. */
export interface Break {
  readonly after: number
  readonly how: "reset" | "end" | "stall"
}

export interface BreakingProxy extends AsyncDisposable {
  readonly endpoint: string
  /** Consumed from the front, one per connection; connections after the last work. */
  readonly breaks: Array<Break>
  /** Connections accepted so far. */
  connections: number
  /** Sockets open now, on either side. */
  readonly openSockets: () => number
}

/** Forwards TCP to `endpoint` and breaks connections as told: what no HTTP server can do to itself. */
export const startBreakingProxy = async (endpoint: string): Promise<BreakingProxy> => {
  const { hostname, port } = new URL(endpoint)
  const open = new Set<Socket>()
  const server = createServer((client) => {
    proxy.connections++
    const fault = proxy.breaks.shift()
    const upstream = connect(Number(port), hostname)
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on("close", () => open.delete(socket))
      socket.on("error", () => {
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream)
    upstream.on("end", () => client.end())
    let passed = 0
    upstream.on("data", (chunk: Buffer) => {
      const left = fault === undefined ? chunk.length : Math.max(0, fault.after - passed)
      passed += chunk.length
      client.write(chunk.subarray(0, left))
      if (fault === undefined || passed < fault.after) return
      if (fault.how === "reset") client.resetAndDestroy()
      if (fault.how === "end") client.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const proxy: BreakingProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    breaks: [],
    connections: 0,
    openSockets: () => open.size,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy()
      server.close()
    }
  }
  return proxy
}
