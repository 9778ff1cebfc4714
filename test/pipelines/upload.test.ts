import { expect, setDefaultTimeout, test } from "bun:test"
import { mkdir, readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { failFirst, s3Error, startS3Server } from "../../bench/s3/server.ts"
import { folderOf, resultOf, runProgram } from "../support/program.ts"

// Each run starts a process or five, on a machine that may be busy.
setDefaultTimeout(180_000)

const upload = (args: ReadonlyArray<string>, environment?: Record<string, string>) =>
  runProgram("upload", args, environment)

const environmentFor = (endpoint: string) => ({
  S3_BUCKET: "recordings",
  AWS_ENDPOINT_URL_S3: endpoint,
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test-secret"
})

const FILES = {
  "dog/a.wav": "dog a",
  "dog/2024/ü b.wav": "dog b",
  "gun_shot/c.MP3": "gun c",
  "dog/.DS_Store": "clutter"
}

test("a folder is uploaded once, and again only where it changed", async () => {
  using server = startS3Server()
  await using folder = await folderOf(FILES)
  const environment = environmentFor(server.endpoint)

  const first = await upload([folder.root, "--json"], environment)
  expect(first).toMatchObject({ code: 0 })
  expect(first.stderr).toContain("Uploading: 3 of 3 files")
  expect(resultOf(first)).toMatchObject({
    store: "s3://recordings",
    uploaded: 3,
    unchanged: 0,
    ignored: 1,
    refused: []
  })
  expect([...server.bucket.keys()].toSorted()).toEqual([
    "extracted_audio/dog/2024/ü b.wav",
    "extracted_audio/dog/a.wav",
    "extracted_audio/gun_shot/c.MP3"
  ])
  expect(new TextDecoder().decode(server.bucket.get("extracted_audio/gun_shot/c.MP3")?.bytes)).toBe("gun c")

  await writeFile(join(folder.root, "dog/a.wav"), "dog A")
  const second = await upload([folder.root, "--json"], environment)
  expect(resultOf(second)).toMatchObject({ uploaded: 1, unchanged: 2, bytes: 5 })
  expect(server.requests.filter(({ method }) => method === "PUT")).toHaveLength(4)
  expect(new TextDecoder().decode(server.bucket.get("extracted_audio/dog/a.wav")?.bytes)).toBe("dog A")
})

test("no more is in memory at once than is allowed, and a file larger than that goes alone", async () => {
  using server = startS3Server()
  await using folder = await folderOf(
    Object.fromEntries([1, 2, 3, 4].map((i) => [`dog/${i}.wav`, new Uint8Array(700_000 * i)]))
  )
  await upload([folder.root], { ...environmentFor(server.endpoint), MAX_RECORDING_MB: "1" })
  expect(server.requests.filter(({ key }) => key !== "").map(({ method }) => method)).toEqual(
    [1, 2, 3, 4].flatMap(() => ["HEAD", "PUT"])
  )
})

test("into a folder too, where contents are compared", async () => {
  await using folder = await folderOf({ "notes.txt": "left", "extracted_audio/dog/a.wav": "dog a" })
  await using target = await folderOf({})
  const to = ["--store", join(target.root, "new"), "--json"]
  expect(resultOf(await upload([folder.root, ...to]))).toMatchObject({ uploaded: 1, unchanged: 0, refused: [] })
  expect(resultOf(await upload([folder.root, ...to]))).toMatchObject({ uploaded: 0, unchanged: 1 })
  expect(await Bun.file(join(target.root, "new/extracted_audio/dog/a.wav")).text()).toBe("dog a")
})

test("a dry run writes nothing", async () => {
  using server = startS3Server()
  await using folder = await folderOf(FILES)
  const result = await upload([folder.root, "--dry-run", "--json"], environmentFor(server.endpoint))
  expect(result.code).toBe(0)
  expect(result.stdout).toContain("Would upload 3 files (0.0 MB) to s3://recordings; 0 were there already")
  expect(resultOf(result)).toMatchObject({ dryRun: true, uploaded: 3 })
  expect(server.requests.some(({ method }) => method === "PUT")).toBe(false)
})

test("a file that would not be read back is refused, the others are uploaded, and the exit code says so", async () => {
  using server = startS3Server()
  await using folder = await folderOf({ ...FILES, "loose.wav": "x" })
  const latin = Buffer.concat([Buffer.from(join(folder.root, "dog/")), Buffer.from([0xe9]), Buffer.from(".wav")])
  await writeFile(latin, "x")
  const deep = join(folder.root, "dog", ...Array.from({ length: 5 }, () => "d".repeat(220)))
  await mkdir(deep, { recursive: true })
  await writeFile(join(deep, "a.wav"), "x")

  const result = await upload([folder.root, "--json"], environmentFor(server.endpoint))
  expect(result.code).toBe(1)
  expect(result.stderr).toContain("Refused loose.wav: it lies in no class's folder\n")
  expect(result.stderr).toContain("Refused dog/\ufffd.wav: its name is not valid UTF-8\n")
  expect(result.stderr).toContain("d/a.wav: its name is too long: S3 allows 1,024 bytes, folders included\n")
  expect(result.stderr).toContain("3 files refused.")
  expect(resultOf(result)).toMatchObject({ uploaded: 3 })
  expect(server.bucket.size).toBe(3)
})

test("folders that cannot be classes are named with what a name may be, and nothing is uploaded", async () => {
  await using folder = await folderOf({ ...FILES, "Dog Bark/d.wav": "x", "con/e.wav": "x", "unknown/f.wav": "x" })
  await using target = await folderOf({})
  const args = [folder.root, "--store", target.root, "--json"]
  const refused = await upload(args)
  expect(refused.code).toBe(1)
  for (const name of ["Dog Bark", "con", "unknown"]) {
    expect(refused.stderr).toContain(`The folder "${name}" cannot be a class.`)
  }
  expect(refused.stderr).toContain("A class's name is 1 to 64 lower-case letters, digits, _ and -")
  expect(refused.stderr).not.toContain('"dog"')
  expect(await readdir(target.root)).toEqual([])
  // What the store has under such a name it keeps, and takes more of.
  for (const name of ["Dog Bark", "con", "unknown"]) {
    await Bun.write(join(target.root, `extracted_audio/${name}/before.wav`), "y")
  }
  expect(resultOf(await upload(args))).toMatchObject({ uploaded: 6, refused: [] })
})

test("files that the server does not take are told by name, and the others are uploaded", async () => {
  using server = startS3Server()
  await using folder = await folderOf({
    "dog/a.wav": "dog a",
    "dog/forbidden.wav": "x",
    "dog/homeless.wav": "x",
    "dog/long-headed.wav": "x",
    "dog/long.wav": "x",
    "gun_shot/c.mp3": "gun c"
  })
  server.fault = ({ method, key }) => {
    if (key.endsWith("/long-headed.wav") && method === "HEAD") return new Response(null, { status: 400 })
    if (method !== "PUT") return undefined
    if (key.endsWith("/long.wav")) return s3Error(400, "KeyTooLongError", "Your key is too long")
    if (key.endsWith("/forbidden.wav")) return s3Error(403, "AccessDenied")
    return key.endsWith("/homeless.wav") ? s3Error(404, "NoSuchKey") : undefined
  }
  const result = await upload([folder.root, "--json"], environmentFor(server.endpoint))
  expect(result.code).toBe(1)
  for (const name of ["forbidden", "homeless", "long", "long-headed"]) {
    expect(result.stderr).toContain(`Refused dog/${name}.wav: `)
  }
  expect(result.stderr).toContain("KeyTooLongError: Your key is too long")
  expect(result.stderr).toContain("s3://recordings does not take extracted_audio/dog/homeless.wav")
  expect(result.stderr).toContain("4 files refused.")
  expect(resultOf(result)).toMatchObject({ uploaded: 2 })
  expect([...server.bucket.keys()].toSorted()).toEqual(["extracted_audio/dog/a.wav", "extracted_audio/gun_shot/c.mp3"])
})

test("what goes wrong is one sentence, and the exit code is not 0", async () => {
  using server = startS3Server()
  await using folder = await folderOf(FILES)
  await using empty = await folderOf({})
  const environment = environmentFor(server.endpoint)
  const failures = [
    [[folder.root, "--store", "s3://nowhere"], environment, `There is no bucket "nowhere" at ${server.endpoint}.`],
    [[folder.root], { ...environment, FETCH_CONCURRENCY: "x" }, 'FETCH_CONCURRENCY is "x", but must be a whole number'],
    [[empty.root], environment, `There is nothing to upload in ${empty.root}`],
    [[join(empty.root, "missing")], environment, `There is no folder ${empty.root}/missing.`],
    [[join(folder.root, "dog/a.wav/b")], environment, `There is no folder ${folder.root}/dog/a.wav/b.`],
    [[""], environment, "There is no folder without a name."],
    [[join(folder.root, "dog/a.wav")], environment, `${folder.root}/dog/a.wav is no folder: give the one that holds`]
  ] as const
  const results = await Promise.all(failures.map(([args, environment]) => upload(args, environment)))
  results.forEach(({ code, stderr }, i) => {
    expect(code).not.toBe(0)
    expect(stderr).toContain(failures[i]![2])
    expect(stderr).not.toMatch(/\n\s+at /)
  })
  server.fault = failFirst(
    1000,
    () => s3Error(403, "AccessDenied"),
    ({ method }) => method === "PUT"
  )
  const denied = await upload([folder.root], environment)
  expect(denied.code).not.toBe(0)
  expect(denied.stderr).toContain(`${server.endpoint} refuses access to s3://recordings/extracted_audio/`)
})
