"""Scores random predictions with scikit-learn, for test/classifier/evaluation/scores.test.ts and alarms.test.ts.

Run: pip install scikit-learn && python test/golden/evaluation/scores.py && bunx biome format --write test/golden

Weights are how often each recording counts in a resample. The calibration error is from calibration_curve's bins; recall
at a number of false alarms from roc_curve.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, f1_score, log_loss, recall_score, roc_curve

BINS = 15
rng = np.random.default_rng(5)
cases = []
for classes, recordings in [(4, 80), (2, 31), (3, 200)]:
    labels = rng.integers(0, classes, recordings)
    logits = rng.normal(size=(recordings, classes)) + 1.5 * np.eye(classes)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    # Rounded, so that some are equal: a threshold takes them together.
    probabilities = np.round(probabilities, 2 if recordings > 100 else 6)
    probabilities[:, 0] += 1 - probabilities.sum(1)
    probabilities = probabilities.astype(np.float32).astype(float)
    weights = rng.integers(0, 4, recordings)
    hours = rng.uniform(0.001, 0.01, recordings).round(6)
    predicted = probabilities.argmax(1)
    drawn = np.repeat(np.arange(recordings), weights)
    confidence, hit = probabilities.max(1)[drawn], (predicted == labels)[drawn]
    share, mean = calibration_curve(hit, confidence, n_bins=BINS)
    edges = np.linspace(0, 1, BINS + 1)
    counts = np.bincount(np.searchsorted(edges[1:-1], confidence), minlength=BINS)
    ece = (np.abs(share - mean) * counts[counts > 0]).sum() / len(drawn)
    alarms = []
    for rate in (1, 10, 60):
        # Class 1 in a background of class 0.
        own = drawn[np.isin(labels[drawn], [0, 1])]
        total = hours[drawn[labels[drawn] == 0]].sum()
        false, found, _ = roc_curve(labels[own] == 1, probabilities[own, 1], drop_intermediate=False)
        allowed = false * (labels[own] == 0).sum() <= rate * total + 1e-9
        alarms.append(float(found[allowed].max()))
    cases.append(
        {
            "classes": classes,
            "labels": labels.tolist(),
            "probabilities": probabilities.ravel().tolist(),
            "weights": weights.tolist(),
            "hours": hours.tolist(),
            "macroF1": f1_score(labels, predicted, average="macro", sample_weight=weights),
            "accuracy": accuracy_score(labels, predicted, sample_weight=weights),
            "recalls": recall_score(labels, predicted, average=None, sample_weight=weights).tolist(),
            "logLoss": log_loss(labels, np.clip(probabilities, 1e-7, 1), sample_weight=weights),
            "calibrationError": float(ece),
            "alarms": alarms,
        }
    )
path = pathlib.Path(__file__).with_name("scores.json")
path.write_text(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}) + "\n")
