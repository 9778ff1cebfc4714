import { expect, setDefaultTimeout, test } from "bun:test"
import { appendFile, mkdir, rename, writeFile } from "node:fs/promises"
import { hostname } from "node:os"
import { dirname, join } from "node:path"
import { PutBucketNotificationConfigurationCommand } from "@aws-sdk/client-s3"
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs"
import { Duration, Effect, Fiber, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { keysOf, queueSource } from "../../../src/runs/watch/queue.ts"
import { bucketSource, folderSource, type Pace } from "../../../src/runs/watch/source.ts"
import { folderStore } from "../../../src/store/folder.ts"
import { LEASE_KEY, recordingKey } from "../../../src/store/keys.ts"
import { s3Store } from "../../../src/store/s3.ts"
import { Store, StoreError } from "../../../src/store/store.ts"
import { memoryStore } from "../../support/memoryStore.ts"
import { fill, keysIn, smallCorpus, sound } from "../../support/runWorld.ts"
import { clientOf, otherS3Store, otherServer, s3Server, settingsFor, temporaryFolder } from "../../support/stores.ts"
import { until, watching } from "../../support/watchWorld.ts"
import { notification, startQueueServer } from "./queueServer.ts"

setDefaultTimeout(60_000)

const PACE: Pace = { interval: Duration.millis(50), reconcile: Duration.hours(1), still: Duration.millis(150) }
const scoped = <A>(effect: Effect.Effect<A, unknown, Scope.Scope>) => Effect.runPromise(Effect.scoped(effect))

const extra = (i: number) => [recordingKey("dog_bark", `9${i}-0-0-0.wav`), sound("dog_bark", 900 + i)] as const

const write = async (root: string, [key, bytes]: readonly [string, Uint8Array]) => {
  await mkdir(dirname(join(root, key)), { recursive: true })
  await writeFile(join(root, key), bytes)
}

test("in a folder, recordings are embedded as they land, and enough of them make one run", () =>
  scoped(
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const store = folderStore(root)
      yield* Effect.promise(() => fill(store, smallCorpus()))
      yield* Effect.promise(() =>
        watching(store, folderSource(root, PACE), { minNewSamples: 4 }, ({ runs, embedded }) =>
          Effect.gen(function* () {
            // A run takes all that is there, also what has just come.
            const all = () => runs.reduce((sum, run) => sum + run.embedded, embedded())
            yield* until(() => runs.length === 1)
            expect(runs[0]).toMatchObject({ recordings: 10, promoted: true })
            expect(all()).toBe(10)
            for (const i of [0, 1, 2]) yield* Effect.promise(() => write(root, extra(i)))
            yield* until(() => all() === 13)
            yield* Effect.sleep(300)
            expect(runs.length).toBe(1)
            for (const i of [3, 4, 5, 6]) yield* Effect.promise(() => write(root, extra(i)))
            yield* until(() => runs.length === 2)
            yield* until(() => all() === 17)
            yield* Effect.sleep(300)
            expect(all()).toBe(17)
            expect(runs.length).toBe(2)
          })
        )
      )
    })
  ))

test("a file that is still being written is left until it is still, then embedded once", () =>
  scoped(
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const store = folderStore(root)
      // A busy machine, too, writes a piece a second.
      const slow = { ...PACE, still: Duration.seconds(1) }
      yield* Effect.promise(() => fill(store, [...smallCorpus()].slice(0, 2)))
      yield* Effect.promise(() =>
        watching(store, folderSource(root, slow), { minNewSamples: 1000 }, ({ log, embedded }) =>
          Effect.gen(function* () {
            yield* until(() => embedded() === 2)
            const [key, bytes] = extra(0)
            const path = join(root, key)
            for (let at = 0; at < bytes.length; at += 2000) {
              yield* Effect.promise(() => appendFile(path, bytes.subarray(at, at + 2000)))
              yield* Effect.sleep(30)
            }
            expect(embedded()).toBe(2)
            yield* until(() => embedded() === 3)
            // Moved in from beside, as rsync does.
            const aside = join(root, "part")
            yield* Effect.promise(() =>
              writeFile(aside, extra(1)[1]).then(() => rename(aside, join(root, extra(1)[0])))
            )
            yield* until(() => embedded() === 4)
            expect(log.filter((line) => line.includes("Skipped"))).toEqual([])
          })
        )
      )
      expect((yield* Effect.promise(() => keysIn(store, "embeddings/"))).length).toBe(3)
    })
  ))

const bucketOf = Effect.map(s3Server(), (server) => ({ store: s3Store(settingsFor(server.endpoint), "recordings") }))

test("a bucket is listed from the last keys onwards, and whole now and then", async () => {
  const store = memoryStore(new Map())
  await fill(store, smallCorpus())
  const lists: Array<string | undefined> = []
  const logged: Store["Service"] = {
    ...store,
    list: (prefix, after) => {
      lists.push(after)
      return store.list(prefix, after)
    }
  }
  const source = bucketSource({ ...PACE, interval: Duration.minutes(1), reconcile: Duration.minutes(30) })
  const nextLook = Effect.gen(function* () {
    const looking = yield* Effect.forkChild(source.next)
    yield* TestClock.adjust(Duration.minutes(1))
    return yield* Fiber.join(looking)
  })
  await Effect.gen(function* () {
    const all = yield* source.next
    expect([all.whole, all.objects.length]).toEqual([true, 10])
    // One sorts after the class's last key, one before.
    const [later, earlier] = [extra(0), [recordingKey("dog_bark", "0.wav"), sound("dog_bark", 1)] as const]
    yield* Effect.promise(() => fill(store, [later, earlier]))
    lists.length = 0
    expect(yield* nextLook).toMatchObject({ whole: false, objects: [{ key: later[0] }] })
    expect(lists.every((after) => after !== undefined)).toBe(true)
    expect(yield* nextLook).toMatchObject({ whole: false, objects: [] })
    yield* TestClock.adjust(Duration.minutes(28))
    const again = yield* nextLook
    expect([again.whole, again.objects.length]).toEqual([true, 12])
  }).pipe(Effect.provideService(Store, logged), Effect.provide(TestClock.layer()), Effect.runPromise)
})

test("SQS messages are deleted once their recordings are stored; repeated, vanished and foreign ones do no harm", () =>
  scoped(
    Effect.gen(function* () {
      const { store } = yield* bucketOf
      using queue = startQueueServer(400)
      yield* Effect.promise(() => fill(store, [...smallCorpus()].slice(0, 2)))
      const source = Effect.sync(() => queueSource(queue.url, settingsFor("http://unused"), PACE))
      yield* Effect.promise(() =>
        watching(store, source, { minNewSamples: 1000 }, ({ embedded }) =>
          Effect.gen(function* () {
            yield* until(() => embedded() === 2)
            const [key, bytes] = [recordingKey("dog_bark", "at dusk+1 ü.wav"), sound("dog_bark", 77)]
            yield* Effect.promise(() => fill(store, [[key, bytes]]))
            for (let i = 0; i < 3; i++) queue.send(notification("recordings", key))
            queue.send(notification("recordings", recordingKey("dog_bark", "gone.wav")))
            queue.send(notification("recordings", "models/current.json"))
            queue.send(JSON.stringify({ Service: "Amazon S3", Event: "s3:TestEvent" }))
            queue.send(JSON.stringify({ Type: "Notification", Message: notification("recordings", key) }))
            yield* until(() => queue.messages.size === 0)
            expect(embedded()).toBe(3)
          })
        )
      )
      expect((yield* Effect.promise(() => keysIn(store, "embeddings/"))).length).toBe(2)
    })
  ))

test.skipIf(otherServer === undefined)(
  "a bucket and a queue of others' making work together (skipped where TEST_S3_ENDPOINT is not set)",
  () =>
    scoped(
      Effect.gen(function* () {
        const endpoint = otherServer!
        const { bucket, client, store } = yield* otherS3Store(endpoint)
        const sqs = new SQSClient(clientOf(endpoint))
        const url = yield* Effect.promise(async () => {
          const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: bucket }))
          const QueueArn = `arn:aws:sqs:us-east-1:123456789012:${bucket}`
          await client.send(
            new PutBucketNotificationConfigurationCommand({
              Bucket: bucket,
              NotificationConfiguration: { QueueConfigurations: [{ QueueArn, Events: ["s3:ObjectCreated:*"] }] }
            })
          )
          return QueueUrl!
        })
        yield* Effect.promise(() => fill(store, [...smallCorpus()].slice(0, 2)))
        const source = Effect.sync(() => queueSource(url, settingsFor(endpoint), PACE))
        yield* Effect.promise(() =>
          watching(store, source, { minNewSamples: 1000 }, ({ embedded }) =>
            Effect.gen(function* () {
              yield* until(() => embedded() === 2)
              const odd = [recordingKey("dog_bark", "at dusk+1 ü.wav"), sound("dog_bark", 78)] as const
              yield* Effect.promise(() => fill(store, [odd, extra(0)]))
              yield* until(() => embedded() === 4)
              const left = Effect.promise(() =>
                sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }))
              ).pipe(
                Effect.map(({ Attributes: { ApproximateNumberOfMessages: waiting, ...others } = {} }) => [
                  waiting,
                  others.ApproximateNumberOfMessagesNotVisible
                ])
              )
              // Deleted, not only hidden for a while.
              yield* left.pipe(Effect.repeat({ until: ([waiting, hidden]) => waiting === "0" && hidden === "0" }))
            })
          )
        )
      })
    )
)

test("a message whose recording could not be stored comes again", () =>
  scoped(
    Effect.gen(function* () {
      const { store } = yield* bucketOf
      using queue = startQueueServer(100)
      yield* Effect.promise(() => fill(store, [...smallCorpus()].slice(0, 2)))
      let refusals = 0
      const flaky: Store["Service"] = {
        ...store,
        put: (key, bytes, condition) =>
          key.startsWith("embeddings/") && refusals > 0
            ? Effect.suspend(() => {
                refusals--
                expect(queue.messages.size).toBe(1)
                return Effect.fail(new StoreError({ reason: "unreachable", key, message: "The store is away." }))
              })
            : store.put(key, bytes, condition)
      }
      const source = Effect.sync(() => queueSource(queue.url, settingsFor("http://unused"), PACE))
      yield* Effect.promise(() =>
        watching(flaky, source, { minNewSamples: 1000 }, ({ embedded, log }) =>
          Effect.gen(function* () {
            yield* until(() => embedded() === 2)
            refusals = 1
            yield* Effect.promise(() => fill(store, [extra(0)]))
            queue.send(notification("recordings", extra(0)[0]))
            yield* until(() => queue.messages.size === 0)
            expect(embedded()).toBe(3)
            expect(log).toContain("The store is away. Trying again.")
            queue.setDown(true)
            yield* until(() => log.some((line) => line.includes("does not answer")))
            queue.setDown(false)
            yield* Effect.promise(() => fill(store, [extra(1)]))
            queue.send(notification("recordings", extra(1)[0]))
            yield* until(() => embedded() === 4)
          })
        )
      )
    })
  ))

/** Says that a run called `elsewhere` is training, in a process that lives, or that it is not any more. */
const leaveLease = (store: Store["Service"], released: boolean) => {
  const lease = { runId: "elsewhere", host: hostname(), process: process.pid, renewals: 0, released }
  const text = JSON.stringify({ ...lease, renewedAt: new Date().toISOString() })
  return Effect.orDie(store.put(LEASE_KEY, new TextEncoder().encode(text)))
}

test("while another process trains, it waits, and counts what that run has seen", () =>
  scoped(
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const store = folderStore(root)
      yield* Effect.promise(() => fill(store, smallCorpus()))
      yield* leaveLease(store, false)
      yield* Effect.promise(() =>
        watching(store, folderSource(root, PACE), { minNewSamples: 4 }, ({ runs, log, embedded }) =>
          Effect.gen(function* () {
            yield* until(() => log.some((line) => line.includes("Run elsewhere is training on this store")))
            expect(runs).toEqual([])
            // That run embeds what is there: two would do the same work.
            expect(embedded()).toBe(0)
            yield* leaveLease(store, true)
            yield* until(() => runs.length === 1)
            expect(runs[0]).toMatchObject({ recordings: 10, promoted: true })
          })
        )
      )
    })
  ))

test("keys of notifications are decoded, and those of other buckets passed over", () => {
  expect(keysOf(notification("here", "extracted_audio/a b/c+d é.wav"), "here")).toEqual([
    "extracted_audio/a b/c+d é.wav"
  ])
  expect(keysOf(notification("there", "extracted_audio/a/b.wav"), "here")).toEqual([])
  const notEncoded = notification("here", "a").replace('"a"', '"extracted_audio/a/100%.wav"')
  for (const body of ["", "{}", "not JSON", '{"Records":[{}]}', '{"Message":"{}"}', notEncoded])
    expect(keysOf(body, "here")).toEqual([])
})
