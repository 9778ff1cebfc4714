"""Paired bootstrap intervals of a difference in macro-F1 over whole sources, by scikit-learn and SciPy.

pip install scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6; python make_bootstrap.py > bootstrap.json
"""

import json

import numpy as np
from scipy.stats import bootstrap
from sklearn.metrics import f1_score


def macro_f1(labels, predictions):
    return f1_score(labels, predictions, labels=np.unique(labels), average="macro", zero_division=0)


def case(seed, sources, most, classes, accuracy, other_accuracy):
    """Sources of up to `most` recordings, which share their label, and half the time what is guessed for them."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(sources), random.integers(1, most + 1, sources))
    labels = random.integers(0, classes, sources)[groups]
    count = len(groups)

    def guess(share):
        luck = np.where(random.random(count) < 0.5, random.random(sources)[groups], random.random(count))
        return np.where(luck < share, labels, random.integers(0, classes, count))

    candidate, promoted = guess(accuracy), guess(other_accuracy)

    def difference(drawn):
        rows = np.concatenate([np.flatnonzero(groups == source) for source in drawn])
        return macro_f1(labels[rows], candidate[rows]) - macro_f1(labels[rows], promoted[rows])

    interval = bootstrap(
        (np.arange(sources),),
        difference,
        n_resamples=10_000,
        vectorized=False,
        method="percentile",
        rng=seed,
    ).confidence_interval
    return {
        "classes": classes,
        "groups": groups.tolist(),
        "labels": labels.tolist(),
        "candidate": candidate.tolist(),
        "promoted": promoted.tolist(),
        "macroF1": [macro_f1(labels, candidate), macro_f1(labels, promoted)],
        "interval": [interval.low, interval.high],
    }


print(json.dumps([case(1, 60, 1, 4, 0.8, 0.7), case(2, 60, 6, 3, 0.9, 0.5), case(3, 30, 3, 2, 0.6, 0.8)]))
