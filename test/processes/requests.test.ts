import { expect, test } from "bun:test"
import { makeRequests } from "../../src/processes/requests.ts"

test("a request that was given up hears nothing more, though the process has yet to stop", () => {
  const requests = makeRequests(false, () => {})
  const told: Array<unknown> = []
  const sent: Array<unknown> = []
  const giveUp = requests.add({
    call: "hear",
    payload: null,
    patience: undefined,
    heard: (event) => void told.push(event),
    settle: () => {}
  })
  requests.begin((message) => sent.push(message) > 0)
  requests.hear(1, "before")
  giveUp()
  requests.hear(1, "after")
  expect(told).toEqual(["before"])
  expect(sent).toMatchObject([{ id: 1 }, { kind: "cancel", id: 1 }])
  expect(requests.size()).toBe(1)
})
