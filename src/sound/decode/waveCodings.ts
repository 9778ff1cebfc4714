/** What else than plain numbers a WAV file may hold, by the code of its format chunk. */
const CODINGS: Readonly<Record<number, string>> = {
  2: "ADPCM",
  16: "OKI ADPCM",
  17: "IMA ADPCM",
  20: "G.723 ADPCM",
  32: "Yamaha ADPCM",
  34: "TrueSpeech",
  49: "GSM 6.10",
  56: "NMS ADPCM",
  64: "G.721 ADPCM",
  66: "G.723.1",
  69: "G.726 ADPCM",
  80: "MPEG audio",
  85: "MP3",
  100: "G.726 ADPCM",
  131: "G.729",
  255: "AAC",
  352: "Windows Media Audio 1",
  353: "Windows Media Audio 2",
  354: "Windows Media Audio Pro",
  355: "Windows Media Audio Lossless",
  624: "ATRAC3",
  5632: "AAC",
  5648: "AAC",
  8192: "AC-3",
  8193: "DTS",
  22358: "WavPack",
  26447: "Vorbis",
  26448: "Vorbis",
  26449: "Vorbis",
  41222: "AAC",
  61868: "FLAC"
}

/** "compressed by GSM 6.10" */
export const waveCoding = (code: number): string =>
  CODINGS[code] === undefined
    ? `in a coding that is not known here (0x${code.toString(16)})`
    : `compressed by ${CODINGS[code]}`
