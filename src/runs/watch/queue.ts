import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient
} from "@aws-sdk/client-sqs"
import { FetchHttpHandler } from "@smithy/fetch-http-handler"
import { Array as Arr, Clock, Duration, Effect, Option, Schedule } from "effect"
import type { Settings } from "../../config/settings.ts"
import { runningRun } from "../../registry/lease.ts"
import { clientCredentials } from "../../store/credentials.ts"
import { isRecording } from "../../store/keys.ts"
import { Store } from "../../store/store.ts"
import { trustingFetch } from "../../store/trustingFetch.ts"
import { readNotification } from "./notification.ts"
import { type Findings, nobodyWaits, type Pace, QueueError, type Source, wholeListing } from "./source.ts"

/** SQS's own limits: a batch of messages, and seconds to wait for one. */
const BATCH = 10
const LONGEST_WAIT = 20

/** How a queue is reached. */
type QueueSettings = Pick<Settings["Service"], "region" | "credentials" | "caBundle">

/** A message in a batch. */
type Entry = { readonly Id: string; readonly ReceiptHandle: string }

/** A message that is received and not yet deleted. */
interface Held {
  readonly receipt: string
  /** The recordings that it tells of. */
  readonly keys: ReadonlyArray<string>
}

/**
 * A bucket that notifies an SQS queue. A message only says where to look: the store says what is there. It is deleted
 * once what it tells of is stored, and kept from others until then; one that is not understood, in whole or in part, is
 * left in the queue, for its redrive policy. While a run is under way nothing is received, for it could not be taken.
 *
 * Messages of a process that died come again, and so may any: what is stored already is not embedded twice. Now and
 * then the whole bucket is listed, for what no message told of.
 */
export const queueSource = Effect.fn("queueSource")(function* (
  url: string,
  settings: QueueSettings,
  { interval, reconcile, hold }: Pace
) {
  const client = makeClient(url, settings)
  const explain = explainFor(url)
  const holdSeconds = Duration.toSeconds(hold)
  const held = new Map<string, Held>()
  /** Told of, and not yet looked at. */
  const toLookAt = new Set<string>()
  /** Messages that were left, and said to be: they come again and again. */
  const left = new Set<string>()
  let listedAt: number | undefined

  const receive = Effect.tryPromise({
    try: (abortSignal) =>
      client.send(
        new ReceiveMessageCommand({
          QueueUrl: url,
          MaxNumberOfMessages: BATCH,
          VisibilityTimeout: holdSeconds,
          WaitTimeSeconds: Math.min(LONGEST_WAIT, Math.ceil(Duration.toSeconds(interval)))
        }),
        { abortSignal }
      ),
    catch: explain
  })

  const leave = Effect.fnUntraced(function* (id: string, why: string) {
    held.delete(id)
    left.add(id)
    yield* Effect.logWarning(`Message ${id} of ${url} is left in the queue${why}`)
  })

  const take = Effect.fnUntraced(function* ({ MessageId = "", ReceiptHandle = "", Body = "" }: Message) {
    if (left.has(MessageId)) return
    const { location } = yield* Store
    const [, bucket = "", prefix = ""] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(location) ?? []
    const folder = prefix === "" ? "" : `${prefix}/`
    const { keys: everywhere, unclear } = readNotification(Body, bucket)
    const keys = everywhere
      .filter((key) => key.startsWith(folder))
      .map((key) => key.slice(folder.length))
      .filter((key) => isRecording({ key }))
    for (const key of keys) toLookAt.add(key)
    if (unclear.length === 0) return void held.set(MessageId, { receipt: ReceiptHandle, keys })
    yield* leave(MessageId, `, for it is not understood: ${unclear.join(", ")}.`)
  })

  /** What the store has at a key; nothing where it will never tell, which is no reason for the others to wait. */
  const find = Effect.fnUntraced(function* (key: string) {
    const store = yield* Store
    return yield* store.find(key).pipe(
      Effect.map((object) => [{ key, object }]),
      Effect.catchIf(
        (error) => error.key !== "" && (error.reason === "invalid" || error.reason === "denied"),
        ({ message }) => {
          const tellers = [...held].filter(([, { keys }]) => keys.includes(key))
          return Effect.as(
            Effect.forEach(tellers, ([id]) => leave(id, `: ${message}`)),
            []
          )
        }
      )
    )
  })

  /** Asks the queue something about messages, as many at once as it takes; `done` is told of those it has answered for. */
  const inBatches = (
    messages: ReadonlyArray<readonly [string, Held]>,
    ask: (entries: Array<Entry>, options: { readonly abortSignal: AbortSignal }) => Promise<unknown>,
    done: (id: string) => void = () => {}
  ) =>
    Effect.forEach(
      Arr.chunksOf(messages, BATCH),
      (batch) =>
        Effect.tryPromise({
          try: async (abortSignal) => {
            const entries = batch.map(([, { receipt }], i) => ({ Id: String(i), ReceiptHandle: receipt }))
            await ask(entries, { abortSignal })
            for (const [id] of batch) done(id)
          },
          catch: explain
        }),
      { discard: true }
    )

  /** Keeps messages in hand from others. */
  const extend = Effect.suspend(() =>
    inBatches([...held], (entries, options) => {
      const Entries = entries.map((entry) => ({ ...entry, VisibilityTimeout: holdSeconds }))
      return client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries }), options)
    })
  ).pipe(
    Effect.catchTag("QueueError", ({ message }) =>
      Effect.logWarning(`${message} Messages whose recordings are not stored yet may come again.`)
    )
  )
  yield* extend.pipe(Effect.repeat(Schedule.spaced(Duration.divideUnsafe(hold, 3))), Effect.forkScoped)

  /** Deletes those of these messages whose recordings are all stored. */
  const acknowledge = (messages: ReadonlyArray<readonly [string, Held]>) => (isPending: (key: string) => boolean) =>
    inBatches(
      messages.filter(([, { keys }]) => !keys.some(isPending)),
      (Entries, options) => client.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries }), options),
      // One that could not be deleted comes again, and is nothing new then.
      (id) => held.delete(id)
    )

  const look = Effect.gen(function* () {
    const { Messages: messages = [] } = yield* receive
    yield* Effect.forEach(messages, take, { discard: true })
    const found = (yield* Effect.forEach([...toLookAt], find)).flat()
    toLookAt.clear()
    return {
      objects: found.flatMap(({ object }) => Option.toArray(object)),
      whole: false,
      gone: found.filter(({ object }) => Option.isNone(object)).map(({ key }) => key),
      acknowledge: acknowledge([...held])
    } satisfies Findings
  })

  return {
    next: Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (listedAt === undefined || now - listedAt >= Duration.toMillis(reconcile)) {
        const found = yield* wholeListing
        listedAt = now
        left.clear()
        return found
      }
      if ((yield* runningRun) === undefined) return yield* look
      yield* Effect.sleep(interval)
      return { objects: [], whole: false, gone: [], acknowledge: nobodyWaits } satisfies Findings
    })
  } satisfies Source
})

const explainFor = (url: string) => (thrown: unknown) =>
  new QueueError({ message: `${url} does not answer: ${thrown instanceof Error ? thrown.message : String(thrown)}` })

/** Fails unless the queue answers. Receives no message, for that would count towards its redrive. */
export const askQueue = (url: string, settings: QueueSettings) =>
  Effect.tryPromise({
    try: (abortSignal) =>
      makeClient(url, settings).send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] }), {
        abortSignal
      }),
    catch: explainFor(url)
  })

const makeClient = (url: string, { region, credentials, caBundle }: QueueSettings) =>
  new SQSClient({
    endpoint: new URL(url).origin,
    // A queue's address names its region, which need not be the bucket's setting.
    region: /^https?:\/\/sqs\.([a-z0-9-]+)\./.exec(url)?.[1] ?? Option.getOrElse(region, () => "us-east-1"),
    ...clientCredentials(credentials),
    requestHandler: new FetchHttpHandler({ keepAlive: true, customFetch: trustingFetch(caBundle) })
  })
