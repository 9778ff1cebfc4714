import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { LEASE_KEY } from "../../src/store/keys.ts"
import { resultOf } from "../support/program.ts"
import { fill, json, keysIn, smallCorpus } from "../support/runWorld.ts"
import { serverWorld, startCommand } from "../support/serverWorld.ts"

setDefaultTimeout(180_000)

const endpoint = process.env.TEST_S3_WITHOUT_CONDITIONS
const needsServer =
  endpoint === undefined
    ? " (skipped: set TEST_S3_WITHOUT_CONDITIONS to an S3 server that ignores conditional writes)"
    : ""

describe.skipIf(endpoint === undefined)(`retrain on a server that ignores conditional writes${needsServer}`, () => {
  let world: Awaited<ReturnType<typeof serverWorld>>
  beforeAll(async () => {
    world = await serverWorld(endpoint!)
    await fill(world.store, smallCorpus())
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const retrain = async (allowed: "0" | "1") => {
    const { ended, said } = startCommand(
      "retrain",
      ["--store", world.location, "--epochs", "2", "--augmentations", "0", "--json"],
      { ...world.environment, ALLOW_UNCONDITIONAL_WRITES: allowed },
      world.folder
    )
    return { code: await ended, said: said() }
  }

  test("refuses, says how to go on, and writes no lease, no vectors and no model", async () => {
    const { code, said } = await retrain("0")
    expect(code).toBe(1)
    expect(said).toContain(
      `${endpoint} ignores conditional writes, which keep two runs from training and promoting at once`
    )
    expect(said).toContain("set ALLOW_UNCONDITIONAL_WRITES=1")
    for (const prefix of [LEASE_KEY, "embeddings/", "models/"]) expect(await keysIn(world.store, prefix)).toEqual([])
  })

  test("works where that is allowed, and says what is then not promised", async () => {
    const { code, said } = await retrain("1")
    expect({ code, said }).toMatchObject({ code: 0 })
    expect(said).toContain(`${endpoint} ignores conditional writes: conditions are looked at just before each write`)
    const { runId } = resultOf({ stdout: said }) as { runId: string }
    expect(await json(world.store, "models/current.json")).toMatchObject({ runId })
    expect(await json(world.store, LEASE_KEY)).toMatchObject({ runId, released: true })
  })
})
