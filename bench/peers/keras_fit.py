"""Keras' fit of EcoSight's network on the processor, one JSON line a figure: milliseconds per epoch.

The same layers, batches and number of samples as in ../training.ts, on all threads.
"""
import json
import os
import sys
import time

from timing import tell

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
try:
    import keras
    import numpy as np
except ImportError as missing:
    print(json.dumps({"absent": str(missing)}))
    sys.exit()

SAMPLES = 3000
CLASSES = 4


class Clock(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.times = []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.times.append(1000 * (time.perf_counter() - self.began))


arguments = json.loads(sys.argv[1])
random = np.random.default_rng(1)
embeddings = random.uniform(-1, 1, (SAMPLES, 1024)).astype(np.float32)
labels = np.arange(SAMPLES) % CLASSES
for batch in (64, 256):
    layers = [keras.Input((1024,))]
    for units, dropout in ((512, 0.5), (256, 0.4), (128, 0.3), (64, 0.2)):
        layers += [keras.layers.Dense(units, activation="relu"), keras.layers.BatchNormalization(), keras.layers.Dropout(dropout)]
    model = keras.Sequential([*layers, keras.layers.Dense(CLASSES, activation="softmax")])
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    clock = Clock()
    warm_up = 2
    epochs = warm_up + max(5, int(np.ceil(3 * arguments["seconds"])))
    model.fit(embeddings, labels, batch_size=batch, epochs=epochs, verbose=0, callbacks=[clock])
    tell(f"Keras {keras.__version__} on {keras.backend.backend()}", "training", f"batch {batch}", clock.times[warm_up:])
