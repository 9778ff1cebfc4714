"""Writes embedders as people have them, an ONNX file with embedder.json beside it, by another exporter than this project's.

  python bench/peers/onnx_embedders.py yamnet yamnet.h5 OUT        # YAMNet from Keras' weights, waveform in
  python bench/peers/onnx_embedders.py small RECORDINGS OUT        # a small network, trained on <class>/* in RECORDINGS

Needs torch, onnx, numpy; h5py for the first, soundfile and scipy for the second. Then:

  bun run migrate --store STORE --to OUT/model.onnx
"""
import argparse
import hashlib
import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

from yamnet_network import LAYERS, Yamnet


class LogMel(torch.nn.Module):
    """A waveform [n, samples] to log-mel frames [n, 1, frames, bands], with a window and hop in samples."""

    def __init__(self, rate, window, hop, fft, bands, low, high, offset):
        super().__init__()
        self.window, self.hop, self.offset = window, hop, offset
        n = np.arange(window)
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / window)
        turns = 2 * np.pi * np.outer(n, np.arange(fft // 2 + 1)) / fft
        fourier = np.concatenate([hann[:, None] * np.cos(turns), -hann[:, None] * np.sin(turns)], axis=1)
        self.register_buffer("fourier", torch.tensor(fourier, dtype=torch.float32))
        mel = lambda hertz: 1127 * np.log1p(np.asarray(hertz, float) / 700)
        edges = np.linspace(mel(low), mel(high), bands + 2)
        bins = mel(np.arange(fft // 2 + 1) * rate / fft)[:, None]
        rise, fall = (bins - edges[:-2]) / np.diff(edges)[:-1], (edges[2:] - bins) / np.diff(edges)[1:]
        matrix = np.maximum(0, np.minimum(rise, fall))
        matrix[0] = 0
        self.register_buffer("mel", torch.tensor(matrix, dtype=torch.float32))

    def forward(self, waveform):
        frames = waveform.unfold(1, self.window, self.hop)
        real, imaginary = torch.matmul(frames, self.fourier).chunk(2, dim=2)
        magnitude = torch.sqrt(real * real + imaginary * imaginary)
        return torch.log(torch.matmul(magnitude, self.mel) + self.offset).unsqueeze(1)


def yamnet(weights):
    import h5py

    network = Yamnet()
    with h5py.File(weights) as file:
        tensors = {}
        file.visititems(lambda name, it: tensors.update({name: it[()]}) if hasattr(it, "shape") else None)

    def fill(convolution, name, kernel):
        """Folds the batch normalisation in, which has no scale."""
        find = lambda what: next(v for key, v in tensors.items() if key.startswith(f"{name}/") and key.endswith(what))
        scale = 1 / np.sqrt(find("moving_variance:0") + 1e-4)
        values = find(kernel)
        # [height, width, in, out] to [out, in, height, width]; a depthwise kernel has its channels third.
        values = values.transpose(2, 3, 0, 1) if "depthwise" in kernel else values.transpose(3, 2, 0, 1)
        convolution.weight.data = torch.tensor(values * scale[:, None, None, None])
        convolution.bias.data = torch.tensor(find("beta:0") - find("moving_mean:0") * scale)

    fill(network.stem, "layer1/conv", "conv/kernel:0")
    for at in range(len(LAYERS)):
        fill(network.depthwise[at], f"layer{at + 2}/depthwise_conv", "depthwise_kernel:0")
        fill(network.pointwise[at], f"layer{at + 2}/pointwise_conv", "pointwise_conv/kernel:0")
    front = LogMel(16_000, 400, 160, 512, 64, 125, 7500, 0.001)
    about = {"id": "yamnet-torch", "sample_rate": 16_000, "window": 0.975, "hop": 0.48, "outputs": {"embedding": 1024}}
    return torch.nn.Sequential(front, network), {**about, "licence": "Apache-2.0 (the YAMNet authors)"}


class Small(torch.nn.Module):
    """2 s at 32 kHz to 256 floats: four convolutions, then mean and maximum over time and frequency."""

    def __init__(self):
        super().__init__()
        self.front = LogMel(32_000, 800, 400, 1024, 64, 50, 15_000, 0.001)
        self.norms = torch.nn.ModuleList([torch.nn.BatchNorm2d(n) for n in (16, 32, 64, 128)])
        sizes = [(1, 16), (16, 32), (32, 64), (64, 128)]
        self.convolutions = torch.nn.ModuleList([torch.nn.Conv2d(i, o, 3, 2, 1, bias=False) for i, o in sizes])

    def forward(self, waveform):
        x = self.front(waveform)
        for convolution, norm in zip(self.convolutions, self.norms):
            x = F.relu(norm(convolution(x)))
        return torch.cat([x.mean((2, 3)), x.amax((2, 3))], dim=1)


def small(recordings, seconds=2, epochs=6):
    import soundfile
    from scipy.signal import resample_poly

    torch.manual_seed(0)
    random = np.random.default_rng(0)
    folders = sorted(folder for folder in pathlib.Path(recordings).iterdir() if folder.is_dir())
    clips, labels = [], []
    for label, folder in enumerate(folders):
        for file in sorted(folder.iterdir()):
            samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
            common = math.gcd(rate, 32_000)
            mono = resample_poly(samples.mean(1), 32_000 // common, rate // common).astype("float32")
            clips.append(np.pad(mono, (0, max(0, seconds * 32_000 - len(mono)))))
            labels.append(label)
    network, head = Small(), torch.nn.Linear(256, len(folders))
    steps = torch.optim.Adam([*network.parameters(), *head.parameters()], 1e-3)
    for epoch in range(epochs):
        losses = []
        for batch in np.array_split(random.permutation(len(clips)), len(clips) // 16):
            starts = [random.integers(len(clips[i]) - seconds * 32_000 + 1) for i in batch]
            windows = np.stack([clips[i][at : at + seconds * 32_000] for i, at in zip(batch, starts)])
            gains = 10 ** random.uniform(-0.5, 0.5, (len(batch), 1)).astype("float32")
            loss = F.cross_entropy(head(network(torch.tensor(windows * gains))), torch.tensor([labels[i] for i in batch]))
            steps.zero_grad()
            loss.backward()
            steps.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}")
    about = {"id": "small", "sample_rate": 32_000, "window": seconds, "hop": seconds / 2, "outputs": {"embedding": 256}}
    return network, {**about, "licence": "whatever the recordings allow that it was trained on"}


def write(network, about, out):
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    file = out / "model.onnx"
    samples = round(about["window"] * about["sample_rate"])
    torch.onnx.export(
        network.eval(),
        (torch.zeros(2, samples),),
        file,
        input_names=["waveform"],
        output_names=["embedding"],
        dynamic_axes={"waveform": {0: "batch"}, "embedding": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    about = {**about, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    (out / "embedder.json").write_text(json.dumps(about, indent=2) + "\n")
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("kind", choices=["yamnet", "small"])
    arguments.add_argument("source")
    arguments.add_argument("out")
    given = arguments.parse_args()
    write(*{"yamnet": yamnet, "small": small}[given.kind](given.source), given.out)
