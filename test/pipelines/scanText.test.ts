import { expect, test } from "bun:test"
import { toldFrom } from "../../pipelines/scan.ts"

test("what was tested in the field, what was not, and what was asked for are told apart", () => {
  const thresholds = { clips: 0.7, dog_bark: 0.85, gun_shot: 0.31, saw: 0.5 }
  expect(toldFrom({ thresholds, tested: ["dog_bark", "gun_shot"], untested: ["saw"], alarmsPerHour: 1 })).toBe(
    "Told are events from a probability of: dog_bark 0.850, gun_shot 0.310, where it had up to 1 false alarm of each an " +
      "hour when it was tested; saw 0.500, with which it was not tested; clips 0.700."
  )
  expect(toldFrom({ thresholds: { saw: 0.9 }, tested: [], untested: [], alarmsPerHour: null })).toBe(
    "Told are events from a probability of: saw 0.900."
  )
})
