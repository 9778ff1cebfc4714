"""Nearest neighbours by scikit-learn, exact tests and cross-correlation by SciPy, for test/review.

Run: pip install scikit-learn scipy && python test/golden/review/review.py && bunx biome format --write test/golden
"""

import json
import pathlib

import numpy as np
import scipy
import sklearn
from scipy.signal import correlate
from scipy.stats import fisher_exact, hypergeom
from sklearn.neighbors import NearestNeighbors

rng = np.random.default_rng(3)
vectors = rng.normal(size=(40, 6)).round(3)
similarity, index = NearestNeighbors(n_neighbors=6, metric="cosine", algorithm="brute").fit(vectors).kneighbors(vectors)

# One class: [new agreeing, new disagreeing, old agreeing, old disagreeing]; several: one such line for each class.
tables = [[[66, 34, 270, 30]], [[12, 8, 50, 4]], [[5, 0, 9, 3]], [[30, 10, 55, 5], [3, 9, 6, 14], [0, 0, 20, 4]]]


def stratified(table):
    distribution, observed = np.ones(1), 0
    for a, b, c, d in table:
        if a + b == 0 or c + d == 0:
            continue
        distribution = np.convolve(distribution, hypergeom.pmf(np.arange(a + b + 1), a + b + c + d, a + c, a + b))
        observed += a
    return float(distribution[: observed + 1].sum())


cases = []
for table in tables:
    p = stratified(table)
    if len(table) == 1:
        a, b, c, d = table[0]
        assert abs(p - fisher_exact([[a, b], [c, d]], alternative="less")[1]) < 1e-12
    cases.append({"table": table, "p": p})
one = rng.normal(size=50).round(3)
other = np.concatenate([rng.normal(size=9), -0.5 * one[:30], rng.normal(size=4)]).round(3)
a, b = np.diff(one), np.diff(other)
peak = np.abs(correlate(a, b)).max() / np.sqrt((a**2).sum() * (b**2).sum())
content = {
    "scikit-learn": sklearn.__version__,
    "scipy": scipy.__version__,
    "vectors": vectors.tolist(),
    "indices": index[:, 1:].tolist(),
    "similarities": (1 - similarity[:, 1:]).round(7).tolist(),
    "tests": cases,
    "signals": [one.tolist(), other.tolist()],
    "correlation": float(peak),
}
pathlib.Path(__file__).with_name("review.json").write_text(json.dumps(content) + "\n")
