"""Writes YAMNet as a SavedModel of TensorFlow, as TensorFlow Hub has it, from the weights as Keras writes them.

  python bench/peers/yamnet_saved_model.py yamnet.h5 OUT

A waveform [samples] at 16 kHz to scores [patches, 521], embeddings [patches, 1024] and log-mel [frames, 64]. For machines
that do not reach TensorFlow Hub: `ecosight_pipeline.py` loads it in its place. Needs tensorflow 2.15.
"""
import sys

import tensorflow as tf

RATE = 16_000
WINDOW, HOP, FFT = 400, 160, 512
BANDS, LOW, HIGH, OFFSET = 64, 125.0, 7500.0, 0.001
PATCH, PATCH_HOP = 96, 48
# Channels out and stride of the thirteen separable convolutions after the first one.
LAYERS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]


def network():
    """Patches [n, 96, 64] to scores [n, 521] and embeddings [n, 1024]; layers named as in the weights."""
    layers = tf.keras.layers

    def normalise(x, name):
        x = layers.BatchNormalization(name=f"{name}/bn", center=True, scale=False, epsilon=1e-4)(x)
        return layers.ReLU()(x)

    options = {"padding": "same", "use_bias": False}
    patches = tf.keras.Input((PATCH, BANDS))
    x = layers.Reshape((PATCH, BANDS, 1))(patches)
    x = normalise(layers.Conv2D(32, 3, 2, name="layer1/conv", **options)(x), "layer1/conv")
    for at, (channels, stride) in enumerate(LAYERS):
        name = f"layer{at + 2}/depthwise_conv"
        x = normalise(layers.DepthwiseConv2D(3, stride, name=name, **options)(x), name)
        name = f"layer{at + 2}/pointwise_conv"
        x = normalise(layers.Conv2D(channels, 1, 1, name=name, **options)(x), name)
    embeddings = layers.GlobalAveragePooling2D()(x)
    scores = layers.Activation("sigmoid")(layers.Dense(521, name="logits")(embeddings))
    return tf.keras.Model(patches, [scores, embeddings])


class Yamnet(tf.Module):
    def __init__(self, weights):
        super().__init__()
        self.network = network()
        self.network.load_weights(weights, by_name=True)
        self.mel = tf.signal.linear_to_mel_weight_matrix(BANDS, FFT // 2 + 1, RATE, LOW, HIGH)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def __call__(self, waveform):
        # Zeros after the sound, to a whole number of hops after the first patch.
        first = round(0.975 * RATE)
        samples = tf.maximum(tf.size(waveform), first)
        hops = tf.cast(tf.math.ceil((samples - first) / (PATCH_HOP * HOP)), tf.int32)
        padded = tf.pad(waveform, [[0, first + hops * PATCH_HOP * HOP - tf.size(waveform)]])
        magnitude = tf.abs(tf.signal.stft(padded, WINDOW, HOP, FFT))
        log_mel = tf.math.log(tf.matmul(magnitude, self.mel) + OFFSET)
        scores, embeddings = self.network(tf.signal.frame(log_mel, PATCH, PATCH_HOP, axis=0))
        return scores, embeddings, log_mel


if __name__ == "__main__":
    weights, out = sys.argv[1:]
    tf.saved_model.save(Yamnet(weights), out)
    print(out)
