import { afterAll, beforeAll, expect, test } from "bun:test"
import { readdir, rm, truncate, utimes, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { folderOf, resultOf, runProgram } from "../support/program.ts"
import { sound } from "../support/runWorld.ts"
import { form, type Service, startService, until } from "../support/serviceWorld.ts"

let service: Service
beforeAll(async () => {
  service = await startService({ environment: { ALLOW_NEW_CLASSES: "1" } })
}, 120_000)
afterAll(() => service[Symbol.asyncDispose]())

const send = async (bytes: Uint8Array, class_name: string, name = "sent.wav") => {
  const response = await service.post("/upload", form(bytes, name, { class_name }))
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
const stored = async (bytes: Uint8Array) => {
  const files = await readdir(join(service.store, "extracted_audio"), { recursive: true, withFileTypes: true })
  const found = files.filter((file) => file.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  const contents = await Promise.all(found.map(async (path) => [path, await Bun.file(path).bytes()] as const))
  return contents.filter(([, content]) => Buffer.compare(content, bytes) === 0).map(([path]) => path)
}

for (const [what, damage] of [
  ["cut", (path: string) => truncate(path, 1000)],
  ["emptied", (path: string) => truncate(path, 0)],
  ["removed", (path: string) => rm(path)],
  ["overwritten", async (path: string) => writeFile(path, new Uint8Array((await Bun.file(path).bytes()).length))]
] as const) {
  test(`an uploaded recording that was ${what} is replaced when the same bytes are sent again`, async () => {
    const bytes = sound("dog_bark", 1100 + what.length)
    const first = await send(bytes, "dog_bark")
    const path = join(service.store, first.body.file_path as string)
    await damage(path)
    const second = await send(bytes, "dog_bark")
    expect(second).toMatchObject({ status: 200, body: { already_stored: false, file_path: first.body.file_path } })
    expect(await stored(bytes)).toEqual([path])
    expect((await send(bytes, "dog_bark")).body).toMatchObject({ already_stored: true })
  })
}

test("a recording that was edited in its place stays, and the first one sent again lies beside it", async () => {
  const [bytes, edited] = [sound("dog_bark", 1190), sound("dog_bark", 1191)]
  const first = await send(bytes, "dog_bark")
  const path = join(service.store, String(first.body.file_path))
  await writeFile(path, edited)
  const second = await send(bytes, "dog_bark")
  expect(second).toMatchObject({ status: 200, body: { already_stored: false } })
  expect(await stored(edited)).toEqual([path])
  expect(await stored(bytes)).toEqual([join(service.store, String(second.body.file_path))])
  expect((await send(bytes, "dog_bark")).body).toMatchObject({ already_stored: true })
})

test("a receipt that was cut is written anew", async () => {
  const bytes = sound("dog_bark", 1200)
  const { body } = await send(bytes, "dog_bark")
  const content = new Bun.CryptoHasher("sha256").update(bytes).digest("hex")
  await truncate(join(service.store, `uploads/${content}.json`), 0)
  expect(await send(bytes, "dog_bark")).toMatchObject({ status: 200, body: { file_path: body.file_path } })
  expect(await stored(bytes)).toHaveLength(1)
})

test("a receipt that names anything but a recording's place is written anew, and what it names stays as it is", async () => {
  const bytes = sound("dog_bark", 1250)
  const content = new Bun.CryptoHasher("sha256").update(bytes).digest("hex")
  const receipt = { key: "models/notes.json", class: "dog_bark" }
  await Bun.write(join(service.store, receipt.key), "{}")
  await Bun.write(join(service.store, `uploads/${content}.json`), JSON.stringify(receipt))
  const { status, body } = await send(bytes, "dog_bark")
  expect(status).toBe(200)
  expect(await stored(bytes)).toEqual([join(service.store, String(body.file_path))])
  expect(await Bun.file(join(service.store, receipt.key)).text()).toBe("{}")
})

test("the same bytes sent many times at once are stored once, and all are told where", async () => {
  const bytes = sound("gun_shot", 1300)
  const answers = await Promise.all(Array.from({ length: 12 }, (_, at) => send(bytes, "gun_shot", `same${at}.wav`)))
  const [path] = await stored(bytes)
  expect(await stored(bytes)).toEqual([path!])
  for (const { status, body } of answers)
    expect([status, join(service.store, String(body.file_path))]).toEqual([200, path!])
  expect(answers.filter(({ body }) => body.already_stored === false)).toHaveLength(1)
})

test("many recordings of one name sent at once are all stored", async () => {
  const sent = Array.from({ length: 12 }, (_, at) => sound("gun_shot", 1350 + at))
  const answers = await Promise.all(sent.map((bytes) => send(bytes, "gun_shot", "recording.wav")))
  for (const [at, { status, body }] of answers.entries()) {
    expect(status).toBe(200)
    expect(await stored(sent[at]!)).toEqual([join(service.store, String(body.file_path))])
  }
})

test("the same bytes under another class are refused by the name of theirs", async () => {
  const bytes = sound("gun_shot", 1400)
  const { body } = await send(bytes, "gun_shot")
  const other = await send(bytes, "dog_bark")
  expect(other.status).toBe(409)
  expect(other.body.detail).toContain(`in class gun_shot, as ${body.file_path}`)
  expect(other.body.detail).toContain('"decision": "relabel"')
  expect(other.body.detail).toContain("on the dashboard under Training data")
  // Without a class nothing is said of it.
  const plain = await service.post("/upload", form(bytes, "x.wav"))
  expect(await plain.json()).toMatchObject({ class: "gun_shot", already_stored: true })
})

test("what the command uploaded is not stored again by the service, nor the other way round", async () => {
  const [ours, theirs] = [sound("dog_bark", 1500), sound("dog_bark", 1501)]
  await using folder = await folderOf({ "dog_bark/ours.wav": ours, "dog_bark/theirs.wav": theirs })
  await send(ours, "dog_bark")
  const result = await runProgram("upload", [folder.root, "--store", service.store, "--json"])
  expect(resultOf(result)).toMatchObject({ uploaded: 1, unchanged: 1, refused: [] })
  await using again = await startService({ place: service.store })
  const sent = await again.post("/upload", form(theirs, "other.wav", { class_name: "dog_bark" }))
  expect(await sent.json()).toMatchObject({ already_stored: true, file_path: "extracted_audio/dog_bark/theirs.wav" })
  expect([await stored(ours), await stored(theirs)].map(({ length }) => length)).toEqual([1, 1])

  await using relabelled = await folderOf({ "gun_shot/ours.wav": ours })
  const refused = await runProgram("upload", [relabelled.root, "--store", service.store, "--json"])
  expect(refused.stderr + refused.stdout).toContain("was uploaded to class dog_bark, as extracted_audio/dog_bark/")
}, 120_000)

test("what writers that died left behind is swept at the start, and what may still be written is not", async () => {
  const old = join(service.store, `extracted_audio/dog_bark/.ecosight-${crypto.randomUUID()}`)
  const young = join(service.store, `runs/.ecosight-${crypto.randomUUID()}`)
  await Bun.write(old, "half")
  await Bun.write(young, "half")
  await utimes(old, 0, 0)
  await using _ = await startService({ place: service.store })
  await until(async () => !(await Bun.file(old).exists()) || undefined)
  expect(await Bun.file(young).exists()).toBe(true)
}, 120_000)
