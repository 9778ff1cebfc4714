import { Effect } from "effect"
import { answer, runProgram } from "../../processes/program.ts"
import { trainBy } from "./fit.ts"
import { nativeBackend } from "./nativeBackend.ts"
import { Training } from "./task.ts"

// Does trainings for another process, one after another.

const train = trainBy(nativeBackend)

runProgram(answer(Training, undefined, { train: (task) => train(task, () => Effect.void) }))
