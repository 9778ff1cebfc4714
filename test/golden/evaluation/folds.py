"""Deals groups into folds with scikit-learn, for test/classifier/evaluation/folds.test.ts.

Run: pip install scikit-learn && python test/golden/evaluation/folds.py && bunx biome format --write test/golden
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.model_selection import StratifiedGroupKFold

rng = np.random.default_rng(7)
cases = []
for classes, groups, folds, mixed in [(4, 44, 5, False), (3, 17, 4, True), (6, 60, 5, True), (2, 9, 3, False)]:
    counts = np.zeros((groups, classes), int)
    for group in range(groups):
        for _ in range(2 if mixed and group % 3 == 0 else 1):
            counts[group, rng.integers(classes)] += rng.integers(1, 90 if mixed else 8)
    labels = np.concatenate([np.repeat(np.arange(classes), row) for row in counts])
    names = np.repeat(np.arange(groups), counts.sum(1))
    fold = np.full(groups, -1)
    for number, (_, test) in enumerate(StratifiedGroupKFold(folds).split(labels, labels, names)):
        fold[np.unique(names[test])] = number
    assert (fold >= 0).all()
    # Which of several empty folds a group opens is up to rounding there: folds are numbered as they first appear.
    first = list(dict.fromkeys(fold.tolist()))
    fold = np.array([first.index(number) for number in fold])
    cases.append({"classes": classes, "folds": folds, "counts": counts.tolist(), "fold": fold.tolist()})
path = pathlib.Path(__file__).with_name("folds.json")
path.write_text(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}) + "\n")
