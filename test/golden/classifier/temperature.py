"""Fits temperatures with SciPy, for test/classifier/calibrate.test.ts.

Run: pip install scipy && python test/golden/classifier/temperature.py && bunx biome format --write test/golden
"""

import json
import pathlib

import numpy as np
import scipy
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

rng = np.random.default_rng(9)
cases = []
# Too sure, not sure enough, and all of them right: without Platt's targets the last would be 0.
for classes, recordings, sharpness, separable in [(4, 120, 3.0, False), (3, 60, 0.3, False), (4, 40, 1.0, True)]:
    labels = rng.integers(0, classes, recordings)
    logits = rng.normal(size=(recordings, classes)) + (9 if separable else 1.5) * np.eye(classes)[labels]
    probabilities = np.exp(log_softmax(sharpness * logits, axis=1)).astype(np.float32).astype(float)
    target = np.full((recordings, classes), 1 / (recordings + 2) / (classes - 1))
    target[np.arange(recordings), labels] = (recordings + 1) / (recordings + 2)

    def loss(log_temperature):
        return -(target * log_softmax(np.log(probabilities) / np.exp(log_temperature), axis=1)).sum()

    best = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded", options={"xatol": 1e-9})
    cases.append(
        {"labels": labels.tolist(), "probabilities": probabilities.ravel().tolist(), "temperature": float(np.exp(best.x))}
    )
path = pathlib.Path(__file__).with_name("temperature.json")
path.write_text(json.dumps({"scipy": scipy.__version__, "cases": cases}) + "\n")
