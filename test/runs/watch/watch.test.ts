import { expect, setDefaultTimeout, test } from "bun:test"
import { readFileSync } from "node:fs"
import { appendFile, mkdir, readFile, rename, writeFile } from "node:fs/promises"
import { hostname } from "node:os"
import { dirname, join } from "node:path"
import { PutBucketNotificationConfigurationCommand } from "@aws-sdk/client-s3"
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs"
import { $ } from "bun"
import { Duration, Effect, Fiber, Logger, Option, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { s3Error } from "../../../bench/s3/server.ts"
import { queueSource } from "../../../src/runs/watch/queue.ts"
import { bucketSource, folderSource, looksPerListing, type Pace } from "../../../src/runs/watch/source.ts"
import { folderStore } from "../../../src/store/folder.ts"
import { LEASE_KEY, modelKey, recordingKey } from "../../../src/store/keys.ts"
import { s3Store } from "../../../src/store/s3.ts"
import { Store, StoreError } from "../../../src/store/store.ts"
import { memoryStore } from "../../support/memoryStore.ts"
import { fill, keysIn, smallCorpus, sound } from "../../support/runWorld.ts"
import { fieldRecording } from "../../support/scanWorld.ts"
import { clientOf, otherS3Store, otherServer, s3Server, settingsFor, temporaryFolder } from "../../support/stores.ts"
import { until, watching } from "../../support/watchWorld.ts"
import { notification, startQueueServer } from "./queueServer.ts"

setDefaultTimeout(60_000)

const PACE: Pace = {
  interval: Duration.millis(50),
  reconcile: Duration.hours(1),
  hold: Duration.seconds(1),
  still: Duration.millis(150)
}
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

test("a watcher that starts makes good the copies that a dead promotion left behind", () =>
  scoped(
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const store = folderStore(root)
      yield* Effect.promise(() => fill(store, smallCorpus()))
      const source = () => folderSource(root, PACE)
      yield* Effect.promise(() =>
        watching(store, source(), { minNewSamples: 4 }, ({ runs }) => until(() => runs.length === 1))
      )
      const copy = join(root, modelKey("classifier.onnx"))
      const whole = yield* Effect.promise(() => readFile(copy))
      yield* Effect.promise(() => writeFile(copy, "of the model before"))
      yield* Effect.promise(() =>
        watching(store, source(), { minNewSamples: 1000 }, () => until(() => readFileSync(copy).equals(whole)))
      )
      expect(readFileSync(copy)).toEqual(whole)
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

const bucketOf = Effect.map(s3Server(), (server) => ({
  server,
  store: s3Store(settingsFor(server.endpoint), "recordings")
}))

/** A bucket with two recordings, and its queue. */
const queueOf = Effect.gen(function* () {
  const { server, store } = yield* bucketOf
  const queue = yield* Effect.acquireRelease(Effect.sync(startQueueServer), (queue) =>
    Effect.sync(() => queue[Symbol.dispose]())
  )
  yield* Effect.promise(() => fill(store, [...smallCorpus()].slice(0, 2)))
  return { server, store, queue, source: queueSource(queue.url, settingsFor("http://unused"), PACE) }
})

const bucketLooks = Effect.fnUntraced(function* () {
  const objects = new Map<string, Uint8Array>()
  const store = memoryStore(objects)
  const lists: Array<string | undefined> = []
  const logged: Store["Service"] = {
    ...store,
    // At once, for there may be thousands.
    list: (prefix, after = "") => {
      lists.push(after)
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort()
      return Stream.fromIterable(keys.map((key) => ({ key, etag: String(Bun.hash(objects.get(key)!)), size: 1 })))
    }
  }
  const source = bucketSource({ interval: Duration.minutes(1) })
  const look = Effect.gen(function* () {
    lists.length = 0
    const looking = yield* Effect.forkChild(source.next)
    yield* TestClock.adjust(Duration.minutes(1))
    return yield* Fiber.join(looking)
  }).pipe(Effect.provideService(Store, logged))
  const add = (...objects: ReadonlyArray<readonly [string, Uint8Array]>) => Effect.promise(() => fill(store, objects))
  return { store, lists, look, add }
})
const inTestTime = <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromise(Effect.provide(effect, TestClock.layer()))
const empty = new Uint8Array(1)

test("a bucket is listed whole at each look: a new class, a changed recording and an early name are found", () =>
  inTestTime(
    Effect.gen(function* () {
      const { look, lists, add } = yield* bucketLooks()
      yield* add(...smallCorpus())
      const before = yield* look
      expect([before.whole, before.objects.length]).toEqual([true, 10])
      const [first] = before.objects
      const early = recordingKey("dog_bark", "0.wav")
      const foxes = recordingKey("foxes", "0.wav")
      yield* add([first!.key, sound("dog_bark", 4711)], [early, empty], [foxes, empty])
      const after = yield* look
      expect(after.objects.map(({ key }) => key)).toEqual(expect.arrayContaining([early, foxes]))
      expect(after.objects.find(({ key }) => key === first!.key)!.etag).not.toBe(first!.etag)
      expect(lists.length).toBe(1)
    })
  ))

test("a bucket of more than ten requests is listed from the last keys onwards, and whole in the rhythm it says", () =>
  inTestTime(
    Effect.gen(function* () {
      const { look, lists, add, store } = yield* bucketLooks()
      const log: Array<string> = []
      const logs = Logger.layer([Logger.make(({ message }) => void log.push(String(message)))])
      const many = Array.from({ length: 12_000 }, (_, i) => [
        recordingKey(i % 2 === 0 ? "dog" : "gun", `${i}.wav`),
        empty
      ]) as ReadonlyArray<readonly [string, Uint8Array]>
      yield* add(...many)
      const before = yield* Effect.provide(look, logs)
      expect([before.whole, before.objects.length]).toEqual([true, 12_000])
      expect(log.join()).toContain("every 1m, other names, changes and removals every 2m")
      // One sorts after its class's last key, one before; classes sort before, between and after the others.
      const [later, early] = [recordingKey("dog", "x.wav"), recordingKey("dog", "!.wav")]
      const classes = ["a", "dog bark", "elk", "zebra"].map((name) => recordingKey(name, "0.wav"))
      yield* add(...[later, early, ...classes].map((key) => [key, empty] as const))
      const found = yield* look
      expect([found.whole, found.objects.map(({ key }) => key).sort()]).toEqual([false, [later, ...classes].sort()])
      expect(lists.length).toBe(3)
      yield* Effect.orDie(store.remove(later))
      const again = yield* look
      expect([again.whole, again.objects.length]).toEqual([true, 12_005])
    })
  ))

test("how often a bucket is listed whole follows from what it costs", () => {
  expect(looksPerListing(10_000, 10)).toBe(1)
  expect(looksPerListing(1_000_000, 10)).toBe(100)
  // Ends of so many classes are as many requests.
  expect(looksPerListing(1_000_000, 2_000)).toBe(1)
})

test("SQS messages are deleted once their recordings are stored; repeated, vanished and foreign ones do no harm", () =>
  scoped(
    Effect.gen(function* () {
      const { store, queue, source } = yield* queueOf
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
        const source = queueSource(url, settingsFor(endpoint), PACE)
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

test("a message that tells of what the store will never give is left and named, and no other waits for it", () =>
  scoped(
    Effect.gen(function* () {
      const { server, store, queue, source } = yield* queueOf
      const forbidden = recordingKey("dog_bark", "forbidden.wav")
      server.fault = ({ key }) => (key === forbidden ? s3Error(403, "AccessDenied") : undefined)
      yield* Effect.promise(() =>
        watching(store, source, { minNewSamples: 1000 }, ({ embedded, log }) =>
          Effect.gen(function* () {
            yield* until(() => embedded() === 2)
            for (const key of [recordingKey("dog_bark", "a\0.wav"), forbidden]) {
              queue.send(notification("recordings", key))
            }
            yield* Effect.promise(() => fill(store, [extra(0)]))
            queue.send(notification("recordings", extra(0)[0]))
            yield* until(() => embedded() === 3 && queue.messages.size === 2)
            expect(log.filter((line) => line.includes("is left in the queue: "))).toHaveLength(2)
          })
        )
      )
    })
  ))

test("a message whose recording could not be stored comes again", () =>
  scoped(
    Effect.gen(function* () {
      const { store, queue, source } = yield* queueOf
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
const leaveLease = (store: Store["Service"], released: boolean, renewals = 0) => {
  const lease = { runId: "elsewhere", host: hostname(), process: process.pid, renewals, released }
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
      let renewals = 0
      const alive = yield* Effect.suspend(() => leaveLease(store, false, ++renewals)).pipe(
        Effect.andThen(Effect.sleep(100)),
        Effect.forever,
        Effect.forkScoped
      )
      yield* Effect.promise(() =>
        watching(store, folderSource(root, PACE), { minNewSamples: 4 }, ({ runs, log, embedded }) =>
          Effect.gen(function* () {
            yield* until(() => log.some((line) => line.includes("Run elsewhere is training on this store")))
            expect(runs).toEqual([])
            // That run embeds what is there: two would do the same work.
            expect(embedded()).toBe(0)
            yield* Fiber.interrupt(alive)
            yield* leaveLease(store, true)
            yield* until(() => runs.length === 1)
            expect(runs[0]).toMatchObject({ recordings: 10, promoted: true })
          })
        )
      )
    })
  ))

test("messages while a run is on are neither received again and again nor lost", () =>
  scoped(
    Effect.gen(function* () {
      const { store, queue, source } = yield* queueOf
      const late = extra(1)
      // A run begins just when a message has been received.
      const beginning: Store["Service"] = {
        ...store,
        find: (key) =>
          key === extra(0)[0] ? Effect.andThen(leaveLease(store, false), store.find(key)) : store.find(key)
      }
      yield* Effect.promise(() =>
        watching(beginning, source, { minNewSamples: 1000 }, ({ embedded }) =>
          Effect.gen(function* () {
            yield* until(() => embedded() === 2)
            yield* Effect.promise(() => fill(store, [extra(0)]))
            queue.send(notification("recordings", extra(0)[0]), "early")
            yield* until(() => queue.extensions("early") >= 2)
            yield* Effect.promise(() => fill(store, [late]))
            queue.send(notification("recordings", late[0]), "late")
            yield* until(() => queue.extensions("early") >= 4)
            expect([queue.receipts("early"), queue.receipts("late"), embedded()]).toEqual([1, 0, 2])
            yield* leaveLease(store, true)
            yield* until(() => queue.messages.size === 0)
            expect(embedded()).toBe(4)
            expect([queue.receipts("early"), queue.receipts("late")]).toEqual([1, 1])
          })
        )
      )
    })
  ))

test("what is not understood stays in the queue and is told of once; what is good in it, and behind it, is acted on", () =>
  scoped(
    Effect.gen(function* () {
      const { store, queue, source } = yield* queueOf
      yield* Effect.promise(() =>
        watching(store, source, { minNewSamples: 1000 }, ({ embedded, log }) =>
          Effect.gen(function* () {
            yield* until(() => embedded() === 2)
            yield* Effect.promise(() => fill(store, [extra(0), extra(1)]))
            const batch = JSON.parse(notification("recordings", extra(0)[0])) as { Records: Array<unknown> }
            batch.Records.push({ eventSource: "aws:s3", eventName: "x" })
            queue.send(JSON.stringify(batch), "half")
            queue.send("hello", "text")
            queue.send(notification("recordings", extra(1)[0]), "good")
            yield* until(() => queue.receipts("half") >= 2 && queue.receipts("text") >= 2 && embedded() === 4)
            yield* until(() => !queue.messages.has("good"))
            expect([...queue.messages.keys()]).toEqual(["half", "text"])
            expect(log.filter((line) => line.includes("not understood")).sort()).toEqual([
              `Message half of ${queue.url} is left in the queue, for it is not understood: its record 2 names no bucket and key.`,
              `Message text of ${queue.url} is left in the queue, for it is not understood: it is not JSON.`
            ])
          })
        )
      )
    })
  ))

test("a recording that cannot be stored yet keeps its own message, and no other", () =>
  scoped(
    Effect.gen(function* () {
      const { store, queue, source } = yield* queueOf
      let isAway = true
      const [stuck] = extra(0)
      const flaky: Store["Service"] = {
        ...store,
        get: (key) =>
          key === stuck && isAway
            ? Effect.fail(new StoreError({ reason: "unreachable", key, message: "The store is away." }))
            : store.get(key)
      }
      yield* Effect.promise(() =>
        watching(flaky, source, { minNewSamples: 1000 }, ({ embedded }) =>
          Effect.gen(function* () {
            yield* until(() => embedded() === 2)
            yield* Effect.promise(() => fill(store, [extra(0), extra(1)]))
            queue.send(notification("recordings", stuck), "stuck")
            queue.send(notification("recordings", extra(1)[0]), "good")
            yield* until(() => !queue.messages.has("good"))
            expect([...queue.messages.keys()]).toEqual(["stuck"])
            isAway = false
            yield* until(() => queue.messages.size === 0)
            expect(embedded()).toBe(4)
          })
        )
      )
    })
  ))

test("a queue's certificate is checked against the authorities in AWS_CA_BUNDLE", () =>
  scoped(
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.promise(() =>
        $`openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out ca.pem -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost`
          .cwd(folder)
          .quiet()
      )
      const [key, cert] = yield* Effect.promise(() =>
        Promise.all(["key.pem", "ca.pem"].map((name) => Bun.file(join(folder, name)).text()))
      )
      const server = Bun.serve({
        port: 0,
        tls: { key: key!, cert: cert! },
        fetch: () => Response.json({ Messages: [] }, { headers: { "content-type": "application/x-amz-json-1.0" } })
      })
      yield* Effect.addFinalizer(() => Effect.promise(() => server.stop(true)))
      const url = `https://localhost:${server.port}/123456789012/recordings`
      // The first look lists the store, the second one asks the queue.
      const look = (caBundle: Option.Option<string>) =>
        queueSource(url, { ...settingsFor("http://unused"), caBundle }, PACE).pipe(
          Effect.flatMap(({ next }) => Effect.andThen(next, next)),
          Effect.provideService(Store, memoryStore(new Map())),
          Effect.result
        )
      expect(yield* look(Option.none())).toMatchObject({ failure: { message: expect.stringContaining("certificate") } })
      expect(yield* look(Option.some(cert!))).toMatchObject({ success: { objects: [], whole: false } })
    })
  ))

test("a table of annotations counts as the recordings that it makes, once, and one that says nothing new as none", () =>
  scoped(
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const store = folderStore(root)
      const TABLE = "annotations/ridge/a.csv"
      const put = (key: string, bytes: Uint8Array) => Effect.promise(() => write(root, [key, bytes]))
      const tell = (...rows: ReadonlyArray<string>) =>
        put(TABLE, new TextEncoder().encode(["start,end,label", ...rows, ""].join("\n")))
      yield* Effect.promise(() => fill(store, smallCorpus()))
      yield* put("field_audio/ridge/a.wav", fieldRecording(30, 1, 5))
      yield* Effect.promise(() =>
        watching(store, folderSource(root, PACE), { minNewSamples: 2 }, ({ runs, embedded }) =>
          Effect.gen(function* () {
            const all = () => runs.reduce((sum, run) => sum + run.embedded, embedded())
            yield* until(() => runs.length === 1)
            yield* tell("2,3,dog_bark")
            yield* until(() => all() === 11)
            yield* tell("2,3,dog_bark", "7,8,gun_shot")
            yield* until(() => runs.length === 2)
            expect(runs[1]).toMatchObject({ recordings: 12, annotations: { clips: { dog_bark: 1, gun_shot: 1 } } })
            // Touched, and written anew with other words for the same.
            yield* tell("2,3,dog_bark", "7,8,gun_shot")
            yield* tell("2.000,3.000,Dog bark", "7,8,gun_shot")
            yield* Effect.sleep(500)
            expect(runs.length).toBe(2)
            // What is taken back is no news either.
            yield* tell("2,3,dog_bark")
            yield* Effect.sleep(500)
            expect(runs.length).toBe(2)
            yield* tell("2,3,dog_bark", "12,13,gun_shot", "17,18,gun_shot")
            yield* until(() => runs.length === 3)
          })
        )
      )
    })
  ))
