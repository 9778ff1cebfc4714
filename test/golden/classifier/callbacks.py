"""Runs Keras' EarlyStopping and ReduceLROnPlateau on made-up validation losses, for test/classifier/train/fit.test.ts.

Run: pip install "tensorflow-cpu==2.15.*" && python test/golden/classifier/callbacks.py && bunx biome format --write test/golden
"""

import json
import pathlib

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(4)
cases = []
for kind in ["falls", "rises", "wanders", "wanders", "creeps", "wanders"]:
    epochs = np.arange(60)
    losses = {
        "falls": np.exp(-epochs / 20),
        "rises": 0.5 + epochs / 100,
        "wanders": np.exp(-epochs / 8) + 0.1 * rng.random(60),
        "creeps": 1 - epochs * 3e-5,
    }[kind].round(6)
    model = tf.keras.Sequential([tf.keras.layers.Input((1,)), tf.keras.layers.Dense(1)])
    model.compile(optimizer=tf.keras.optimizers.Adam(1e-3), loss="mse")
    stopping = tf.keras.callbacks.EarlyStopping(monitor="val_loss", patience=15, restore_best_weights=True)
    plateau = tf.keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=7)
    rates = []
    for callback in (stopping, plateau):
        callback.set_model(model)
        callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        rates.append(float(model.optimizer.learning_rate.numpy()))
        logs = {"val_loss": float(loss)}
        stopping.on_epoch_end(epoch, logs)
        plateau.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    cases.append({"kind": kind, "losses": losses.tolist(), "rates": rates, "bestEpoch": stopping.best_epoch + 1})
path = pathlib.Path(__file__).with_name("callbacks.json")
path.write_text(json.dumps({"tensorflow": tf.__version__, "cases": cases}) + "\n")
