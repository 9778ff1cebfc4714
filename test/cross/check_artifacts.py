"""Opens what make_artifacts.ts wrote, as the Python product would, and compares it with what the project says it is.

Usage: python check_artifacts.py FOLDER...
Keras is TensorFlow's own where TensorFlow is installed, else the package `keras`. Exits with 1 at the first difference.
"""

import json
import os
import pathlib
import pickle
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "numpy")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import onnxruntime

try:
    import tensorflow

    keras = tensorflow.keras
    Interpreter = tensorflow.lite.Interpreter
    version = f"TensorFlow {tensorflow.__version__}"
except ModuleNotFoundError:
    import keras
    from ai_edge_litert.interpreter import Interpreter

    version = f"Keras {keras.__version__} on {keras.backend.backend()}"


def differ(what, actual, expected, tolerance=1e-5):
    """Prints the largest difference, and fails where it is too large or the shapes differ."""
    actual = np.asarray(actual, np.float64)
    assert actual.shape == expected.shape, f"{what}: {actual.shape} is not {expected.shape}"
    largest = np.abs(actual - expected).max()
    print(f"  {what}: largest difference {largest:.1e}")
    assert largest <= tolerance, f"{what}: more than {tolerance}"  # NaN fails as well


def run_tflite(path, waveform):
    window = json.loads((path.parent / "certificate.json").read_text())["window"]
    beyond = -(-max(0, len(waveform) - window["samples"]) // window["hop"])
    padded = np.pad(waveform, (0, window["samples"] + beyond * window["hop"] - len(waveform)))
    interpreter = Interpreter(str(path))
    [given], [answer] = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(given["index"], [1, len(padded)])
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], padded[None])
    interpreter.invoke()
    return interpreter.get_tensor(answer["index"])


def run_onnx(path, name, value):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [i.name for i in session.get_inputs()] == [name]
    assert [o.name for o in session.get_outputs()] == ["probabilities"]
    return session.run(None, {name: value})[0]


def check(folder):
    probe = json.loads((folder / "probe.json").read_text())
    vectors = np.array(probe["vectors"], np.float32)
    expected = np.array(probe["probabilities"])
    assert expected.shape == (len(vectors), len(probe["classes"])) and np.ptp(expected, axis=0).min() > 0.1

    model = keras.models.load_model(folder / "yamnet_classifier.keras", compile=False)
    differ(f"yamnet_classifier.keras in {version}", model.predict(vectors, verbose=0), expected)
    # EcoSight's API standardises each clip itself before it asks the model. (Not the constant clip: it would get NaN.)
    own = vectors[1:]
    own = (own - own.mean(1, keepdims=True)) / own.std(1, keepdims=True)
    differ("the same, standardised by the caller", model.predict(own, verbose=0), expected[1:])
    # Keras can go on from here: what it saves again predicts the same.
    with tempfile.TemporaryDirectory() as temporary:
        model.save(os.path.join(temporary, "again.keras"))
        again = keras.models.load_model(os.path.join(temporary, "again.keras"), compile=False)
    differ("the same, saved again", again.predict(vectors, verbose=0), expected)

    rows = np.array(probe["rows"], np.float32)
    served = np.array(probe["served"])
    differ("classifier.onnx", run_onnx(folder / "classifier.onnx", "embedding", rows), served)
    # Where a mixture is served, the .keras file's classifier lies beside it as ONNX.
    twin = folder / "yamnet_classifier.onnx"
    assert twin.exists() == (not np.allclose(served, expected))
    if twin.exists():
        differ("yamnet_classifier.onnx", run_onnx(twin, "embedding", vectors), expected)
    waveform = np.array(probe["waveform"], np.float32)
    whole = np.array(probe["waveformProbabilities"])[None]
    # Its front-end works in single precision, the project's own in double.
    differ("ecosight.onnx", run_onnx(folder / "ecosight.onnx", "waveform", waveform), whole, 1e-4)

    # Its float file is the same to single precision; rounding an untrained network to 8 bits leaves more.
    differ("ecosight.tflite", run_tflite(folder / "ecosight.tflite", waveform), whole, 1e-4)
    differ("ecosight_int8.tflite", run_tflite(folder / "ecosight_int8.tflite", waveform), whole, 0.2)

    classes = pickle.loads((folder / "class_names.pkl").read_bytes())
    assert classes == probe["classes"] == json.loads((folder / "class_names.json").read_text())
    history = pickle.loads((folder / "training_history.pkl").read_bytes())
    # A head that trains on validation's recordings as well has no figures of them.
    validated = [] if probe["validated"] is False else ["val_accuracy", "val_loss"]
    assert history == probe["history"] and sorted(history) == ["accuracy", "loss", "lr", *validated]
    assert all(type(v) is list and v and all(type(x) is float for x in v) for v in history.values())
    print(f"  pickles: {len(classes)} classes, {len(history['loss'])} epochs")

    metadata = json.loads((folder / "model_metadata.json").read_text())
    dense = [layer.units for layer in model.layers if hasattr(layer, "units")]
    assert metadata["architecture"]["layers"] + [metadata["num_classes"]] == dense
    assert list(model.input_shape[1:]) == metadata["input_shape"]


if __name__ == "__main__":
    folders = [pathlib.Path(argument) for argument in sys.argv[1:]]
    assert folders, __doc__
    for each in folders:
        print(each.name)
        check(each)
