import { Effect } from "effect"
import { withLease } from "../../src/registry/lease.ts"
import { folderStore } from "../../src/store/folder.ts"
import { Store } from "../../src/store/store.ts"

// Holds the lease of a folder from when it says so until it is killed.

const [folder, runId] = process.argv.slice(2) as [string, string]
await Effect.runPromise(
  Effect.sync(() => console.log(`process ${process.pid} trains`)).pipe(
    Effect.andThen(Effect.never),
    withLease(runId),
    Effect.provideService(Store, folderStore(folder))
  )
)
