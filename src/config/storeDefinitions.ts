import { Schema } from "effect"
import { define } from "./define.ts"
import { address, matching, seconds, yesOrNo } from "./forms.ts"

/** Where recordings are and results go, and how an S3 server is reached. */
export const storeDefinitions = {
  storeLocation: define({
    name: "STORE",
    fallback: "the bucket S3_BUCKET, else the current folder",
    description: "What `--store` names where it is not given: s3://bucket, s3://bucket/prefix or a folder",
    allowed: "s3://... or a folder",
    schema: Schema.NonEmptyString
  }),
  bucket: define({
    name: "S3_BUCKET",
    fallback: "a folder is used",
    description: "The bucket that holds the recordings and receives the results",
    allowed: "a bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens",
    schema: matching(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)
  }),
  accessKeyId: define({
    name: "AWS_ACCESS_KEY_ID",
    fallback: "the AWS SDK looks for profiles and roles",
    description: "The access key, together with AWS_SECRET_ACCESS_KEY",
    allowed: "without spaces",
    schema: matching(/^\S+$/)
  }),
  secretAccessKey: define({
    name: "AWS_SECRET_ACCESS_KEY",
    fallback: "the AWS SDK looks for profiles and roles",
    description: "The secret that belongs to AWS_ACCESS_KEY_ID",
    allowed: "without spaces",
    schema: matching(/^\S+$/),
    secret: true
  }),
  sessionToken: define({
    name: "AWS_SESSION_TOKEN",
    fallback: "none",
    description: "The token of temporary credentials",
    allowed: "without spaces",
    schema: matching(/^\S+$/),
    secret: true
  }),
  region: define({
    name: "AWS_REGION",
    fallback: "the AWS profile's, or us-east-1 at another server than Amazon's",
    description: "The bucket's region",
    allowed: "a region such as eu-west-1",
    schema: matching(/^[a-z0-9-]+$/)
  }),
  endpoint: define({
    name: "AWS_ENDPOINT_URL_S3",
    fallback: "AWS_ENDPOINT_URL, else Amazon S3",
    description: "The address of another S3 server: MinIO, R2, Ceph and others",
    ...address
  }),
  anyEndpoint: define({
    name: "AWS_ENDPOINT_URL",
    fallback: "Amazon S3",
    description: "The same, where AWS_ENDPOINT_URL_S3 is not set",
    ...address
  }),
  caBundle: define({
    name: "AWS_CA_BUNDLE",
    fallback: "the certificate authorities that Bun knows",
    description: "A PEM file of the certificate authorities that the S3 server's certificate is checked against",
    allowed: "the path of a file of PEM certificates",
    schema: Schema.NonEmptyString
  }),
  storePatience: define({
    name: "STORE_PATIENCE",
    fallback: "180",
    description: "Seconds for which a bucket that fails or does not answer is asked again before a command gives up",
    allowed: "a number of seconds from 1 to 3600",
    schema: seconds
  }),
  allowUnconditionalWrites: define({
    name: "ALLOW_UNCONDITIONAL_WRITES",
    fallback: "0",
    description:
      "Whether to use an S3 server that ignores If-Match and If-None-Match, where nothing keeps two runs from training and " +
      "promoting at once",
    allowed: "1 or 0",
    schema: yesOrNo
  })
}
