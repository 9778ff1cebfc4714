"""YAMNet's network in PyTorch on the processor, from host memory to host memory, one JSON line a figure: patches/s.

The layers and shapes are YAMNet's, batch normalisation folded; random weights, which take as long as trained ones.
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
