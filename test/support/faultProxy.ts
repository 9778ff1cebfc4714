import type { AddressInfo } from "node:net"
import { createServer, type Socket } from "node:net"

/** A request, as far as faults are chosen by it. */
export interface Passing {
  readonly method: string
  /** Path and query. */
  readonly path: string
}

/** What goes wrong with a request or its answer. */
export type FaultKind =
  /** A bit of the answer's body, or of the request's, is another. */
  | "flip"
  | "flip the upload"
  /** Half of the body comes: then the connection ends, or as if that were all of it. */
  | "cut"
  | "short"
  /** The connection is reset before the request is passed on, or after it was carried out. */
  | "reset"
  | "lost answer"
  | "503"
  | "broken error"
  | "broken XML"
  /** No answer comes. */
  | "stall"
  /** The body comes in small pieces. */
  | "slow"
  /** A listing has everything twice, or a key that is gone, and yesterday's ETags. */
  | "doubled listing"
  | "stale listing"
  /** No ETag anywhere. */
  | "no ETag"
  | "skewed clock"
  /** Conditions do not reach the server, which writes regardless. */
  | "no conditions"

/** Which requests a kind of fault strikes, and how many of them at most. */
export interface Fault {
  readonly kind: FaultKind
  readonly strikes: (request: Passing) => boolean
  times?: number
}

export interface FaultProxy extends AsyncDisposable {
  readonly endpoint: string
  faults: Array<Fault>
  /** Requests that were struck so far. */
  struck: number
}

interface Answer {
  readonly status: number
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: Buffer
}

/** Passes HTTP on to `endpoint`, and breaks it as told. */
export const startFaultProxy = async (endpoint: string): Promise<FaultProxy> => {
  const open = new Set<Socket>()
  const server = createServer((client) => {
    open.add(client)
    client.on("close", () => open.delete(client))
    client.on("error", () => client.destroy())
    let received = Buffer.alloc(0)
    let busy: Promise<void> = Promise.resolve()
    client.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      for (let request = parse(received); request !== undefined; request = parse(received)) {
        const { length, ...whole } = request
        received = received.subarray(length)
        busy = busy.then(() => serve(client, whole)).catch(() => void client.destroy())
      }
    })
  })

  const serve = async (client: Socket, { method, path, headers, body }: Omit<Request, "length">) => {
    const fault = proxy.faults.find(({ strikes, times = 1 }) => times > 0 && strikes({ method, path }))
    if (fault?.times !== undefined) fault.times--
    if (fault !== undefined) proxy.struck++
    const kind = fault?.kind
    if (kind === "stall") return
    if (kind === "reset") return void client.resetAndDestroy()
    const own = kind === undefined ? undefined : OWN_ANSWERS[kind]
    if (own !== undefined) return send(client, method, own)
    if (kind === "flip the upload" && body.length > 0) body[body.length >> 1]! ^= 1
    const passed = headers.filter(([name]) => kind !== "no conditions" || !/^if-(none-)?match$/i.test(name))
    const response = await fetch(endpoint + path, {
      method,
      headers: passed.map(([name, value]): [string, string] => [name, value]),
      ...(method === "PUT" ? { body: new Uint8Array(body) } : {})
    })
    if (kind === "lost answer") return void client.resetAndDestroy()
    const answer: Answer = {
      status: response.status,
      headers: [...response.headers].filter(([name]) => method === "HEAD" || name !== "content-length"),
      body: Buffer.from(await response.arrayBuffer())
    }
    if (kind === "cut" && answer.body.length > 1) {
      client.write(headOf(method, answer))
      return void client.end(answer.body.subarray(0, answer.body.length >> 1))
    }
    if (kind === "slow") {
      client.write(headOf(method, answer))
      for (let at = 0; at < answer.body.length; at += 4000) {
        client.write(answer.body.subarray(at, at + 4000))
        await Bun.sleep(2)
      }
      return
    }
    send(client, method, kind === undefined ? answer : change(kind, answer))
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults: [],
    struck: 0,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy()
      server.close()
    }
  }
  return proxy
}

interface Request extends Passing {
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: Buffer
  /** Bytes of all of it. */
  readonly length: number
}

const parse = (received: Buffer): Request | undefined => {
  const end = received.indexOf("\r\n\r\n")
  if (end < 0) return undefined
  const [first = "", ...lines] = received.subarray(0, end).toString("latin1").split("\r\n")
  const [method = "", path = ""] = first.split(" ")
  const headers = lines.map(
    (line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()] as const
  )
  const size = Number(headers.find(([name]) => name.toLowerCase() === "content-length")?.[1] ?? 0)
  const length = end + 4 + size
  if (received.length < length) return undefined
  return { method, path, headers, body: Buffer.from(received.subarray(end + 4, length)), length }
}

const headOf = (method: string, { status, headers, body }: Answer): string =>
  [
    `HTTP/1.1 ${status} X`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(method === "HEAD" || status === 204 ? [] : [`content-length: ${body.length}`]),
    "",
    ""
  ].join("\r\n")

const send = (client: Socket, method: string, answer: Answer): void => {
  client.write(
    Buffer.concat([Buffer.from(headOf(method, answer), "latin1"), method === "HEAD" ? Buffer.alloc(0) : answer.body])
  )
}

const refusal = (status: number, code: string): Answer => ({
  status,
  headers: [
    ["content-type", "application/xml"],
    ["date", new Date().toUTCString()]
  ],
  body: Buffer.from(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`)
})

/** The kinds in which the server is not asked. */
const OWN_ANSWERS: { readonly [kind in FaultKind]?: Answer } = {
  "503": refusal(503, "SlowDown"),
  "skewed clock": refusal(403, "RequestTimeTooSkewed"),
  "broken error": { ...refusal(400, ""), body: Buffer.from("<Error><Code>Slow") }
}

const change = (kind: FaultKind, answer: Answer): Answer => {
  const { headers, body } = answer
  const inText = (edit: (text: string) => string): Answer => ({ ...answer, body: Buffer.from(edit(body.toString())) })
  switch (kind) {
    case "flip": {
      const flipped = Buffer.from(body)
      if (flipped.length > 0) flipped[Math.floor(Math.random() * flipped.length)]! ^= 1 << Math.floor(Math.random() * 8)
      return { ...answer, body: flipped }
    }
    case "short":
    case "broken XML":
      return { ...answer, body: body.subarray(0, body.length >> 1) }
    case "doubled listing":
      return inText((text) => text.replace(/<Contents>.*?<\/Contents>/gs, "$&$&"))
    case "stale listing":
      return inText((text) =>
        text
          .replace(/<ETag>.*?<\/ETag>/g, `<ETag>"${"b".repeat(32)}"</ETag>`)
          .replace("<Contents>", `<Contents><Key>extracted_audio/dog_bark/gone.wav</Key><Size>9</Size></Contents>$&`)
      )
    case "no ETag": {
      const bare = inText((text) => text.replace(/<ETag>.*?<\/ETag>/g, ""))
      const isText = headers.some(([name, value]) => name === "content-type" && value.includes("xml"))
      return { ...(isText ? bare : answer), headers: headers.filter(([name]) => name !== "etag") }
    }
    default:
      return answer
  }
}
