import { Effect } from "effect"
import type { Backend, Problem } from "../../../src/classifier/train/backend.ts"
import { smallPass } from "../../support/problems.ts"

/** Loss curve and weights of some epochs; `watch` sees the trainer's memory after each. */
export const curve = (backend: Backend, problem: Problem, epochs: number, watch: () => void = () => {}) =>
  Effect.gen(function* () {
    const trainer = yield* backend.open(problem)
    const losses: Array<number> = []
    for (let epoch = 0; epoch < epochs; epoch++) {
      const pass = smallPass(problem, 8, 100 + epoch)
      const score = yield* trainer.run({
        ...pass,
        learningRate: 1e-3,
        firstStep: 1 + epoch * (pass.borders.length - 1)
      })
      const validation = yield* trainer.validate
      losses.push(score.loss, score.hits, validation.loss, validation.hits)
      watch()
    }
    return { losses, weights: yield* trainer.weights }
  }).pipe(Effect.scoped)
