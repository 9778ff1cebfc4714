import { expect, test } from "bun:test"
import { soundsOf } from "../../../src/classifier/features/soundsOf.ts"
import { SOUNDS } from "../../../src/embedder/yamnet/sounds.ts"

const sounds = { dog: [1], bark: [2], fire: [7], gunfire: [3], gunshot: [3], gun: [3], bus: [4], train: [5], rain: [6] }

test.each([
  ["dog_bark", [1, 2]],
  ["Dogs", [1]],
  ["DogBark", [1, 2]],
  ["gun_fire", [3]],
  ["dog fire", [1, 7]],
  ["no_dog", []],
  ["background without dogs", []],
  ["gun_shot", [3]],
  ["Gun-shots 2", [3]],
  ["gunshots", [3]],
  ["bus", [4]],
  ["buses at the gate", []],
  ["training", []],
  ["train", [5]],
  ["clips", []],
  ["", []],
  ["constructor", []]
])("%p is of %p", (name, expected) => expect([...soundsOf(name, sounds)]).toEqual(expected))

test("YAMNet's sounds have names as classes' names are looked up, and numbers that it knows", () => {
  for (const [word, numbers] of Object.entries(SOUNDS)) {
    expect(word).toMatch(/^[a-z]+$/)
    expect(soundsOf(word, SOUNDS)).toEqual(numbers)
    for (const number of numbers) expect(number).toBeWithin(0, 521)
  }
})
