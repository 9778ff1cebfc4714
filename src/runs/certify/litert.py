"""Runs .tflite files on waveforms by LiteRT; a program of its own, because a machine without Python needs none of it.

Usage: python litert.py TASK.json, which names `files`, `waveforms` (32-bit floats one after another) and their `lengths`.
Prints a line of JSON: LiteRT's version, and for each file its probabilities by waveform.
"""
import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

task = json.loads(Path(sys.argv[1]).read_text())
waveforms = np.split(np.fromfile(task["waveforms"], "<f4"), np.cumsum(task["lengths"])[:-1])


def run(file):
    interpreter = Interpreter(file, num_threads=1)
    [given] = interpreter.get_input_details()
    [answer] = interpreter.get_output_details()
    length = None
    for waveform in waveforms:
        if len(waveform) != length:
            length = len(waveform)
            interpreter.resize_tensor_input(given["index"], [1, length])
            interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], waveform[None])
        interpreter.invoke()
        yield interpreter.get_tensor(answer["index"])[0].tolist()


print(json.dumps({"version": version("ai-edge-litert"), "answers": [list(run(file)) for file in task["files"]]}))
