"""YAMNet's network in PyTorch on a CUDA card, one JSON line a figure: patches/s.

As a careful user would run it: channels last, cuDNN's benchmark mode, pinned memory; float32 without and with TF32, and
float16. Timed from host memory to host memory, as a pipeline sees it, and for the network alone.
"""
import json
import sys

from timing import tell, time_calls

try:
    import torch

    from yamnet_network import Yamnet
except ImportError as missing:
    print(json.dumps({"absent": str(missing)}))
    sys.exit()

MODES = [("float32", False, torch.float32), ("TF32", True, torch.float32), ("float16", True, torch.float16)]


def measure(mode, dtype, batch, seconds, device):
    network = Yamnet().to(device, dtype).to(memory_format=torch.channels_last).eval()
    host = torch.randn(batch, 1, 96, 64)
    host = host.pin_memory() if device == "cuda" else host
    there = host.to(device, dtype)

    def whole():
        network(host.to(device, dtype, non_blocking=True)).float().cpu()

    def alone():
        network(there)
        if device == "cuda":
            torch.cuda.synchronize()

    with torch.inference_mode():
        for row, work in (("network", whole), ("network alone", alone)):
            values = [batch / taken for taken in time_calls(seconds, work)]
            tell(f"PyTorch {torch.__version__}", row, f"{mode}, batch {batch}", values)


arguments = json.loads(sys.argv[1])
device = arguments.get("device", "cuda")
if device == "cuda" and not torch.cuda.is_available():
    print(json.dumps({"absent": "it finds no CUDA card"}))
    sys.exit()
torch.manual_seed(1)
torch.backends.cudnn.benchmark = True
for mode, tf32, dtype in MODES if device == "cuda" else MODES[:1]:
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    for batch in arguments["batches"]:
        measure(mode, dtype, batch, arguments["seconds"], device)
