"""librosa's stretch, pitch shift and resampling on one core, one JSON line a figure: × real time.

The environment keeps NumPy's and SciPy's libraries to one thread; clips are float32, as librosa loads them.
"""
import json
import sys

from timing import tell, time_calls

SECONDS = 4
RATE = 16_000


try:
    import librosa
    import numpy as np
except ImportError as missing:
    print(json.dumps({"absent": str(missing)}))
    sys.exit()


def measure(row, what, work):
    times = time_calls(json.loads(sys.argv[1])["seconds"], work)
    tell(f"librosa {librosa.__version__}", row, what, [SECONDS / seconds for seconds in times])


random = np.random.default_rng(1)
t = np.arange(SECONDS * RATE) / RATE
clip = (0.3 * np.sin(2 * np.pi * (200 * t + 300 * t**2)) + 0.05 * random.standard_normal(t.size)).astype(np.float32)

for name, rate in (("time_stretch_fast", 1.1), ("time_stretch_slow", 0.9)):
    measure("transforms", name, lambda: librosa.effects.time_stretch(clip, rate=rate))
for name, semitones in (("pitch_up", 2), ("pitch_down", -2)):
    measure("transforms", name, lambda: librosa.effects.pitch_shift(clip, sr=RATE, n_steps=semitones))
for rate in (8000, 22_050, 44_100, 48_000):
    samples = random.uniform(-0.5, 0.5, SECONDS * rate).astype(np.float32)
    measure("resample", f"{rate:,} Hz", lambda: librosa.resample(samples, orig_sr=rate, target_sr=RATE))
