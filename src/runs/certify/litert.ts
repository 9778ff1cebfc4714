import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, FileSystem, Schema } from "effect"
import type { Artifacts } from "../../registry/publish.ts"
import script from "./litert.py" with { type: "text" }

/** LiteRT cannot run here; `message` is one sentence. */
export class NoLitert extends Schema.TaggedError<NoLitert>()("NoLitert", { message: Schema.String }) {}

const Answers = Schema.fromJsonString(
  Schema.Struct({ version: Schema.String, answers: Schema.Array(Schema.Array(Schema.Array(Schema.Finite))) })
)

/** What `.tflite` files say of waveforms, each padded to whole windows, by LiteRT in this Python. */
export const runLitert = Effect.fn("runLitert")(function* (
  python: string,
  models: Artifacts,
  waveforms: ReadonlyArray<Float32Array>
) {
  const fs = yield* FileSystem.FileSystem
  if (Bun.which(python) === null) {
    return yield* new NoLitert({ message: `There is no ${python}: name a Python that has ai-edge-litert by --python.` })
  }
  const folder = yield* fs.makeTempDirectoryScoped({ directory: tmpdir(), prefix: "litert-" })
  const at = (file: string) => join(folder, file)
  for (const [file, bytes] of models) yield* fs.writeFile(at(file), bytes)
  const samples = Buffer.concat(
    waveforms.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength))
  )
  yield* fs.writeFile(at("waveforms.f32"), samples)
  const task = {
    files: [...models.keys()].map(at),
    waveforms: at("waveforms.f32"),
    lengths: waveforms.map(({ length }) => length)
  }
  yield* fs.writeFileString(at("task.json"), JSON.stringify(task))
  const { output, complaints, ended } = yield* Effect.promise(async () => {
    const child = Bun.spawn([python, "-c", script, at("task.json")], { stdout: "pipe", stderr: "pipe" })
    const [output, complaints] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text()
    ])
    return { output, complaints, ended: await child.exited }
  })
  if (ended !== 0) {
    const why = complaints.trim().split("\n").at(-1) || `it ended with ${ended}`
    return yield* new NoLitert({
      message: `LiteRT does not run in ${python} (${why}): pip install ai-edge-litert there.`
    })
  }
  const { version, answers } = yield* Effect.orDie(Schema.decodeUnknownEffect(Answers)(output.trim()))
  return {
    runtime: `LiteRT ${version}`,
    answers: [...models.keys()].map((file, place) => [file, answers[place]!] as const)
  }
}, Effect.scoped)
