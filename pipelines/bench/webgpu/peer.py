#!/usr/bin/env python3
"""YAMNet's convolutions in PyTorch, with random weights: speed does not depend on them. One JSON line per setting.

Timed as a pipeline sees it, from patches in the host's memory to embeddings there, and for the network alone: float32
without and with TF32, and float16, as a careful user would run it (channels last, cuDNN's benchmark mode, pinned memory).
"""

import argparse
import json
import statistics
import time

import torch
from torch import nn

LAYERS = [(1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *[(1, 512)] * 5, (2, 1024), (1, 1024)]
ROUNDS = 5


class Convolution(nn.Module):
    """With TensorFlow's "same" padding, which is one-sided for a stride of 2, and a ReLU."""

    def __init__(self, inputs, outputs, size, stride, groups=1):
        super().__init__()
        self.pad = nn.ZeroPad2d((0, 1, 0, 1)) if stride == 2 else nn.Identity()
        padding = 1 if size == 3 and stride == 1 else 0
        self.convolution = nn.Conv2d(inputs, outputs, size, stride, padding, groups=groups)

    def forward(self, features):
        return torch.relu(self.convolution(self.pad(features)))


class Yamnet(nn.Module):
    def __init__(self):
        super().__init__()
        layers, inputs = [Convolution(1, 32, 3, 2)], 32
        for stride, outputs in LAYERS:
            layers += [Convolution(inputs, inputs, 3, stride, inputs), Convolution(inputs, outputs, 1, 1)]
            inputs = outputs
        self.layers = nn.Sequential(*layers)

    def forward(self, patches):
        return self.layers(patches).mean((2, 3))


def rates(step, batch, seconds, wait):
    """Patches a second: the lowest, median and highest of five rounds."""

    def timed(count):
        began = time.perf_counter()
        for _ in range(count):
            step()
        wait()
        return time.perf_counter() - began

    timed(3)
    count = max(1, round(seconds / ROUNDS / timed(1)))
    every = sorted(batch * count / timed(count) for _ in range(ROUNDS))
    return {"low": every[0], "median": statistics.median(every), "high": every[-1]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--batches", default="64,512")
    options = parser.parse_args()
    cuda = options.device == "cuda"
    torch.backends.cudnn.benchmark = True
    wait = torch.cuda.synchronize if cuda else lambda: None
    modes = [("float32", False, torch.float32)]
    if cuda:
        modes += [("TF32", True, torch.float32), ("float16", True, torch.float16)]
    for mode, tf32, dtype in modes:
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
        network = Yamnet().to(options.device, dtype).eval()
        if cuda:
            network = network.to(memory_format=torch.channels_last)
        for batch in map(int, options.batches.split(",")):
            host = torch.randn(batch, 1, 96, 64)
            host = host.pin_memory() if cuda else host
            there = host.to(options.device, dtype)
            with torch.inference_mode():
                whole = rates(
                    lambda: network(host.to(options.device, dtype, non_blocking=True)).float().cpu(),
                    batch,
                    options.seconds,
                    wait,
                )
                alone = rates(lambda: network(there), batch, options.seconds, wait)
            name = torch.cuda.get_device_name() if cuda else f"processor, {torch.get_num_threads()} threads"
            row = {"peer": f"PyTorch {torch.__version__}", "device": name, "mode": mode, "batch": batch}
            print(json.dumps({**row, **whole, "network": alone["median"]}), flush=True)


if __name__ == "__main__":
    main()
