"""Writes what TensorFlow 2.15's own signal operations make of a waveform, with YAMNet's published parameters.

In double precision: in float32 TensorFlow is up to 2e-3 off itself in silent bands beside loud ones.

  pip install tensorflow-cpu==2.15.1
  python test/golden/yamnet_frontend.py

Gives, in test/golden/yamnet_frontend: waveform.i16 (16 kHz), log_mel.f32 [frames, 64] of that waveform padded with
silence to two patches, and mel.f32, the matrix [257, 64].
"""
import os

import numpy as np
import tensorflow as tf

SAMPLES = 20_000
PADDED = 15_600 + 7_680

folder = os.path.join(os.path.dirname(__file__), "yamnet_frontend")
os.makedirs(folder, exist_ok=True)
random = np.random.default_rng(5)
seconds = np.arange(SAMPLES) / 16_000
sweep = 0.6 * np.sin(2 * np.pi * (150 * seconds + 2800 * seconds**2)) * np.abs(np.sin(9 * seconds)) ** 4
waveform = np.round(32767 * np.clip(sweep + random.normal(0, 0.02, SAMPLES) * (seconds > 0.7), -1, 1)).astype(np.int16)
waveform.tofile(f"{folder}/waveform.i16")

padded = np.pad(waveform.astype(np.float64) / 32768, (0, PADDED - SAMPLES))
magnitudes = tf.abs(tf.signal.stft(padded, frame_length=400, frame_step=160, fft_length=512))
mel = tf.signal.linear_to_mel_weight_matrix(64, 257, 16_000, 125.0, 7_500.0, dtype=tf.float64)
mel.numpy().astype(np.float32).tofile(f"{folder}/mel.f32")
tf.math.log(magnitudes @ mel + 0.001).numpy().astype(np.float32).tofile(f"{folder}/log_mel.f32")
