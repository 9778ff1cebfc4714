"""A multinomial regression of weighted samples and a shrunk linear discriminant by scikit-learn, and that regression with a
prior by SciPy's BFGS, for test/classifier/train/linear.test.ts.

Run: pip install scikit-learn scipy && python test/golden/classifier/linear.py && bunx biome format --write test/golden
"""

import json
import pathlib

import numpy as np
import scipy.optimize
import scipy.special
import sklearn
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

SAMPLES, WIDTH, CLASSES = 60, 5, 3
DECAY, SHRINKAGE = 0.02, 0.4

random = np.random.default_rng(3)
labels = np.arange(SAMPLES) % CLASSES
centres = random.normal(size=(CLASSES, WIDTH))
samples = (centres[labels] + 1.5 * random.normal(size=(SAMPLES, WIDTH)) * np.linspace(0.5, 2, WIDTH)).astype(np.float32)
weights = random.uniform(0.2, 2, SAMPLES).astype(np.float32)

# Its loss is a sum, and half of the squares count.
regression = LogisticRegression(C=1 / (2 * SAMPLES * DECAY), tol=1e-12, max_iter=10000)
regression.fit(samples.astype(np.float64), labels, weights)
discriminant = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE)
discriminant.fit(samples.astype(np.float64), labels)

# Decay that goes towards a prior instead of zero, and is worth more.
PRIOR_DECAY = 0.2
prior = random.normal(size=(WIDTH, CLASSES)).astype(np.float32)


def loss(point: np.ndarray) -> float:
    kernel, bias = point[: WIDTH * CLASSES].reshape(WIDTH, CLASSES), point[WIDTH * CLASSES :]
    logits = samples.astype(np.float64) @ kernel + bias
    entropies = scipy.special.logsumexp(logits, axis=1) - logits[np.arange(SAMPLES), labels]
    return np.mean(weights * entropies) + PRIOR_DECAY * np.sum((kernel - prior) ** 2)


found = scipy.optimize.minimize(loss, np.zeros((WIDTH + 1) * CLASSES), method="BFGS", options={"gtol": 1e-8})
with_prior = samples @ found.x[: WIDTH * CLASSES].reshape(WIDTH, CLASSES) + found.x[WIDTH * CLASSES :]

values = {
    "scikit-learn": sklearn.__version__,
    "scipy": scipy.__version__,
    "decay": DECAY,
    "priorDecay": PRIOR_DECAY,
    "prior": prior.ravel().tolist(),
    "shrinkage": SHRINKAGE,
    "labels": labels.tolist(),
    "samples": samples.ravel().tolist(),
    "weights": weights.tolist(),
    "regression": regression.predict_proba(samples).ravel().tolist(),
    "regressionWithPrior": scipy.special.softmax(with_prior, axis=1).ravel().tolist(),
    "discriminant": discriminant.predict_proba(samples).ravel().tolist(),
}
pathlib.Path(__file__).with_name("linear.json").write_text(json.dumps(values) + "\n")
