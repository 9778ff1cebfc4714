import { type Head, REGRESSION } from "./head.ts"

/** EcoSight's own network. */
export const mlp: Head = {
  about: "is EcoSight's network",
  description: { ...REGRESSION, hidden: [512, 256, 128, 64], dropout: [0.5, 0.4, 0.3, 0.2], learningRate: 0.001 }
}
