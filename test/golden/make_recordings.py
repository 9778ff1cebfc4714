# /// script
# dependencies = ["librosa==0.11.0", "numpy==2.4.6", "soundfile==0.14.0", "soxr==1.1.0"]
# ///
"""Short recordings in every format that is read, written by libsndfile and by ffmpeg, and what they should become.

Beside each `<name>` stands `<name>.f32`: the file as libsndfile (else ffmpeg) decodes it, its channels averaged,
resampled by soxr to 16 kHz. Run with `uv run make_recordings.py` or in a venv; needs ffmpeg (5.1 was used).
"""

import subprocess
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

FOLDER = Path(__file__).parent / "recordings"
RATE = 22_050

# What libsndfile writes: name -> container, coding, channels, rate.
SNDFILE = {
    "wav_u8.wav": ("WAV", "PCM_U8", 1, RATE),
    "wav_16.wav": ("WAV", "PCM_16", 1, RATE),
    "wav_16_stereo.wav": ("WAV", "PCM_16", 2, RATE),
    "wav_24.wav": ("WAV", "PCM_24", 1, RATE),
    "wav_32.wav": ("WAV", "PCM_32", 1, RATE),
    "wav_float.wav": ("WAV", "FLOAT", 1, RATE),
    "wav_double.wav": ("WAV", "DOUBLE", 1, RATE),
    "wav_alaw.wav": ("WAV", "ALAW", 1, RATE),
    "wav_ms_adpcm.wav": ("WAV", "MS_ADPCM", 1, RATE),
    "wavex_24_stereo.wav": ("WAVEX", "PCM_24", 2, RATE),
    "wavex_float.wav": ("WAVEX", "FLOAT", 1, RATE),
    "wav_8khz.wav": ("WAV", "PCM_16", 1, 8000),
    "wav_192khz.wav": ("WAV", "PCM_16", 1, 192_000),
    "aiff_16_stereo.aiff": ("AIFF", "PCM_16", 2, RATE),
    "aiff_float.aiff": ("AIFF", "FLOAT", 1, RATE),
    "caf_24.caf": ("CAF", "PCM_24", 1, RATE),
    "flac_16_stereo.flac": ("FLAC", "PCM_16", 2, RATE),
    "flac_24.flac": ("FLAC", "PCM_24", 1, RATE),
    "vorbis_stereo.ogg": ("OGG", "VORBIS", 2, RATE),
    "mp3_stereo.mp3": ("MP3", "MPEG_LAYER_III", 2, RATE),
}

# What ffmpeg writes. `+bitexact` keeps its version out of the files.
FFMPEG = {
    "opus.opus": ["-c:a", "libopus", "-ar", "48000", "-b:a", "64k"],
    "ogg_flac.oga": ["-c:a", "flac", "-f", "ogg"],
    "alac.m4a": ["-c:a", "alac"],
    "aac.m4a": ["-c:a", "aac"],
    "opus.webm": ["-c:a", "libopus", "-ar", "48000", "-b:a", "64k"],
    "mp3_no_tags.mp3": ["-c:a", "libmp3lame", "-write_xing", "0", "-id3v2_version", "0"],
}


def make_sound(rate: int, channels: int) -> np.ndarray:
    t = np.arange(int(0.15 * rate)) / rate
    rng = np.random.default_rng(channels)
    tones = [0.6 * np.sin(2 * np.pi * f * t + f) for f in (500, 1300)]
    noise = 0.02 * rng.standard_normal((channels, len(t)))
    return (np.array(tones[:channels]) + noise).T.clip(-1, 1)


def decode_with_ffmpeg(path: Path) -> tuple[np.ndarray, int]:
    probe = ["ffprobe", "-v", "error", "-show_entries", "stream=sample_rate,channels", "-of", "csv=p=0", path]
    rate, channels = (int(x) for x in subprocess.run(probe, check=True, capture_output=True, text=True).stdout.split(","))
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "f32le", "-"], check=True, capture_output=True).stdout
    return np.frombuffer(raw, "<f4").reshape(-1, channels), rate


FOLDER.mkdir(exist_ok=True)
for name, (container, coding, channels, rate) in SNDFILE.items():
    sf.write(FOLDER / name, make_sound(rate, channels), rate, format=container, subtype=coding)
for name, options in FFMPEG.items():
    source = FOLDER / "wav_16_stereo.wav"
    exact = ["-fflags", "+bitexact", "-flags", "+bitexact"]
    subprocess.run(["ffmpeg", "-y", "-v", "error", "-i", source, *options, *exact, FOLDER / name], check=True)

for name in [*SNDFILE, *FFMPEG]:
    path = FOLDER / name
    try:
        samples, rate = sf.read(path, always_2d=True)
    except sf.LibsndfileError:
        samples, rate = decode_with_ffmpeg(path)
    soxr.resample(samples.mean(axis=1), rate, 16_000, quality="HQ").astype("<f4").tofile(FOLDER / f"{name}.f32")
