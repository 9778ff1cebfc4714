import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { untrainedNetwork } from "../../src/embedder/yamnet/untrained.ts"
import { toTfjs } from "../support/modelFiles.ts"

// Writes an untrained network as YAMNet's weights into the folder named, for a service that runs without a download.

const folder = process.argv[2]!
await mkdir(folder, { recursive: true })
for (const [name, bytes] of toTfjs(untrainedNetwork(), "")) await Bun.write(join(folder, name), bytes)
