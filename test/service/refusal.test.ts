import { expect, test } from "bun:test"
import { Cause, Effect } from "effect"
import { refusalOf } from "../../src/service/refusal.ts"
import { explain } from "../../src/store/folder-error.ts"

const thrown = (code: string) => Object.assign(new Error(`${code}: no`), { code })
const answer = async (cause: Cause.Cause<unknown>) => {
  const { status, detail } = await Effect.runPromise(refusalOf(cause))
  return { status, detail }
}

const FULL = {
  status: 507,
  detail: "There is no room left on the disk: nothing was stored; make room on it, and ask again."
}

test.each(["ENOSPC", "EDQUOT", "SQLITE_FULL"])(
  "a disk that is full is told as that, whoever says so: %s",
  async (code) => {
    const error = explain("runs/a.json", "/store/runs/a.json", "written")(thrown(code))
    expect(error.message).toBe("/store/runs/a.json cannot be written: the disk is full: make room on it.")
    expect(await answer(Cause.fail(error))).toEqual(FULL)
  }
)

test("a disk of this machine that is full is told, too, however what says so is wrapped", async () => {
  expect(await answer(Cause.die(thrown("ENOSPC")))).toEqual(FULL)
  expect(await answer(Cause.fail(new Error("It cannot be kept.", { cause: thrown("ENOSPC") })))).toEqual(FULL)
  expect((await answer(Cause.die(thrown("EPIPE")))).status).toBe(500)
})

test.each(["EACCES", "EPERM", "EROFS"])(
  "a store that may not be written is told as one that cannot be used: %s",
  async (code) => {
    const error = explain("runs/a.json", "/store/runs/a.json", "written")(thrown(code))
    expect(await answer(Cause.fail(error))).toEqual({
      status: 503,
      detail: "The store of recordings cannot be used at the moment."
    })
  }
)
