import { DeleteMessageBatchCommand, type Message, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs"
import { FetchHttpHandler } from "@smithy/fetch-http-handler"
import { Clock, Duration, Effect, Option, Schema } from "effect"
import type { Settings } from "../../config/settings.ts"
import { clientCredentials } from "../../store/credentials.ts"
import { isRecording } from "../../store/keys.ts"
import { Store } from "../../store/store.ts"
import { type Findings, type Pace, QueueError, type Source, wholeListing } from "./source.ts"

/** SQS's own limits: a batch of messages, and seconds to wait for one. */
const BATCH = 10
const LONGEST_WAIT = 20

const S3Event = Schema.fromJsonString(
  Schema.Struct({
    Records: Schema.Array(
      Schema.Struct({
        s3: Schema.Struct({
          bucket: Schema.Struct({ name: Schema.String }),
          object: Schema.Struct({ key: Schema.String })
        })
      })
    )
  })
)
/** What SNS wraps around a message. */
const Envelope = Schema.fromJsonString(Schema.Struct({ Message: Schema.String }))

/** The keys that a notification is about, in this bucket; none for one that is about anything else. */
export const keysOf = (body: string, bucket: string): ReadonlyArray<string> => {
  const inner = Schema.decodeUnknownOption(Envelope)(body)
  const event = Schema.decodeUnknownOption(S3Event)(
    Option.match(inner, { onNone: () => body, onSome: ({ Message }) => Message })
  )
  return Option.match(event, {
    onNone: () => [],
    onSome: ({ Records }) =>
      Records.filter(({ s3 }) => s3.bucket.name === bucket).flatMap(({ s3 }) =>
        Option.toArray(decodeKey(s3.object.key.replaceAll("+", " ")))
      )
  })
}

// Anybody who may send to the queue may send a key that is not encoded as S3's are.
const decodeKey = Option.liftThrowable(decodeURIComponent)

/**
 * A bucket that notifies an SQS queue. Messages are deleted once what they announce is stored; those of a process that
 * died come again, and so may any: what is stored already is not embedded twice. A message only says where to look: the
 * store says what is there. Now and then the whole bucket is listed, for what no message told of.
 */
export const queueSource = (
  url: string,
  settings: Pick<Settings["Service"], "region" | "credentials">,
  { interval, reconcile }: Pace
): Source => {
  const client = makeClient(url, settings)
  const explain = (thrown: unknown) =>
    new QueueError({ message: `${url} does not answer: ${thrown instanceof Error ? thrown.message : String(thrown)}` })
  let listedAt: number | undefined

  const receive = Effect.tryPromise({
    try: (abortSignal) =>
      client.send(
        new ReceiveMessageCommand({
          QueueUrl: url,
          MaxNumberOfMessages: BATCH,
          WaitTimeSeconds: Math.min(LONGEST_WAIT, Math.ceil(Duration.toSeconds(interval)))
        }),
        { abortSignal }
      ),
    catch: explain
  })

  const remove = (messages: ReadonlyArray<Message>) =>
    messages.length === 0
      ? Effect.void
      : Effect.tryPromise({
          try: (abortSignal) =>
            client.send(
              new DeleteMessageBatchCommand({
                QueueUrl: url,
                Entries: messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }))
              }),
              { abortSignal }
            ),
          catch: explain
        })

  const look = Effect.gen(function* () {
    const store = yield* Store
    const [, bucket = "", prefix = ""] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(store.location) ?? []
    const folder = prefix === "" ? "" : `${prefix}/`
    const { Messages: messages = [] } = yield* receive
    const keys = messages
      .flatMap(({ Body = "" }) => keysOf(Body, bucket))
      .filter((key) => key.startsWith(folder))
      .map((key) => key.slice(folder.length))
      .filter((key) => isRecording({ key }))
    const found = yield* Effect.forEach([...new Set(keys)], (key) =>
      Effect.map(store.find(key), (object) => ({ key, object }))
    )
    return {
      objects: found.flatMap(({ object }) => Option.toArray(object)),
      whole: false,
      gone: found.filter(({ object }) => Option.isNone(object)).map(({ key }) => key),
      acknowledge: Effect.asVoid(remove(messages))
    } satisfies Findings
  })

  return {
    next: Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (listedAt !== undefined && now - listedAt < Duration.toMillis(reconcile)) return yield* look
      const found = yield* wholeListing
      listedAt = now
      return found
    })
  }
}

const makeClient = (url: string, { region, credentials }: Pick<Settings["Service"], "region" | "credentials">) =>
  new SQSClient({
    endpoint: new URL(url).origin,
    // A queue's address names its region, which need not be the bucket's setting.
    region: /^https?:\/\/sqs\.([a-z0-9-]+)\./.exec(url)?.[1] ?? Option.getOrElse(region, () => "us-east-1"),
    ...clientCredentials(credentials),
    requestHandler: new FetchHttpHandler({ keepAlive: true })
  })
