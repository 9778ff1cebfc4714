import { expect, test } from "bun:test"
import { Effect } from "effect"
import { boundedStore } from "../../src/service/boundedStore.ts"
import { Outages } from "../../src/service/outages.ts"
import { folderStore } from "../../src/store/folder.ts"
import { StoreError } from "../../src/store/store.ts"
import { temporaryFolder } from "../support/stores.ts"

test("requests write out of sight, too: a full disk is met before anything is promoted", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const inner = folderStore(yield* temporaryFolder)
      const full = new StoreError({ reason: "full", key: "a", message: "the disk is full." })
      const store = yield* boundedStore(inner)
      const place = yield* store.stage!("a", new Uint8Array([1]))
      expect((yield* inner.find("a"))._tag).toBe("None")
      yield* place
      expect((yield* inner.get("a")).bytes).toEqual(new Uint8Array([1]))
      const filled = yield* boundedStore({ ...inner, stage: () => Effect.fail(full) })
      expect(yield* Effect.flip(filled.stage!("a", new Uint8Array([2])))).toEqual(full)
    }).pipe(Effect.scoped, Effect.provide(Outages.layer))
  ))
