interface QueuedMessage {
  readonly body: string
  /** Milliseconds since 1970 from which it may be given out. */
  visibleAt: number
}

interface QueueRequest {
  readonly VisibilityTimeout?: number
  readonly Entries?: ReadonlyArray<{ Id: string; ReceiptHandle: string; VisibilityTimeout?: number }>
}

/** A server that speaks the part of SQS that the project uses, over real HTTP; unacknowledged messages come again. */
export const startQueueServer = () => {
  const messages = new Map<string, QueuedMessage>()
  const received: Array<string> = []
  const extended: Array<string> = []
  let sent = 0
  let down = false
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      if (down) return Response.json({ __type: "InternalFailure", message: "down" }, { status: 500 })
      const action = request.headers.get("x-amz-target")?.split(".")[1]
      const body = (await request.json()) as QueueRequest
      const headers = { "content-type": "application/x-amz-json-1.0" }
      if (action === "ReceiveMessage") {
        const now = Date.now()
        const visible = [...messages].filter(([, message]) => message.visibleAt <= now).slice(0, 10)
        for (const [, message] of visible) message.visibleAt = now + 1000 * (body.VisibilityTimeout ?? 30)
        received.push(...visible.map(([id]) => id))
        if (visible.length === 0) await Bun.sleep(20)
        const Messages = visible.map(([id, message]) => ({
          MessageId: id,
          ReceiptHandle: id,
          Body: message.body,
          MD5OfBody: new Bun.CryptoHasher("md5").update(message.body).digest("hex")
        }))
        return Response.json({ Messages }, { headers })
      }
      const entries = body.Entries ?? []
      for (const { ReceiptHandle: id, VisibilityTimeout } of entries) {
        if (VisibilityTimeout === undefined) {
          messages.delete(id)
          continue
        }
        extended.push(id)
        const message = messages.get(id)
        if (message !== undefined) message.visibleAt = Date.now() + 1000 * VisibilityTimeout
      }
      return Response.json({ Successful: entries.map(({ Id }) => ({ Id })), Failed: [] }, { headers })
    }
  })
  return {
    url: `http://127.0.0.1:${server.port}/123456789012/recordings`,
    messages,
    send: (body: string, id = `message-${sent++}`) => void messages.set(id, { body, visibleAt: 0 }),
    /** How often the message was given out. */
    receipts: (id: string) => received.filter((other) => other === id).length,
    /** How often somebody asked to keep it for longer. */
    extensions: (id: string) => extended.filter((other) => other === id).length,
    setDown: (value: boolean) => {
      down = value
    },
    [Symbol.dispose]: () => void server.stop(true)
  }
}

/** What S3 sends when an object was created. */
export const notification = (bucket: string, key: string, eventName = "ObjectCreated:Put"): string =>
  JSON.stringify({
    Records: [
      {
        eventVersion: "2.1",
        eventSource: "aws:s3",
        eventName,
        s3: { bucket: { name: bucket }, object: { key: encodeURIComponent(key).replaceAll("%20", "+"), size: 1 } }
      }
    ]
  })
