import { describe, expect, test } from "bun:test"
import { Effect } from "effect"
import { decodeClip } from "../../../src/sound/decode/decode.ts"
import { encode, swell, wave } from "../../support/pcmFiles.ts"
import { noise } from "../../support/signals.ts"

const LENGTH = 4000
const voice = swell(LENGTH)
const hiss = [1, 2, 3, 4].map((seed) => Float64Array.from({ length: LENGTH }, noise(seed)))

interface Channel {
  readonly voice: number
  readonly hiss?: number
  readonly constant?: number
}

/** Decodes channels of floats, each a sum of so much voice, so much of a hiss of its own, and a constant. */
const decode = (...channels: ReadonlyArray<Channel>) => {
  const frames = Array.from(voice, (sample, i) =>
    channels.map((channel, c) => channel.voice * sample + (channel.hiss ?? 0) * hiss[c]![i]! + (channel.constant ?? 0))
  )
  const bytes = encode(frames.flat(), { kind: "float", bits: 32, bytes: 4 })
  const file = wave(bytes, { coding: 3, bits: 32, channels: channels.length })
  return Effect.runPromise(decodeClip(file, { maxSeconds: 30 }))
}

const alone = (channel: number) => [`Its channels cancel each other out, so channel ${channel} is used alone.`]

describe("channels that cancel each other out", () => {
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<Channel>, number]> = [
    ["the same, reversed", [{ voice: 1 }, { voice: -1 }], 1],
    ["reversed and a little weaker", [{ voice: 1 }, { voice: -0.98 }], 1],
    ["reversed and a good deal weaker", [{ voice: -0.6 }, { voice: 1 }], 2],
    [
      "reversed, each with a noise of its own",
      [
        { voice: 1, hiss: 0.05 },
        { voice: -1, hiss: 0.05 }
      ],
      1
    ],
    [
      "reversed, over a constant of both",
      [
        { voice: 0.5, constant: 0.3 },
        { voice: -0.5, constant: 0.3 }
      ],
      1
    ],
    ["three of them", [{ voice: 1 }, { voice: -0.5 }, { voice: -0.5 }], 1]
  ]
  for (const [name, channels, taken] of cases) {
    test(`${name}: the loudest is taken, and that is said`, async () => {
      const { samples, notes } = await decode(...channels)
      const only = await decode(channels[taken - 1]!)
      if (channels[taken - 1]!.hiss === undefined) expect(samples).toEqual(only.samples)
      expect(notes).toEqual(alone(taken))
    })
  }
})

describe("channels that differ otherwise are averaged, to the bit as ever", () => {
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<Channel>]> = [
    ["the same", [{ voice: 1 }, { voice: 1 }]],
    ["one silent", [{ voice: 1 }, { voice: 0 }]],
    [
      "unlike",
      [
        { voice: 0, hiss: 0.5 },
        { voice: 0, hiss: 0.5 }
      ]
    ],
    [
      "a little reversed",
      [
        { voice: 0.5, hiss: 0.5 },
        { voice: -0.5, hiss: 0.5 }
      ]
    ],
    [
      "opposite constants",
      [
        { voice: 0.1, constant: 0.5 },
        { voice: 0.1, constant: -0.5 }
      ]
    ],
    ["silence", [{ voice: 0 }, { voice: 0 }]],
    ["four", [{ voice: 1 }, { voice: 0.5 }, { voice: -0.2 }, { voice: 0.1 }]]
  ]
  for (const [name, channels] of cases) {
    test(name, async () => {
      const { samples, notes } = await decode(...channels)
      const expected = Float32Array.from({ length: LENGTH }, (_, i) =>
        channels.reduce((sum, channel, c) => {
          const { voice: gain, hiss: own = 0, constant = 0 } = channel
          const sample = Math.fround(gain * voice[i]! + own * (hiss[c]?.[i] ?? 0) + constant)
          return Math.fround(sum + sample * (1 / channels.length))
        }, 0)
      )
      expect(samples).toEqual(expected)
      expect(notes).toEqual([])
    })
  }
})

describe("what is silent", () => {
  test("is flat: zeros, a constant, the last bit of 16", async () => {
    for (const [gain, constant] of [
      [0, 0],
      [0, 0.25],
      [1e-4, 0],
      [1e-4, -0.5]
    ] as const) {
      expect((await decode({ voice: gain, constant })).isFlat).toBe(true)
    }
    expect((await decode({ voice: 1e-3 })).isFlat).toBe(false)
    expect((await decode({ voice: 1e-3, constant: 0.5 })).isFlat).toBe(false)
  })
})
