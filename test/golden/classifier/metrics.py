"""Scores random predictions with scikit-learn, for test/classifier/evaluate.test.ts.

Run: pip install scikit-learn && python test/golden/classifier/metrics.py && bunx biome format --write test/golden
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support

rng = np.random.default_rng(20)
cases = []
# The last case has classes that are never right, never predicted and never there.
for classes, recordings, present in [(4, 60, 4), (2, 9, 2), (6, 40, 4)]:
    labels = rng.integers(0, present, recordings)
    logits = rng.normal(size=(recordings, classes)) + 1.2 * np.eye(classes)[labels]
    if present < classes:
        logits[:, 1] = -9
    probabilities = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
    predicted = probabilities.argmax(1)
    every = list(range(classes))
    precision, recall, f1, support = precision_recall_fscore_support(labels, predicted, labels=every, zero_division=0)
    cases.append(
        {
            "labels": labels.tolist(),
            "probabilities": [float(p) for p in probabilities.ravel()],
            "accuracy": accuracy_score(labels, predicted),
            "loss": log_loss(labels, probabilities.astype(float) / probabilities.astype(float).sum(1, keepdims=True), labels=every),
            "macroF1": float(f1[support > 0].mean()),
            "precision": precision.tolist(),
            "recall": recall.tolist(),
            "f1": f1.tolist(),
            "support": support.tolist(),
            "confusion": confusion_matrix(labels, predicted, labels=every).tolist(),
        }
    )
path = pathlib.Path(__file__).with_name("metrics.json")
path.write_text(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}) + "\n")
