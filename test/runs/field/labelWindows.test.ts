import { expect, test } from "bun:test"
import { labelWindows } from "../../../src/runs/field/labelWindows.ts"

const RATE = 100

/** A scene of steady events, each as loud as it says. */
const sceneOf = (
  ...events: ReadonlyArray<{
    readonly start: number
    readonly end: number
    readonly class: string
    readonly loud: number
  }>
) => ({
  events: events.map((event) => ({ ...event, source: `${event.class}'s source` })),
  foreground: (from: number, length: number) =>
    Float32Array.from({ length }, (_, at) => {
      const second = (from + at) / RATE
      return events.find(({ start, end }) => start <= second && second < end)?.loud ?? 0
    })
})

/** Null where a window holds nothing, undefined where it is no good example. */
const nameOf = (label: { readonly className: string } | null | undefined) => (label === null ? null : label?.className)

const dog = { start: 2, end: 3, class: "dog", loud: 0.1 }

test("windows that hold a quarter of the loudest one's energy are the event's, what holds less is nobody's", () => {
  const { labels, spans } = labelWindows(sceneOf(dog), 12, { sampleRate: RATE, window: 100, hop: 50 })
  expect(labels.map(nameOf)).toEqual([
    ...[null, null, null],
    ...["dog", "dog", "dog"],
    ...[null, null, null, null, null, null]
  ])
  expect(spans).toEqual([{ className: "dog", source: "dog's source", windows: 3 }])
  const shifted = labelWindows(sceneOf({ ...dog, start: 2.1 }), 12, { sampleRate: RATE, window: 100, hop: 50 })
  expect(shifted.labels.slice(2, 7).map(nameOf)).toEqual([...[null, "dog", "dog", "dog"], null])
})

test("what a long window holds of another event is not this one's", () => {
  const events = sceneOf({ ...dog, start: 5, end: 6 }, { start: 7, end: 7.5, class: "shot", loud: 1 })
  const { labels, spans } = labelWindows(events, 18, { sampleRate: RATE, window: 300, hop: 50 })
  // A second is whole in five windows of three, and by half in two more; half a second is whole in six.
  expect(spans.map(({ windows }) => windows)).toEqual([7, 6])
  // Windows that hold both whole are no good example of either.
  expect(labels.map(nameOf)).toEqual([
    ...[null, null, null, null, null],
    ...["dog", "dog", "dog", "dog"],
    ...[undefined, undefined, undefined],
    ...["shot", "shot", "shot"],
    ...[null, null, null]
  ])
})
