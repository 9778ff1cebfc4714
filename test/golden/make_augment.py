# /// script
# dependencies = ["librosa==0.11.0", "numpy==2.4.6", "soxr==1.1.0"]
# ///
"""Golden vectors for stretch, pitch and resampling, from librosa: run with `uv run make_augment.py` or in a venv.

The signal is short and has what breaks vocoders and resamplers: a chirp, two tones, clicks, noise up to the band's
edge and a silent beginning. librosa is given double precision, because in single precision its phase vocoder strays
from itself by 4e-3: it adds up angles that reach 1e5.
"""

from pathlib import Path

import librosa
import numpy as np
import soxr

FOLDER = Path(__file__).parent / "augment"
RATE = 16_000


def make_signal() -> np.ndarray:
    n = 12_000
    t = np.arange(n) / RATE
    chirp = 0.3 * np.sin(2 * np.pi * (200 * t + 2400 * t**2))
    tones = 0.2 * np.sin(2 * np.pi * 440 * t) + 0.1 * np.sin(2 * np.pi * 5300 * t + 1)
    noise = 0.05 * np.random.default_rng(7).standard_normal(n)
    signal = chirp + tones + noise
    for place in (3000, 7000, 10_500):
        signal[place : place + 40] += 0.4 * np.hanning(40)
    signal[:1500] = 0
    return signal.astype(np.float32)


def save(name: str, samples: np.ndarray) -> None:
    samples.astype("<f4").tofile(FOLDER / f"{name}.f32")


FOLDER.mkdir(exist_ok=True)
signal = make_signal()
save("signal", signal)
exact = signal.astype(np.float64)
for speed in (1.1, 0.9, 1.05, 2.9):
    save(f"stretch_{speed}", librosa.effects.time_stretch(exact, rate=speed))
for semitones in (2, -2, 1):
    save(f"pitch_{semitones}", librosa.effects.pitch_shift(exact, sr=RATE, n_steps=semitones))
# The same samples read as if recorded at other rates.
for rate in (8000, 22_050, 44_100, 48_000):
    save(f"resample_{rate}", soxr.resample(exact, rate, RATE, quality="HQ"))
