import { expect, test } from "bun:test"
import { readNotification } from "../../../src/runs/watch/notification.ts"

const KEY = "extracted_audio/dog bark/a+b é🐕%.wav"
const encoded = encodeURIComponent(KEY).replaceAll("%20", "+")
const record = (key: unknown, name = "here", object = {}) => ({
  eventVersion: "2.1",
  eventSource: "aws:s3",
  eventName: "ObjectCreated:Put",
  s3: { bucket: { name, arn: `arn:aws:s3:::${name}` }, object: { key, size: 1, eTag: "abc", ...object } }
})
const bridged = (type: string, detail: object) => ({
  version: "0",
  id: "1",
  "detail-type": type,
  source: "aws.s3",
  resources: ["arn:aws:s3:::here"],
  detail
})
const created = bridged("Object Created", { bucket: { name: "here" }, object: { key: KEY, size: 1 } })
const wrapped = (message: unknown, type = "Notification") => ({
  Type: type,
  MessageId: "1",
  TopicArn: "arn",
  Message: JSON.stringify(message)
})
const read = (body: unknown) => readNotification(typeof body === "string" ? body : JSON.stringify(body), "here")

test.each([
  ["S3's own", { Records: [record(encoded)] }],
  ["of a version", { Records: [record(encoded, "here", { versionId: "v1" })] }],
  [
    "with slashes encoded, as MinIO's",
    { EventName: "s3:ObjectCreated:Put", Key: `here/${KEY}`, Records: [record(encoded)] }
  ],
  ["in MinIO's other format", [{ Event: [record(encoded)], EventTime: "t" }]],
  [
    "as Ceph sends it",
    { Records: [{ eventSource: "ceph:s3", s3: { bucket: { name: "here", id: "x" }, object: { key: encoded } } }] }
  ],
  ["through SNS", wrapped({ Records: [record(encoded)] })],
  ["through SNS, twice", wrapped(wrapped({ Records: [record(encoded)] }))],
  ["EventBridge's", created],
  ["EventBridge's, through SNS", wrapped(created)],
  ["EventBridge's, several", [created]],
  [
    "CloudTrail's",
    bridged("AWS API Call via CloudTrail", {
      eventName: "PutObject",
      requestParameters: { bucketName: "here", key: KEY }
    })
  ],
  ["a record alone", record(encoded)],
  ["of a removal", { Records: [{ ...record(encoded), eventName: "ObjectRemoved:DeleteMarkerCreated" }] }]
])("a notification %s", (_, body) => {
  expect(read(body)).toEqual({ keys: [KEY], unclear: [] })
})

test("another bucket's, and the test that S3 sends, tell nothing and are understood", () => {
  for (const body of [
    { Records: [record(encoded, "elsewhere")] },
    bridged("Object Created", { bucket: { name: "elsewhere" }, object: { key: KEY } }),
    { Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "here" },
    wrapped({ Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "here" })
  ])
    expect(read(body)).toEqual({ keys: [], unclear: [] })
})

test("one record that makes no sense takes none of the others with it, and is named", () => {
  const good = [1, 2, 3].map((i) => `extracted_audio/dog/${i}.wav`)
  for (const [bad, why] of [
    [{ eventSource: "aws:s3" }, "its record 4 names no bucket and key"],
    [record(null), "its record 4 names no bucket and key"],
    [null, "its record 4 is no event"],
    [
      record("extracted_audio/dog/%ZZ.wav"),
      'its record 4 has a key that is not encoded as S3\'s are, "extracted_audio/dog/%ZZ.wav"'
    ]
  ] as const)
    expect(read({ Records: [...good.map((key) => record(key)), bad] })).toEqual({ keys: good, unclear: [why] })
})

test("what is no notification is not understood", () => {
  for (const [body, why] of [
    ["", "it is not JSON"],
    ["hello", "it is not JSON"],
    ["7", "it is no event"],
    ["{}", "it names no bucket and key"],
    ['{"Records":[]}', "it has no record"],
    ['{"Message":"hello"}', "it is not JSON"],
    [wrapped("You have chosen to subscribe to the topic.", "SubscriptionConfirmation"), "it names no bucket and key"],
    [bridged("Scheduled Event", {}), "it names no bucket and key"],
    [wrapped(wrapped(wrapped(wrapped(wrapped({}))))), "it is wrapped too often"]
  ] as const)
    expect(read(body)).toEqual({ keys: [], unclear: [why] })
})
