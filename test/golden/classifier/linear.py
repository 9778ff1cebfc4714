"""A multinomial regression of weighted samples and a shrunk linear discriminant by scikit-learn, for test/classifier/train/linear.test.ts.

Run: pip install scikit-learn && python test/golden/classifier/linear.py && bunx biome format --write test/golden
"""

import json
import pathlib

import numpy as np
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

values = {
    "scikit-learn": sklearn.__version__,
    "decay": DECAY,
    "shrinkage": SHRINKAGE,
    "labels": labels.tolist(),
    "samples": samples.ravel().tolist(),
    "weights": weights.tolist(),
    "regression": regression.predict_proba(samples).ravel().tolist(),
    "discriminant": discriminant.predict_proba(samples).ravel().tolist(),
}
pathlib.Path(__file__).with_name("linear.json").write_text(json.dumps(values) + "\n")
