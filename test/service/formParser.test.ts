import { expect, test } from "bun:test"
import { makeFormParser } from "../../src/service/formParser.ts"

const TYPE = "multipart/form-data; boundary=xx"

/** Bytes in which the boundary begins again and again, and never ends. */
const file = Buffer.from("RIFF\r\n--x\r\n--xy\r\n-\r\n\r\n--\r\nxx--\r")
const body = Buffer.concat([
  Buffer.from('--xx\r\nContent-Disposition: form-data; name="class_name"\r\n\r\ndog_bark\r\n'),
  Buffer.from('--xx\r\nContent-Disposition: form-data; name="other"; filename="b.wav"\r\n\r\nnot this\r\n'),
  Buffer.from('--xx\r\nContent-Disposition: form-data; name="file"; filename="цапля 1.wav"\r\n\r\n'),
  file,
  Buffer.from('\r\n--xx\r\nContent-Disposition: form-data; name="file"; filename="c.wav"\r\n\r\nnor this\r\n--xx--\r\n')
])

const parse = (chunks: ReadonlyArray<Uint8Array>, type = TYPE) => {
  const pieces: Array<Uint8Array> = []
  const parser = makeFormParser(type, (piece) => pieces.push(piece.slice()))
  for (const chunk of chunks) parser.write(chunk)
  return { parts: parser.end(), bytes: Buffer.concat(pieces) }
}

test("a form is the same wherever its chunks end", () => {
  const whole = {
    parts: {
      fileName: "цапля 1.wav",
      files: 2,
      otherFiles: ["other"],
      fields: new Map([["class_name", "dog_bark"]]),
      repeated: undefined
    },
    bytes: file
  }
  expect(parse([body])).toEqual(whole)
  for (let at = 1; at < body.length; at++) expect(parse([body.subarray(0, at), body.subarray(at)])).toEqual(whole)
  expect(parse(Array.from(body, (_, at) => body.subarray(at, at + 1)))).toEqual(whole)
})

test("what is no form, or ends early, is told from one without a file", () => {
  expect(parse([body], "multipart/form-data").parts).toBeUndefined()
  expect(parse([body.subarray(0, body.length - 8)]).parts).toBeUndefined()
  expect(parse([Buffer.from("x")]).parts).toBeUndefined()
  const manyParts = Buffer.from('--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'.repeat(200))
  expect(parse([manyParts, Buffer.from("--xx--\r\n")]).parts).toBeUndefined()
  const empty = Buffer.from('--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--xx--\r\n')
  const fields = new Map([["a", "b"]])
  expect(parse([empty]).parts).toEqual({ fileName: undefined, files: 0, otherFiles: [], fields, repeated: undefined })
})

test("a field that is given twice is told of", () => {
  const part = '--xx\r\nContent-Disposition: form-data; name="site"\r\n\r\n'
  expect(parse([Buffer.from(`${part}creek\r\n${part}ridge\r\n--xx--\r\n`)]).parts?.repeated).toBe("site")
})
