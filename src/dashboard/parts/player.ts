import WaveSurfer from "wavesurfer.js"
import Regions from "wavesurfer.js/plugins/regions"
import Spectrogram from "wavesurfer.js/plugins/spectrogram"
import { dataOf, fetchSound, service } from "../api.ts"
import { h, select } from "./elements.ts"
import { attempt } from "./toast.ts"

let playing: { readonly end: () => void; readonly turn: () => void } | undefined

/** Ends what plays: its place on the page goes. */
export const silence = (): void => {
  playing?.end()
  playing = undefined
}

/** Plays what is in the player, or pauses it. */
export const playOrPause = (): void => playing?.turn()

/** What of a sound is meant, in seconds from its beginning, and whether it is played at once. */
export interface Shown {
  readonly start: number
  readonly end: number
  readonly isPlayed: boolean
}

/** A recording with waveform, spectrogram and a button; the one before it goes. What is meant of it is marked. */
export const player = (title: string, sound: Blob, shown?: Shown): HTMLElement => {
  silence()
  const wave = h("div", { class: "wave" })
  const button = h("button", { class: "primary", disabled: true, click: () => void surfer.playPause() }, "Play")
  const problem = h("p", { class: "problem", role: "alert" })
  const style = getComputedStyle(document.documentElement)
  const surfer = WaveSurfer.create({
    container: wave,
    height: 80,
    sampleRate: 16_000,
    // A recorder in the field hears from afar.
    normalize: shown !== undefined,
    waveColor: style.getPropertyValue("--quiet").trim(),
    progressColor: style.getPropertyValue("--accent").trim(),
    cspNonce: document.querySelector<HTMLMetaElement>("meta[name=nonce]")!.content,
    plugins: [
      Spectrogram.create({ height: 140, labels: true, scale: "mel", fftSamples: 512, labelsBackground: "#0008" })
    ]
  })
  surfer.on("ready", () => {
    button.disabled = false
    if (shown === undefined) return
    const { start, end, isPlayed } = shown
    const color = `color-mix(in srgb, ${style.getPropertyValue("--second").trim()} 35%, transparent)`
    surfer.registerPlugin(Regions.create()).addRegion({ start, end, color, drag: false, resize: false })
    // A browser plays nothing of a page on which nobody has pressed anything.
    if (isPlayed) surfer.play().catch(() => {})
  })
  surfer.on("play", () => button.replaceChildren("Pause"))
  surfer.on("pause", () => button.replaceChildren("Play"))
  surfer.on("error", () => problem.replaceChildren("This browser cannot play this recording."))
  surfer.loadBlob(sound).catch(() => problem.replaceChildren("This browser cannot play this recording."))
  const element = h(
    "div",
    { class: "player" },
    h("div", { class: "row" }, button, h("strong", {}, title)),
    wave,
    problem
  )
  playing = {
    turn: () => {
      if (!button.disabled) void surfer.playPause()
    },
    end: () => {
      surfer.destroy()
      element.remove()
    }
  }
  return element
}

/** Fetches a recording, or a variant of it, and shows it in the player at a place on the page. */
export const listen = (place: HTMLElement, title: string, key: string, variant?: string): Promise<void> =>
  attempt(async () => place.replaceChildren(player(title, await fetchSound(key, variant))))

/** The same with the variants of it that a training used, to choose from. */
export const listenWithVariants = (
  place: HTMLElement,
  { key, name }: { readonly key: string; readonly name: string }
): Promise<void> =>
  attempt(async () => {
    const stage = h("div", {})
    const hear = (variant: string) =>
      listen(stage, variant === "" ? name : `${name}, ${inWords(variant)}`, key, variant)
    const { variants } = await dataOf(service.clips.variants.get({ query: { key } }))
    const choice = select([["", "the recording"], ...variants.map((variant) => [variant, inWords(variant)] as const)], {
      change: () => void hear(choice.value)
    })
    place.replaceChildren(
      stage,
      ...(variants.length === 0 ? [] : [h("label", { class: "stack" }, "Variant used in training", choice)])
    )
    await hear("")
  })

const inWords = (variant: string): string => variant.replaceAll("_", " ")
