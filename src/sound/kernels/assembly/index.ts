export { forward } from "./fft"
export { stretch } from "./vocoder"
export { resample } from "./resample"
export { logMel } from "./logmel"
export { encode } from "./pcm"
export { keep } from "./keep"
export { addNormal } from "./normal"
export { addRows } from "./rows"
export { addProduct, cosTurns } from "./product"

/** Bytes aligned to 16, not cleared. */
export function allocate(bytes: usize): usize {
  return heap.alloc(bytes)
}

export function free(at: usize): void {
  heap.free(at)
}
