import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises"
import { createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { type Duration, Effect, Result } from "effect"
import { FetchHttpClient } from "effect/http"
import { layersOf } from "../../../src/embedder/yamnet/mobilenet.ts"
import { untrainedNetwork } from "../../../src/embedder/yamnet/untrained.ts"
import { findWeights, type WeightsOptions } from "../../../src/embedder/yamnet/weights.ts"
import { toKeras, toTfjs, unfold } from "../../support/modelFiles.ts"

const network = untrainedNetwork()
const tfjs = toTfjs(network, "yamnet_frames/")
const shard = "group1-shard2of4.bin"

let folder: string
let keras: Uint8Array
beforeAll(async () => {
  keras = await toKeras(unfold(network))
})
const parents: Array<string> = []
const fresh = async () => {
  const parent = await mkdtemp(join(tmpdir(), "weights-"))
  parents.push(parent)
  folder = join(parent, "yamnet")
  return folder
}
afterEach(() => Promise.all(parents.splice(0).map((parent) => rm(parent, { recursive: true }))))

const find = async (options: Partial<WeightsOptions>) =>
  findWeights({
    folder: options.folder ?? (await fresh()),
    allowUntrained: false,
    addresses: [],
    ...options
  }).pipe(Effect.result, Effect.provide([NodeServices.layer, FetchHttpClient.layer]), Effect.runPromise)
const found = async (options: Partial<WeightsOptions>) => Result.getOrThrow(await find(options))
const refused = async (options: Partial<WeightsOptions>) => {
  const result = await find(options)
  if (Result.isSuccess(result)) throw new Error("weights were found")
  expect(result.failure.message).toContain("or set YAMNET_MODEL to where they are.")
  return result.failure.message
}

describe("in a folder", () => {
  const fill = async (files: ReadonlyMap<string, Uint8Array>) => {
    await mkdir(await fresh(), { recursive: true })
    for (const [name, bytes] of files) await writeFile(join(folder, name), bytes)
    return folder
  }

  test("a TensorFlow.js model is found before anything else is asked", async () => {
    const weights = await found({ folder: await fill(tfjs), location: "http://127.0.0.1:1/nowhere" })
    expect(weights.embedder).toBe("yamnet")
    expect(weights.source).toBe(join(folder, "model.json"))
    expect(layersOf(weights).map(({ kernel }) => kernel.length)).toEqual(
      layersOf(network).map(({ kernel }) => kernel.length)
    )
  })

  test("a yamnet.h5 is found, and so it is at a location given by folder or by file", async () => {
    const { hash } = await found({ folder: await fill(new Map([["yamnet.h5", keras]])) })
    expect((await found({ location: await fill(new Map([["yamnet.h5", keras]])), folder: "/nowhere" })).hash).toBe(hash)
    expect(
      (await found({ location: join(await fill(new Map([["a.h5", keras]])), "a.h5"), folder: "/nowhere" })).hash
    ).toBe(hash)
  })

  test("the hash tells weights apart, and is the same for the same", async () => {
    const { hash } = await found({ folder: await fill(tfjs) })
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    expect((await found({ folder: await fill(toTfjs(network, "other/names/")) })).hash).toBe(hash)
    const changed = toTfjs(network, "")
    changed.get(shard)![1000] = 1
    expect((await found({ folder: await fill(changed) })).hash).not.toBe(hash)
  })

  test("a broken model is an error, and nothing else is tried", async () => {
    const addresses = ["http://127.0.0.1:9/yamnet.h5"]
    const cut = new Map(tfjs).set(shard, tfjs.get(shard)!.slice(1))
    const message = await refused({ folder: await fill(cut), addresses, allowUntrained: true })
    expect(message).toContain(`${join(folder, "model.json")} has `)
    expect(message).not.toContain("http")
    const nan = new Map(tfjs).set(shard, tfjs.get(shard)!.slice())
    new DataView(nan.get(shard)!.buffer).setFloat32(1000, Number.NaN, true)
    expect(await refused({ folder: await fill(nan) })).toContain("holds weights that are not numbers")
    const without = new Map(tfjs)
    without.delete(shard)
    expect(await refused({ folder: await fill(without) })).toContain(`cannot be read (${shard})`)
  })

  test("a path that is named comes before what was downloaded", async () => {
    const folder = await fill(tfjs)
    const location = await fill(new Map([["yamnet.h5", keras]]))
    expect((await found({ folder, location })).source).toBe(location)
    expect(await refused({ folder, location: "/nowhere/yamnet" })).toContain("/nowhere/yamnet does not exist")
  })

  test("a location that is not there, or holds no model, is an error", async () => {
    expect(await refused({ location: "/nowhere/yamnet", allowUntrained: true })).toContain(
      "/nowhere/yamnet does not exist"
    )
    const broken = join(await fill(new Map([["a.h5", keras.slice(0, 1000)]])), "a.h5")
    const message = await refused({ location: broken, folder: "/nowhere" })
    expect(message).toContain(
      `YAMNET_MODEL names ${broken}: put yamnet.h5, or model.json and its shards, there, or set`
    )
    expect(message).not.toContain("/nowhere")
    const empty = await fill(new Map([["README.md", new Uint8Array(3)]]))
    expect(await refused({ location: empty, folder: "/nowhere" })).toContain(`${empty} holds neither model.json nor`)
  })
})

describe("nowhere", () => {
  test("an untrained network may stand in: the same bits everywhere, and it says so", async () => {
    const weights = await found({ addresses: ["http://127.0.0.1:9/yamnet.h5"], allowUntrained: true })
    expect(weights.embedder).toBe("untrained")
    expect(weights.hash).toBe("94ac07c8bd11e496631032fabdf371ebb1ff00bd8124819ec60e47e314c54362")
    expect(weights.source).toContain("http://127.0.0.1:9/yamnet.h5 cannot be fetched (nothing answers there)")
  })

  test("an address's user and password are told to nobody", async () => {
    const location = "http://user:secret@127.0.0.1:9/yamnet.h5"
    expect(await refused({ location, folder: "/nowhere" })).toContain(
      "http://***@127.0.0.1:9/yamnet.h5 cannot be fetched"
    )
    expect((await found({ addresses: [location], allowUntrained: true })).source).not.toContain("secret")
  })

  test("otherwise the error names every place and how to supply them", async () => {
    const addresses = ["http://127.0.0.1:9/yamnet.h5", "http://127.0.0.1:9/model.json"]
    const message = await refused({ addresses })
    for (const place of [`${folder} holds neither`, ...addresses]) expect(message).toContain(place)
    expect(message).toContain(`into ${folder}`)
  })
})

describe("from a server", () => {
  const served = new Map<string, Uint8Array>()
  // Answers as no well-behaved server would, byte by byte.
  const answers = new Map<string, (socket: Socket) => void>()
  const head = (status: string, ...headers: ReadonlyArray<string>) =>
    [`HTTP/1.1 ${status}`, ...headers, "", ""].join("\r\n")
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy())
    socket.once("data", (request) => {
      const path = request.toString().split(" ")[1]!
      const answer = answers.get(path)
      const bytes = served.get(path)
      if (answer !== undefined) return answer(socket)
      if (bytes === undefined) return socket.end(head("404 Not Found", "Content-Length: 0"))
      socket.write(head("200 OK", `Content-Length: ${bytes.length}`, "Connection: close"))
      return socket.end(bytes)
    })
  })
  let origin: string
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const address = server.address()
    origin = `http://127.0.0.1:${typeof address === "object" ? address!.port : 0}`
    served.set("/audioset/yamnet.h5", keras)
    for (const [name, bytes] of tfjs) {
      served.set(`/yamnet/tfjs/1/${name}`, bytes)
      served.set(`/hub/1/${name}?tfjs-format=file`, bytes)
    }
  })
  afterAll(() => {
    server.close()
  })
  afterEach(() => answers.clear())

  const expectNothingKept = async () => expect(await readdir(folder).catch(() => [])).toEqual([])

  test("yamnet.h5 is downloaded once and kept", async () => {
    const address = `${origin}/audioset/yamnet.h5`
    const first = await found({ addresses: [address] })
    expect(first.source).toBe(address)
    expect(await readdir(folder)).toEqual(["yamnet.h5"])
    expect((await found({ folder })).hash).toBe(first.hash)
  })

  test("a TensorFlow.js model is downloaded with its shards, asked for as the model was", async () => {
    const { hash } = await found({ addresses: [`${origin}/hub/1?tfjs-format=file`] })
    expect((await readdir(folder)).sort()).toEqual([...tfjs.keys()].sort())
    expect((await found({ folder })).hash).toBe(hash)
  })

  test("a location may be an address; redirects are followed", async () => {
    answers.set("/moved/model.json", (socket) =>
      socket.end(head("302 Found", `Location: ${origin}/yamnet/tfjs/1/model.json`, "Content-Length: 0"))
    )
    for (const name of tfjs.keys()) {
      answers.set(`/moved/${name}`, (socket) =>
        socket.end(head("307 Temporary Redirect", `Location: /yamnet/tfjs/1/${name}`, "Content-Length: 0"))
      )
    }
    expect((await found({ location: `${origin}/moved/` })).source).toBe(`${origin}/moved/`)
    expect(await readdir(folder)).toHaveLength(tfjs.size)
  })

  test("the next address is tried when one fails, and the error has the reasons of all", async () => {
    const addresses = [`${origin}/gone.h5`, `${origin}/audioset/yamnet.h5`]
    expect((await found({ addresses })).source).toBe(addresses[1]!)
    expect(await refused({ addresses: [addresses[0]!, `${origin}/also/gone.json`] })).toContain(
      `${origin}/gone.h5 answers HTTP 404; ${origin}/also/gone.json answers HTTP 404`
    )
  })

  const whole = (length: number) => head("200 OK", `Content-Length: ${length}`, "Connection: close")
  const misdeeds: ReadonlyArray<readonly [string, (socket: Socket) => void, RegExp, Duration.Input?]> = [
    ["never answers", () => {}, /does not answer/, "300 millis"],
    [
      "stops in the middle",
      (socket) => socket.write(Buffer.concat([Buffer.from(whole(keras.length)), keras.subarray(0, 100_000)])),
      /stopped sending in the middle/,
      "300 millis"
    ],
    [
      "closes in the middle",
      (socket) => socket.end(Buffer.concat([Buffer.from(whole(keras.length)), keras.subarray(0, 100_000)])),
      /cannot be fetched/
    ],
    [
      "promises less than it sends",
      (socket) => socket.end(Buffer.concat([Buffer.from(whole(100_000)), keras])),
      /is not a whole HDF5 file/
    ],
    [
      "promises more than it sends",
      (socket) => socket.end(Buffer.concat([Buffer.from(whole(keras.length + 1)), keras])),
      /cannot be fetched/
    ],
    [
      "says nothing of length and closes early",
      (socket) =>
        socket.end(Buffer.concat([Buffer.from(head("200 OK", "Connection: close")), keras.subarray(0, 100_000)])),
      /is not a whole HDF5 file/
    ],
    ["answers with a web page", (socket) => socket.end(`${whole(15)}<!doctype html>`), /a web page/],
    ["answers with nothing", (socket) => socket.end(whole(0)), /is neither a yamnet.h5 nor/],
    [
      "redirects for ever",
      (socket) => socket.end(head("302 Found", "Location: /bad.h5", "Content-Length: 0")),
      /cannot be fetched/
    ],
    [
      "has an error of its own",
      (socket) => socket.end(head("503 Service Unavailable", "Content-Length: 0")),
      /answers HTTP 503/
    ]
  ]
  for (const [name, answer, reason, patience = "10 seconds"] of misdeeds) {
    test(`a server that ${name} is refused and leaves nothing behind`, async () => {
      answers.set("/bad.h5", answer)
      expect(await refused({ addresses: [`${origin}/bad.h5`], patience })).toMatch(reason)
      await expectNothingKept()
    })
  }

  test("one bad shard spoils the download", async () => {
    answers.set(`/yamnet/tfjs/1/${shard}`, (socket) => socket.end(`${whole(10)}0123456789`))
    const location = `${origin}/yamnet/tfjs/1/model.json`
    expect(await refused({ location, allowUntrained: true })).toContain(`${location} has `)
    await expectNothingKept()
    answers.set(`/yamnet/tfjs/1/${shard}`, (socket) => socket.end(head("404 Not Found", "Content-Length: 0")))
    expect(await refused({ location })).toContain(`${location} is incomplete: ${shard} answers HTTP 404`)
    await expectNothingKept()
  })

  test("a folder that cannot be written is an error", async () => {
    await fresh()
    await writeFile(folder, "a file in its place")
    expect(await refused({ folder, location: `${origin}/audioset/yamnet.h5` })).toContain(`cannot be kept in ${folder}`)
  })
})
