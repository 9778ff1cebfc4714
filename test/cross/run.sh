#!/bin/sh
# Exports classifiers and opens them in Python: with current Keras 3 on its NumPy backend, and with TensorFlow 2.15. Writes
# tables of events, and reads them with pandas.
# Makes throw-away virtual environments of a Python from 3.9 to 3.11 (TensorFlow 2.15 knows no later one); PYTHON names it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3.11}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

bun "$here/make_artifacts.ts" "$work/artifacts"

"$python" -m venv "$work/pandas"
"$work/pandas/bin/pip" install --quiet --disable-pip-version-check pandas
bun "$here/make_tables.ts" "$work/tables"
"$work/pandas/bin/python" "$here/check_tables.py" "$work/tables"

check() {
  name=$1
  shift
  "$python" -m venv "$work/$name"
  "$work/$name/bin/pip" install --quiet --disable-pip-version-check onnxruntime "$@"
  "$work/$name/bin/python" "$here/check_artifacts.py" "$work"/artifacts/*
}

# Keras' NumPy backend borrows its Fourier transforms from JAX. TensorFlow has a runtime of its own for .tflite files, an
# older one.
check keras3 keras h5py jax ai-edge-litert==2.3.0
check tensorflow "tensorflow-cpu==2.15.*" "numpy<2"

# And the other way round: a yamnet.h5 that Keras wrote, read by the project.
"$work/tensorflow/bin/python" "$here/yamnet_h5.py" "$work/yamnet_h5"
ECOSIGHT_YAMNET_H5="$work/yamnet_h5" bun test "$here/../embedder/yamnet/readKeras.test.ts"
