import { Fft, forward, inverse } from "./fft"
import { ELEMENT, pack, storeColumns } from "./lanes"

/*
 * librosa's phase vocoder. The spectrogram is never whole in memory: frames are analysed four at a time into a ring,
 * from which every voice (a clip at one speed) takes what it can use.
 *
 * librosa adds up phase angles and takes their cosines and sines. Phases only matter modulo a full turn, and there
 * the sum of angles is the product of unit phasors: a bin of the ring holds its magnitude, and `turn`, the unit
 * phasor of c[f + 1] * conj(c[f]), which takes its phase from frame f to f + 1.
 */

const SIZE: usize = 2048
const HOP: usize = 512
const BINS: usize = SIZE / 2 + 1
/** Bins in a row of the ring: whole vectors, of which the last ones stay silent. */
const ROW_BINS: usize = BINS + 3
const ROW: usize = 4 * ROW_BINS
/** Magnitudes, then the turns' real and imaginary parts. */
const RING_ROW: usize = 3 * ROW
/** Frames in the ring. A voice is up to 3 steps behind, and the next four frames must find room: speeds up to 3. */
const RING: i32 = 16
/** Frames that overlap at any sample. */
const OVERLAP: i32 = 4

/** One speed of the clip. */
@unmanaged
export class Voice {
  rate: f64
  /** Frames of the output, and how many are done. */
  steps: i32
  done: i32
  /** Samples of the output, from half a frame before its first one, zeros at first. */
  out: usize
  /** The current phase of every bin: two rows. */
  phase: usize
}

@unmanaged
export class Vocoder {
  fft: Fft
  /** Analysis and synthesis windows; the latter undoes the factor of an inverse transform. */
  window: usize
  synthesis: usize
  /** RING rows. */
  ring: usize
  /** The last frame's unit phasors: two rows. */
  previous: usize
  /** One frame of silence. */
  silence: usize
  /** One hop of weights. */
  weights: usize
}

@inline
function ringRow(ring: usize, frame: i32): usize {
  return ring + <usize>(frame & (RING - 1)) * RING_ROW
}

/** Enters four bins of a frame. A bin that is exactly zero has phase zero, as numpy.angle says. */
@inline
function enter(re: v128, im: v128, row: usize, before: usize, previous: usize): void {
  const size = f32x4.sqrt(f32x4.add(f32x4.mul(re, re), f32x4.mul(im, im)))
  const sounds = f32x4.gt(size, f32x4.splat(0))
  const share = f32x4.div(f32x4.splat(1), size)
  const unitRe = v128.bitselect(f32x4.mul(re, share), f32x4.splat(1), sounds)
  const unitIm = v128.and(f32x4.mul(im, share), sounds)
  const previousRe = v128.load(previous)
  const previousIm = v128.load(previous, ROW)
  v128.store(row, size)
  v128.store(before, f32x4.add(f32x4.mul(unitRe, previousRe), f32x4.mul(unitIm, previousIm)), ROW)
  v128.store(before, f32x4.sub(f32x4.mul(unitIm, previousRe), f32x4.mul(unitRe, previousIm)), 2 * ROW)
  v128.store(previous, unitRe)
  v128.store(previous, unitIm, ROW)
}

/** Analyses frames `first` to `first` + 3; those from `frames` on are silent. */
function analyseFour(v: Vocoder, samples: usize, first: i32, frames: i32): void {
  const at = samples + <usize>first * HOP * 4
  const silence = v.silence
  pack(
    first < frames ? at : silence,
    first + 1 < frames ? at + HOP * 4 : silence,
    first + 2 < frames ? at + 2 * HOP * 4 : silence,
    first + 3 < frames ? at + 3 * HOP * 4 : silence,
    v.window,
    SIZE,
    v.fft.x
  )
  let bins = forward(v.fft)
  memory.fill(bins + BINS * ELEMENT, 0, (ROW_BINS - BINS) * ELEMENT)
  let before = ringRow(v.ring, first - 1)
  let row0 = ringRow(v.ring, first)
  let row1 = ringRow(v.ring, first + 1)
  let row2 = ringRow(v.ring, first + 2)
  let row3 = ringRow(v.ring, first + 3)
  let previous = v.previous
  for (const end = row0 + ROW; row0 < end; row0 += 16) {
    // Columns become rows in place: bins + 0, 32, 64, 96 get the real parts of frames 0 to 3.
    const re0 = v128.load(bins)
    const re1 = v128.load(bins, 32)
    const re2 = v128.load(bins, 64)
    const re3 = v128.load(bins, 96)
    const im0 = v128.load(bins, 16)
    const im1 = v128.load(bins, 48)
    const im2 = v128.load(bins, 80)
    const im3 = v128.load(bins, 112)
    storeColumns(bins, bins + 32, bins + 64, bins + 96, re0, re1, re2, re3)
    storeColumns(bins + 16, bins + 48, bins + 80, bins + 112, im0, im1, im2, im3)
    enter(v128.load(bins), v128.load(bins, 16), row0, before, previous)
    enter(v128.load(bins, 32), v128.load(bins, 48), row1, row0, previous)
    enter(v128.load(bins, 64), v128.load(bins, 80), row2, row1, previous)
    enter(v128.load(bins, 96), v128.load(bins, 112), row3, row2, previous)
    bins += 4 * ELEMENT
    before += 16
    row1 += 16
    row2 += 16
    row3 += 16
    previous += 16
  }
}

/** Writes four bins of one step as a row, between frame `row` and the `next`, and turns their phases on. */
@inline
function step(row: usize, next: usize, later: f32, sounds: f32, phase: usize, at: usize): void {
  const earlierWeight = f32x4.splat((1 - later) * sounds)
  const laterWeight = f32x4.splat(later * sounds)
  const size = f32x4.add(f32x4.mul(earlierWeight, v128.load(row)), f32x4.mul(laterWeight, v128.load(next)))
  const phaseRe = v128.load(phase)
  const phaseIm = v128.load(phase, ROW)
  const turnRe = v128.load(row, ROW)
  const turnIm = v128.load(row, 2 * ROW)
  v128.store(at, f32x4.mul(size, phaseRe))
  v128.store(at, f32x4.mul(size, phaseIm), 16)
  v128.store(phase, f32x4.sub(f32x4.mul(phaseRe, turnRe), f32x4.mul(phaseIm, turnIm)))
  v128.store(phase, f32x4.add(f32x4.mul(phaseRe, turnIm), f32x4.mul(phaseIm, turnRe)), ROW)
}

@inline
function frameOf(voice: Voice, step: i32, frames: i32): i32 {
  return min(<i32>Math.floor(<f64>step * voice.rate), frames - 1)
}

@inline
function laterShare(voice: Voice, step: i32): f32 {
  const position = <f64>step * voice.rate
  return <f32>(position - Math.floor(position))
}

/** The next four steps of a voice; those beyond its last are silent. */
function speakFour(v: Vocoder, voice: Voice, frames: i32): void {
  const done = voice.done
  const f0 = frameOf(voice, done, frames)
  const f1 = frameOf(voice, done + 1, frames)
  const f2 = frameOf(voice, done + 2, frames)
  const f3 = frameOf(voice, done + 3, frames)
  const later0 = laterShare(voice, done)
  const later1 = laterShare(voice, done + 1)
  const later2 = laterShare(voice, done + 2)
  const later3 = laterShare(voice, done + 3)
  const sounds1: f32 = done + 1 < voice.steps ? 1 : 0
  const sounds2: f32 = done + 2 < voice.steps ? 1 : 0
  const sounds3: f32 = done + 3 < voice.steps ? 1 : 0
  const ring = v.ring
  const row0 = ringRow(ring, f0)
  const row1 = ringRow(ring, f1)
  const row2 = ringRow(ring, f2)
  const row3 = ringRow(ring, f3)
  const next0 = ringRow(ring, f0 + 1)
  const next1 = ringRow(ring, f1 + 1)
  const next2 = ringRow(ring, f2 + 1)
  const next3 = ringRow(ring, f3 + 1)
  let phase = voice.phase
  let x = v.fft.x
  for (let b: usize = 0; b < ROW; b += 16) {
    step(row0 + b, next0 + b, later0, 1, phase, x)
    step(row1 + b, next1 + b, later1, sounds1, phase, x + 32)
    step(row2 + b, next2 + b, later2, sounds2, phase, x + 64)
    step(row3 + b, next3 + b, later3, sounds3, phase, x + 96)
    const re0 = v128.load(x)
    const re1 = v128.load(x, 32)
    const re2 = v128.load(x, 64)
    const re3 = v128.load(x, 96)
    const im0 = v128.load(x, 16)
    const im1 = v128.load(x, 48)
    const im2 = v128.load(x, 80)
    const im3 = v128.load(x, 112)
    storeColumns(x, x + 32, x + 64, x + 96, re0, re1, re2, re3)
    storeColumns(x + 16, x + 48, x + 80, x + 112, im0, im1, im2, im3)
    phase += 16
    x += 4 * ELEMENT
  }
  addFour(inverse(v.fft), v.synthesis, voice.out + <usize>done * HOP * 4)
  voice.done = done + 4
}

@inline
function add(at: usize, samples: v128): void {
  v128.store(at, f32x4.add(v128.load(at), samples))
}

/** Adds four windowed frames, a hop apart, to the output. */
function addFour(samples: usize, window: usize, out: usize): void {
  for (const end = out + SIZE * 4; out < end; out += 16) {
    const weights = v128.load(window)
    const even0 = v128.load(samples, 16)
    const odd0 = v128.load(samples)
    const even1 = v128.load(samples, 48)
    const odd1 = v128.load(samples, 32)
    storeColumns(samples, samples + 16, samples + 32, samples + 48, even0, odd0, even1, odd1)
    add(out, f32x4.mul(v128.load(samples), weights))
    add(out + HOP * 4, f32x4.mul(v128.load(samples, 16), weights))
    add(out + 2 * HOP * 4, f32x4.mul(v128.load(samples, 32), weights))
    add(out + 3 * HOP * 4, f32x4.mul(v128.load(samples, 48), weights))
    samples += 64
    window += 16
  }
}

/** Divides every hop of the output by the sum of the squared windows that overlap there. */
function normalise(v: Vocoder, voice: Voice): void {
  for (let block = 0; block < voice.steps + OVERLAP - 1; block++) {
    // Inside a clip the weights are the same for every block.
    if (block < OVERLAP || block >= voice.steps) weigh(v, max(0, block - voice.steps + 1), min(OVERLAP, block + 1))
    const hop = voice.out + <usize>block * HOP * 4
    for (let i: usize = 0; i < HOP * 4; i += 16) {
      v128.store(hop + i, f32x4.div(v128.load(hop + i), v128.load(v.weights + i)))
    }
  }
}

/** Sums the squares of quarters `from` to `to` - 1 of the window. */
function weigh(v: Vocoder, from: i32, to: i32): void {
  for (let i: usize = 0; i < HOP * 4; i += 16) {
    let sum = f32x4.splat(0)
    for (let quarter = from; quarter < to; quarter++) {
      const weight = v128.load(v.window + <usize>quarter * HOP * 4 + i)
      sum = f32x4.add(sum, f32x4.mul(weight, weight))
    }
    v128.store(v.weights + i, sum)
  }
}

/** Stretches a clip of so many frames, its samples from half a frame before the first, in `count` voices at once. */
export function stretch(v: Vocoder, samples: usize, frames: i32, voices: usize, count: i32): void {
  // The frame before the first one has phase zero, so the turn to the first is that one's phase.
  for (let i: usize = 0; i < ROW; i += 16) {
    v128.store(v.previous + i, f32x4.splat(1))
    v128.store(v.previous + i, f32x4.splat(0), ROW)
  }
  for (let first = 0; first <= frames; first += 4) {
    analyseFour(v, samples, first, frames)
    for (let i = 0; i < count; i++) {
      const voice = changetype<Voice>(voices + <usize>i * offsetof<Voice>())
      if (first == 0) memory.copy(voice.phase, ringRow(v.ring, -1) + ROW, 2 * ROW)
      while (voice.done < voice.steps && frameOf(voice, voice.done + 3, frames) + 1 < first + 4) {
        speakFour(v, voice, frames)
      }
    }
  }
  for (let i = 0; i < count; i++) normalise(v, changetype<Voice>(voices + <usize>i * offsetof<Voice>()))
}
