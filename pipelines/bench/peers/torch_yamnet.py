"""YAMNet's network in PyTorch on the processor, from host memory to host memory, one JSON line a figure: patches/s.

The layers and shapes are YAMNet's, batch normalisation folded; random weights, which take as long as trained ones.
"""
import json
import sys

from timing import tell, time_calls

try:
    import torch
    import torch.nn.functional as F
except ImportError as missing:
    print(json.dumps({"absent": str(missing)}))
    sys.exit()

# Channels out and stride of the thirteen separable convolutions after the first one, 32 channels, stride 2.
LAYERS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]


def same(x, stride):
    """Pads as TensorFlow's SAME does for kernels of 3."""
    height = max((-(-x.shape[2] // stride) - 1) * stride + 3 - x.shape[2], 0)
    width = max((-(-x.shape[3] // stride) - 1) * stride + 3 - x.shape[3], 0)
    return F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))


class Yamnet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Conv2d(1, 32, 3, 2)
        self.depthwise = torch.nn.ModuleList()
        self.pointwise = torch.nn.ModuleList()
        channels = 32
        for out, stride in LAYERS:
            self.depthwise.append(torch.nn.Conv2d(channels, channels, 3, stride, groups=channels))
            self.pointwise.append(torch.nn.Conv2d(channels, out, 1))
            channels = out

    def forward(self, x):
        x = F.relu(self.stem(same(x, 2)))
        for (_, stride), depthwise, pointwise in zip(LAYERS, self.depthwise, self.pointwise):
            x = F.relu(pointwise(F.relu(depthwise(same(x, stride)))))
        return x.mean((2, 3))


arguments = json.loads(sys.argv[1])
torch.set_num_threads(arguments["threads"])
torch.manual_seed(1)
network = Yamnet().eval()
for channels_last in (False, True):
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = network.to(memory_format=layout)
    for batch in (8, 32, 128):
        patches = torch.randn(batch, 1, 96, 64)
        with torch.no_grad():
            times = time_calls(arguments["seconds"], lambda: network(patches.to(memory_format=layout)).numpy())
        what = f"batch {batch}, {'channels last' if channels_last else 'channels first'}"
        tell(f"PyTorch {torch.__version__}", "network", what, [batch / seconds for seconds in times])
