"""Has Keras 2 (TensorFlow 2.15) write a yamnet.h5 and run it, for test/yamnet/keras.test.ts to read and compare.

  python test/cross/yamnet_h5.py OUT [--code research/audioset/yamnet] [--weights FOLDER]
  ECOSIGHT_YAMNET_H5=OUT bun test test/yamnet/keras.test.ts

OUT receives yamnet.h5, patches.f32 [n, 96, 64] and embeddings.f32 [n, 1024]. With --code the model is built by
YAMNet's published code (github.com/tensorflow/models), and log_mel.f32 and waveform.f32 come from its front-end too;
otherwise the layers are made here under the same names, which is all that the file shows of them. With --weights the
numbers are those of a TensorFlow.js model folder, unfolded into a batch normalisation that is drawn; otherwise all
are drawn.
"""
import argparse
import json
import os
import sys

import numpy as np
import tensorflow as tf

EPSILON = 1e-4
FILTERS = [(1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *[(1, 512)] * 5, (2, 1024), (1, 1024)]


def own_model():
    layers = tf.keras.layers

    def normalised(x, name):
        x = layers.BatchNormalization(name=f"{name}/bn", scale=False, epsilon=EPSILON)(x)
        return layers.ReLU(name=f"{name}/relu")(x)

    patches = layers.Input((96, 64))
    x = layers.Reshape((96, 64, 1))(patches)
    x = normalised(layers.Conv2D(32, 3, 2, "same", use_bias=False, name="layer1/conv")(x), "layer1/conv")
    for index, (stride, filters) in enumerate(FILTERS, 2):
        depthwise, pointwise = f"layer{index}/depthwise_conv", f"layer{index}/pointwise_conv"
        x = normalised(layers.DepthwiseConv2D(3, stride, "same", use_bias=False, name=depthwise)(x), depthwise)
        x = normalised(layers.Conv2D(filters, 1, 1, "same", use_bias=False, name=pointwise)(x), pointwise)
    x = layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(patches, x)
    full = tf.keras.Model(patches, layers.Dense(521)(x))
    return full, model


def published_model(code):
    sys.path.insert(0, code)
    import params
    import yamnet

    model = yamnet.yamnet_frames_model(params.Params())
    pooling = model.get_layer("global_average_pooling2d")
    first = model.get_layer("layer1/conv")
    inner = tf.keras.Model(first.input, pooling.output)
    return model, tf.keras.Sequential([tf.keras.layers.Reshape((96, 64, 1)), inner])


def folded_weights(folder):
    model = json.load(open(f"{folder}/model.json"))
    found = {}
    for group in model["weightsManifest"]:
        raw, at = b"".join(open(f"{folder}/{path}", "rb").read() for path in group["paths"]), 0
        for weight in group["weights"]:
            size = 4 * int(np.prod(weight["shape"]))
            found[weight["name"]] = np.frombuffer(raw[at : at + size], np.float32).reshape(weight["shape"])
            at += size
    return lambda layer, end: next(v for k, v in found.items() if f"/{layer}/" in k and k.endswith(end))


def fill(model, folded, random):
    for layer in model.layers:
        if not layer.name.endswith("conv"):
            continue
        (kernel,) = layer.get_weights()
        depthwise = layer.name.endswith("depthwise_conv")
        channels = kernel.shape[2 if depthwise else 3]
        mean, variance = random.normal(0, 0.3, channels), random.uniform(0.3, 2, channels)
        deviation = np.sqrt(variance + EPSILON)
        if folded:
            kernel = folded(layer.name, "_weights") * (deviation[:, None] if depthwise else deviation)
            beta = folded(layer.name, "_offset") + mean / deviation
        else:
            fan_in = np.prod(kernel.shape[:2]) * (1 if depthwise else kernel.shape[2])
            kernel, beta = random.normal(0, np.sqrt(2 / fan_in), kernel.shape), random.normal(0, 0.1, channels)
        layer.set_weights([kernel])
        model.get_layer(f"{layer.name}/bn").set_weights([beta, mean, variance])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--code")
    parser.add_argument("--weights")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    random = np.random.default_rng(0)
    model, embed = published_model(options.code) if options.code else own_model()
    fill(model, folded_weights(options.weights) if options.weights else None, random)
    model.save_weights(f"{options.out}/yamnet.h5")

    def write(name, values):
        np.asarray(values, np.float32).tofile(f"{options.out}/{name}.f32")

    patches = random.normal(-3, 2, (3, 96, 64)).astype(np.float32)
    write("patches", patches)
    write("embeddings", embed(patches, training=False))
    if options.code:
        waveform = (random.normal(0, 0.1, 40_000) * np.linspace(0, 1, 40_000)).astype(np.float32)
        write("waveform", waveform)
        write("log_mel", model(waveform, training=False)["log_mel_spectrogram"])
