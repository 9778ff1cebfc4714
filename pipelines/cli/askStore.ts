import { resolve } from "node:path"
import { Effect, Redacted } from "effect"
import { Prompt } from "effect/cli"
import { type Changes, canBeWritten, NOT_WRITTEN } from "../../src/config/envFile.ts"

// Asks on the terminal where the recordings are.

const needed = (value: string) =>
  value.trim() === ""
    ? Effect.fail("It is needed.")
    : canBeWritten(value)
      ? Effect.succeed(value.trim())
      : Effect.fail(`It ${NOT_WRITTEN}`)

const askKeys = Effect.gen(function* () {
  const given = yield* Prompt.Select({
    message: "How do you sign in?",
    choices: [
      { title: "with an access key and its secret", value: true },
      { title: "as the AWS SDK does: a profile, a role", value: false }
    ]
  })
  if (!given) return {}
  return {
    AWS_ACCESS_KEY_ID: yield* Prompt.String({ message: "Access key", validate: needed }),
    AWS_SECRET_ACCESS_KEY: Redacted.value(yield* Prompt.Password({ message: "Its secret", validate: needed }))
  }
})

/** What `.env` sets for the store that a person names. */
export const askStore = Effect.gen(function* () {
  const where = yield* Prompt.Select({
    message: "Where are the recordings?",
    choices: [
      { title: "in a folder", value: "folder" },
      { title: "in a bucket of Amazon's S3", value: "bucket" },
      { title: "in a bucket of another S3 server (MinIO, R2, Ceph)", value: "server" }
    ]
  })
  if (where === "folder") {
    const folder = yield* Prompt.String({
      message: "The folder that holds extracted_audio/<class>/",
      default: ".",
      validate: needed
    })
    return { STORE: resolve(folder) } satisfies Changes
  }
  const endpoint =
    where === "server"
      ? yield* Prompt.String({ message: "The server's address, such as http://localhost:9000", validate: needed })
      : undefined
  const bucket = yield* Prompt.String({ message: "The bucket, or bucket/prefix", validate: needed })
  const region = yield* Prompt.String({ message: "Its region (empty: the profile's, or us-east-1)" })
  return storeChanges({
    STORE: bucket.startsWith("s3://") ? bucket : `s3://${bucket}`,
    ...(endpoint === undefined ? {} : { AWS_ENDPOINT_URL_S3: endpoint }),
    ...(region.trim() === "" ? {} : { AWS_REGION: region.trim() }),
    ...(yield* askKeys)
  })
})

/** All that a bucket may need; what is not given is unset. */
export const storeChanges = (given: Changes): Changes => ({
  STORE: given.STORE,
  AWS_ENDPOINT_URL_S3: given.AWS_ENDPOINT_URL_S3,
  AWS_REGION: given.AWS_REGION,
  AWS_ACCESS_KEY_ID: given.AWS_ACCESS_KEY_ID,
  AWS_SECRET_ACCESS_KEY: given.AWS_SECRET_ACCESS_KEY
})
