import { MultipartParser } from "effect/http"
import { repeatedIn } from "./shape.ts"

/** A form here has a file and a class. */
const MOST_PARTS = 100
const MOST_FIELD = 64 * 1024

/** What a form holds besides the bytes of its file. */
export interface FormParts {
  /** The file's name as the client gives it; undefined where the form has no file in the field `file`. */
  readonly fileName: string | undefined
  /** Files in the field `file`. */
  readonly files: number
  /** Other fields that hold a file. */
  readonly otherFiles: ReadonlyArray<string>
  readonly fields: ReadonlyMap<string, string>
  /** A field that is given twice; `fields` has the last of it. */
  readonly repeated: string | undefined
}

/**
 * Parses a multipart body as it comes, so that nobody holds it whole: `piece` is given the bytes of the first file in the
 * field `file`, those of the others are passed over. `end` tells what there was, or undefined if the body is not such a form.
 */
export const makeFormParser = (contentType: string, piece: (bytes: Uint8Array) => void) => {
  const fields = new Map<string, string>()
  const names: Array<string> = []
  const otherFiles: Array<string> = []
  let fileName: string | undefined
  let files = 0
  let isBroken = false
  const parser = MultipartParser.make({
    headers: { "content-type": contentType },
    maxParts: MOST_PARTS,
    maxFieldSize: MOST_FIELD,
    onField: (info, value) => {
      names.push(info.name)
      fields.set(info.name, MultipartParser.decodeField(info, value))
    },
    onFile: (info) => {
      if (info.name !== "file") otherFiles.push(info.name)
      if (info.name !== "file" || ++files > 1) return () => {}
      fileName = info.filename ?? ""
      return (bytes) => {
        if (bytes !== null) piece(bytes)
      }
    },
    onError: () => {
      isBroken = true
    },
    onDone: () => {}
  })
  return {
    write: parser.write,
    end: (): FormParts | undefined => {
      parser.end()
      return isBroken ? undefined : { fileName, files, otherFiles, fields, repeated: repeatedIn(names) }
    }
  }
}
