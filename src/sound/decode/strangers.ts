import { type Foreign, text } from "./container.ts"

/** Audio that is not read here, by what it begins with: where, its bytes, its name, and what ffmpeg calls it. */
const FOREIGN: ReadonlyArray<readonly [at: number, mark: string, name: string, demuxer: string]> = [
  [0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media audio (WMA, ASF)", "asf"],
  [0, "#!AMR", "AMR, the speech coding of mobile telephones", "amr"],
  [0, "MAC ", "Monkey's Audio (APE)", "ape"],
  [0, "wvpk", "WavPack", "wv"],
  [0, "\x0b\x77", "AC-3", "ac3"],
  [0, "MPCK", "Musepack", "mpc8"],
  [0, "MP+", "Musepack", "mpc"],
  [0, "TTA1", "TTA (True Audio)", "tta"],
  [0, "DSD ", "DSD (DSF)", "dsf"],
  [0, "FRM8", "DSD (DSDIFF)", "iff"],
  [0, "\x7f\xfe\x80\x01", "DTS", "dts"],
  [0, "Creative Voice File", "a Creative VOC file", "voc"],
  [0, "NIST_1A", "a NIST SPHERE file", "nistsphere"],
  [0, "\x64\xa3", "an IRCAM file", "ircam"],
  [0, "OMA\x01", "ATRAC (OpenMG)", "oma"],
  [0, "ea3\x03", "ATRAC (OpenMG)", "oma"],
  [0, ".RMF", "RealAudio", "rm"],
  [0, "qoaf", "QOA", "qoa"],
  [0, "FLV", "a Flash video", "flv"],
  [0, "\0\0\x01\xba", "an MPEG video", "mpeg"],
  [0, ".SoX", "a file of SoX's own", "sox"],
  [0, "XoS.", "a file of SoX's own", "sox"],
  [0, "PVF1", "a PVF file", "pvf"],
  [0, "2BIT", "an AVR file", "avr"],
  [0, " paf", "an Ensoniq PARIS file", "epaf"],
  [0, "fap ", "an Ensoniq PARIS file", "epaf"],
  [8, "8SVX", "an Amiga 8SVX file", "iff"],
  [8, "AVI ", "an AVI video", "avi"]
]

/** Recognises audio that is not read here. */
export const foreign = (bytes: Uint8Array): Foreign | undefined => {
  const known = FOREIGN.find(([at, mark]) => text(bytes, at, mark.length) === mark)
  return known && { name: known[2], demuxer: known[3] }
}

/** What is no audio, or none that any program here could read, by what it begins with. */
const STRANGERS: ReadonlyArray<readonly [mark: string, name: string]> = [
  ["WAac", "a compressed recording of Wildlife Acoustics (WAC): convert it to WAV with Kaleidoscope"],
  ["MThd", "a MIDI file, which holds notes and no sound"],
  ["%PDF", "a PDF document, not audio"],
  ["\x89PNG", "a picture, not audio"],
  ["\xff\xd8\xff", "a picture, not audio"],
  ["GIF8", "a picture, not audio"],
  ["II*\0", "a picture, not audio"],
  ["MM\0*", "a picture, not audio"],
  ["\x1f\x8b", "compressed by gzip: decompress it first"],
  ["BZh", "compressed by bzip2: decompress it first"],
  ["\xfd7zXZ", "compressed by xz: decompress it first"],
  ["7z\xbc\xaf\x27\x1c", "a 7-Zip archive, not audio: extract the recordings first"],
  ["Rar!", "a RAR archive, not audio: extract the recordings first"],
  ["\x89HDF", "an HDF5 file, not audio"],
  ["\x93NUMPY", "a NumPy array, not audio: write it as WAV"],
  ["SQLite format 3", "an SQLite database, not audio"],
  ["\x7fELF", "a program, not audio"],
  ["version https://git-lfs.github.com/spec", "a Git LFS pointer, not the recording itself: run git lfs pull"]
]

/** Says what a file is that is not a recording, as far as its first bytes tell; ends "the file is ...". */
export const nameStranger = (bytes: Uint8Array): string => {
  const known = STRANGERS.find(([mark]) => text(bytes, 0, mark.length) === mark)
  if (known !== undefined) return `is ${known[1]}`
  if (text(bytes, 0, 4) === "PK\x03\x04") {
    const encrypted = ((bytes[6] ?? 0) & 1) !== 0
    return encrypted
      ? "is a ZIP archive protected by a password, not audio"
      : "is a ZIP archive, not audio: extract the recordings first"
  }
  if (text(bytes, 0, 4) === "RIFF" && text(bytes, 8, 4) === "WEBP") return "is a picture, not audio"
  if (bytes.every((byte) => byte === 0)) {
    return "holds zeros only, as a card or a transfer that failed leaves them: copy it again from where it was recorded"
  }
  const head = text(bytes, 0, 512).replace(/^\xef\xbb\xbf/, "")
  if (/^\s*</.test(head)) return "is a web page or XML, not audio"
  if (/^(\xff\xfe|\xfe\xff)/.test(head)) return "is text, not audio"
  if (!/^[\t-\r -~\x80-\xff]*$/.test(head) || !isUtf8(bytes.subarray(0, 512))) {
    return "is in no audio format that is read here"
  }
  return /^\s*[[{]/.test(head) ? "is JSON, not audio" : "is text, not audio"
}

/** Whether bytes are UTF-8, but for a letter that they cut off at the end. */
const isUtf8 = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}
