import { Effect, Stream } from "effect"
import { csvLines, csvOf, type Row } from "./csv.ts"

/** So many lines are written at once, and held for each client, however slowly it reads. */
const LINES = 500

/** Answers with a table for spreadsheets, a row for each item, which is written as the client takes it. */
export const sendTable = Effect.fnUntraced(function* <Item>(
  name: string,
  head: Row,
  items: ReadonlyArray<Item>,
  rowOf: (item: Item) => Row
) {
  const rest = Array.from({ length: Math.ceil(items.length / LINES) }, (_, at) => at * LINES)
  const body = Stream.concat(
    Stream.succeed(csvOf([head])),
    Stream.fromIterable(rest, { chunkSize: 1 }).pipe(
      Stream.map((from) => csvLines(items.slice(from, from + LINES).map(rowOf)))
    )
  )
  return new Response(
    yield* Stream.toReadableStreamEffect(Stream.encodeText(body), { strategy: { highWaterMark: 0 } }),
    {
      headers: {
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": `attachment; filename="${name}"`
      }
    }
  )
})
