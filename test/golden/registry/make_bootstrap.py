"""Paired bootstrap intervals of a difference in macro-F1, by scikit-learn and SciPy.

pip install scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6; python make_bootstrap.py > bootstrap.json
"""

import json

import numpy as np
from scipy.stats import bootstrap
from sklearn.metrics import f1_score


def macro_f1(labels, predictions):
    return f1_score(labels, predictions, labels=np.unique(labels), average="macro", zero_division=0)


def case(seed, count, classes, accuracy, other_accuracy):
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, count)

    def guess(share):
        return np.where(random.random(count) < share, labels, random.integers(0, classes, count))

    candidate, promoted = guess(accuracy), guess(other_accuracy)

    def difference(labels, candidate, promoted):
        return macro_f1(labels, candidate) - macro_f1(labels, promoted)

    interval = bootstrap(
        (labels, candidate, promoted),
        difference,
        n_resamples=10_000,
        paired=True,
        vectorized=False,
        method="percentile",
        rng=seed,
    ).confidence_interval
    return {
        "classes": classes,
        "labels": labels.tolist(),
        "candidate": candidate.tolist(),
        "promoted": promoted.tolist(),
        "macroF1": [macro_f1(labels, candidate), macro_f1(labels, promoted)],
        "interval": [interval.low, interval.high],
    }


print(json.dumps([case(1, 60, 4, 0.8, 0.7), case(2, 200, 3, 0.9, 0.5), case(3, 30, 2, 0.6, 0.8)]))
