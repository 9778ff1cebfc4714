import { Option, Predicate, Schema } from "effect"

/** What a message of a queue tells: where to look, never what is there. */
export interface Notification {
  /** Keys in this bucket; those of other buckets are nobody's business here. */
  readonly keys: ReadonlyArray<string>
  /** What in it is not understood, each a clause; where there is any, the message must not be thrown away. */
  readonly unclear: ReadonlyArray<string>
}

/** A record of S3's own notifications, which MinIO, Ceph and others send as well. */
const S3Record = Schema.Struct({
  s3: Schema.Struct({
    bucket: Schema.Struct({ name: Schema.NonEmptyString }),
    object: Schema.Struct({ key: Schema.NonEmptyString })
  })
})
/** EventBridge's form, "Object Created" and its like; its keys are not encoded. */
const BridgedEvent = Schema.Struct({
  detail: Schema.Struct({
    bucket: Schema.Struct({ name: Schema.NonEmptyString }),
    object: Schema.Struct({ key: Schema.NonEmptyString })
  })
})
/** EventBridge's form of what CloudTrail has recorded. */
const RecordedCall = Schema.Struct({
  detail: Schema.Struct({
    requestParameters: Schema.Struct({ bucketName: Schema.NonEmptyString, key: Schema.NonEmptyString })
  })
})
/** What S3 sends once, when notifications are set up. */
const TestEvent = Schema.Struct({ Event: Schema.Literal("s3:TestEvent") })
/** What SNS wraps around a message, unless raw delivery is set. */
const Envelope = Schema.Struct({ Message: Schema.String, Type: Schema.optionalKey(Schema.Literal("Notification")) })
/** Several at once: S3's name for them, and MinIO's in its other format. */
const Records = Schema.Array(Schema.Unknown)
const Batch = Schema.Struct({ Records })
const MinioBatch = Schema.Struct({ Event: Records })

const NOTHING: Notification = { keys: [], unclear: [] }
/** Envelopes within envelopes that are opened. */
const DEPTH = 4

/** Reads a message; each record of a batch for itself, so that one that makes no sense takes no other with it. */
export const readNotification = (body: string, bucket: string): Notification => fromText(body, bucket, "it", DEPTH)

const fromText = (text: string, bucket: string, name: string, depth: number): Notification =>
  Option.match(parseJson(text), {
    onNone: () => unclear(`${name} is not JSON`),
    onSome: (value) => fromValue(value, bucket, name, depth)
  })

const fromValue = (value: unknown, bucket: string, name: string, depth: number): Notification => {
  if (depth === 0) return unclear(`${name} is wrapped too often`)
  if (Schema.is(Records)(value)) return fromRecords(value, bucket, name, depth)
  if (!Predicate.isObject(value)) return unclear(`${name} is no event`)
  if (Schema.is(TestEvent)(value)) return NOTHING
  if (Schema.is(S3Record)(value)) {
    const { key } = value.s3.object
    return Option.match(decodeKey(key.replaceAll("+", " ")), {
      onNone: () => unclear(`${name} has a key that is not encoded as S3's are, ${JSON.stringify(key)}`),
      onSome: (decoded) => at(value.s3.bucket.name, decoded, bucket)
    })
  }
  if (Schema.is(BridgedEvent)(value)) return at(value.detail.bucket.name, value.detail.object.key, bucket)
  if (Schema.is(RecordedCall)(value)) {
    const { bucketName, key } = value.detail.requestParameters
    return at(bucketName, key, bucket)
  }
  if (Schema.is(Batch)(value)) return fromRecords(value.Records, bucket, name, depth)
  if (Schema.is(MinioBatch)(value)) return fromRecords(value.Event, bucket, name, depth)
  if (Schema.is(Envelope)(value)) return fromText(value.Message, bucket, name, depth - 1)
  return unclear(`${name} names no bucket and key`)
}

const fromRecords = (records: ReadonlyArray<unknown>, bucket: string, name: string, depth: number): Notification => {
  if (records.length === 0) return unclear(`${name} has no record`)
  const all = records.map((record, i) =>
    fromValue(record, bucket, records.length === 1 ? name : `its record ${i + 1}`, depth - 1)
  )
  return { keys: all.flatMap(({ keys }) => keys), unclear: all.flatMap(({ unclear }) => unclear) }
}

const at = (name: string, key: string, bucket: string): Notification =>
  name === bucket ? { ...NOTHING, keys: [key] } : NOTHING
const unclear = (clause: string): Notification => ({ ...NOTHING, unclear: [clause] })

const parseJson = Option.liftThrowable((text: string): unknown => JSON.parse(text))
// Anybody who may send to the queue may send a key that is not encoded as S3's are.
const decodeKey = Option.liftThrowable(decodeURIComponent)
