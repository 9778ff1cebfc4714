"""YAMNet's network in PyTorch: its layers and shapes, batch normalisation folded; random weights, which take as long."""
import torch
import torch.nn.functional as F

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
