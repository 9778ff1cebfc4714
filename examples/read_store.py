"""Reads what a run left in a store: the vectors by DuckDB, the model by onnxruntime and, where it is there, by Keras.

    pip install duckdb numpy onnxruntime         # and keras, h5py and jax for the .keras file
    python examples/read_store.py demo           # the folder that holds extracted_audio, embeddings and models

docs/formats.md tells every key and column. For a bucket, download `models/` and `embeddings/` first, or let DuckDB read
`s3://` itself (INSTALL httpfs).
"""

import json
import os
import pathlib
import sys
import wave

import duckdb
import numpy as np
import onnxruntime

store = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
metadata = json.loads((store / "models/model_metadata.json").read_text())
classes = metadata["classes"]

# Vectors of one recipe can be compared with each other, those of two cannot. The model names the one that it was made from.
parts = store / "embeddings" / metadata["recipe"]["id"] / "*.parquet"

# A row is a variant of a recording, by its content; `key` and `class` are of where it lay when it was embedded. A
# recording may stand in two parts, so that it is taken once.
# The embedding is the column `vector`; what the embedder gives beside it has columns of its own, in the model's order.
names = list(metadata["vectors"])
columns = ", ".join(["vector", *(f'"vector_{name}"' for name in names[1:])])
rows = duckdb.execute(
    f"SELECT DISTINCT ON (content_hash) key, class, {columns} FROM read_parquet(?) WHERE variant = 'original'", [str(parts)]
).fetchall()
keys = [key for key, *_ in rows]
labels = np.array([classes.index(name) if name in classes else -1 for _, name, *_ in rows])
# A vector is stored as the bytes of its numbers: 32-bit floats, the lowest byte first.
vectors = np.stack([np.frombuffer(b"".join(own), "<f4") for _, _, *own in rows])
embeddings = np.stack([np.frombuffer(embedding, "<f4") for _, _, embedding, *_ in rows])
print(f"{len(rows)} recordings, {' and '.join(f'{size} numbers of {name}' for name, size in metadata['vectors'].items())}")

# The classifier that is served: all vectors side by side in, a probability for each class out.
classifier = onnxruntime.InferenceSession(store / "models/classifier.onnx", providers=["CPUExecutionProvider"])
(probabilities,) = classifier.run(None, {"embedding": vectors})
right = np.mean(probabilities.argmax(1) == labels)
print(f"It names {right:.0%} of them right; most of them were in its training, so that says little. Held out, it named")
print(f"{metadata.get('test_accuracy', float('nan')):.0%} right.")

# The least certain ones are worth a listen.
for at in probabilities.max(1).argsort()[:3]:
    print(f"  unsure: {keys[at]}: {classes[probabilities[at].argmax()]}, {probabilities[at].max():.2f}")

# The whole chain in one file: 16 kHz mono samples between -1 and 1 in. YAMNet is inside.
path = store / keys[0]
if path.suffix == ".wav" and path.exists():
    with wave.open(str(path)) as recording:
        if (recording.getframerate(), recording.getnchannels(), recording.getsampwidth()) == (16000, 1, 2):
            samples = np.frombuffer(recording.readframes(recording.getnframes()), "<i2").astype(np.float32) / 32768
            whole = onnxruntime.InferenceSession(store / "models/ecosight.onnx", providers=["CPUExecutionProvider"])
            (answer,) = whole.run(None, {"waveform": samples})
            print(f"{keys[0]}, heard by ecosight.onnx: {classes[answer[0].argmax()]}, {answer[0].max():.2f}")

# The same classifier as a Keras model, for the Python product.
os.environ.setdefault("KERAS_BACKEND", "jax")
try:
    import keras
except ModuleNotFoundError:
    sys.exit("keras is not installed, so that yamnet_classifier.keras was not read.")
model = keras.models.load_model(store / "models/yamnet_classifier.keras", compile=False)
# A mixture cannot be a Keras model of embeddings alone: then this file holds another classifier, as ONNX beside it.
twin = store / "models/yamnet_classifier.onnx"
if twin.exists():
    alone = onnxruntime.InferenceSession(twin, providers=["CPUExecutionProvider"])
    (probabilities,) = alone.run(None, {"embedding": embeddings})
difference = np.abs(model.predict(embeddings, verbose=0) - probabilities).max()
print(f"Keras gives the same probabilities, to {difference:.0e}")
assert difference < 1e-4
