// Bundled on its own, and with nothing left out: Bun's bundler else drops modules that are imported for their effects alone, such
// as the one that tells TensorFlow.js what it runs on.
export * from "@tensorflow/tfjs"
export * from "@tensorflow/tfjs-backend-webgpu"
