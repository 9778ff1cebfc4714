import { expect, test } from "bun:test"
import fc from "fast-check"
import { keptUnits } from "../../../src/classifier/train/dropout.ts"
import { seededRandom } from "../../../src/sound/random.ts"

/** One stream of sfc32 (Chris Doty-Humphrey, PractRand) in exact integers. */
const sfc32 = function* (a: bigint, b: bigint, c: bigint): Generator<bigint, never> {
  for (let counter = 1n; ; counter++) {
    const result = BigInt.asUintN(32, a + b + counter)
    a = b ^ (b >> 9n)
    b = BigInt.asUintN(32, c * 9n)
    c = BigInt.asUintN(32, ((c << 21n) | (c >> 11n)) + result)
    yield result
  }
}

test("each unit is kept where its number of four streams in turn is not below its layer's rate", () => {
  const layer = fc.record({
    units: fc.integer({ min: 1, max: 40 }),
    rate: fc.double({ min: 0, max: 0.99, noNaN: true })
  })
  fc.assert(
    fc.property(fc.array(layer, { minLength: 1, maxLength: 3 }), fc.nat(5), fc.nat(), (layers, visits, seed) => {
      const random = seededRandom(seed)
      const begin = Array.from({ length: 12 }, () => BigInt(random() * 2 ** 32))
      const streams = [0, 1, 2, 3].map((lane) => sfc32(begin[lane]!, begin[4 + lane]!, begin[8 + lane]!))
      const rates = layers.flatMap(({ units, rate }) => new Array<number>(units).fill(rate))
      const drawn = Math.ceil(rates.length / 16) * 16
      const expected = Array.from({ length: visits }, () =>
        Array.from({ length: drawn }, (_, unit) => streams[unit % 4]!.next().value).flatMap((number, unit) =>
          unit < rates.length ? [number >= BigInt(Math.floor(rates[unit]! * 2 ** 32)) ? 1 : 0] : []
        )
      ).flat()
      const kept = keptUnits(
        visits,
        layers.map(({ units }) => units),
        layers.map(({ rate }) => rate),
        seededRandom(seed)
      )
      expect([...kept]).toEqual(expected)
    })
  )
})
