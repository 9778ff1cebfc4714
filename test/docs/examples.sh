#!/bin/sh
# Runs the examples on a store, which the demonstration has left: sh test/docs/examples.sh STORE. The store gets one more
# recording and one more model. Makes a throw-away virtual environment; PYTHON names the Python.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
store=$(cd "$1" && pwd)
work=$(mktemp -d)
service=
trap 'test -z "$service" || kill "$service" 2>/dev/null || true; rm -rf "$work"' EXIT

"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check duckdb numpy onnxruntime keras h5py jax
"$work/venv/bin/python" "$root/examples/read_store.py" "$store"

bun "$root/test/docs/untrainedWeights.ts" "$work/yamnet"
YAMNET_MODEL="$work/yamnet" bun "$root/pipelines/serve.ts" --store "$store" --port 0 --no-watch >"$work/log" 2>&1 &
service=$!
for _ in $(seq 240); do
  SERVICE=$(sed -n 's|^Serving .* at \(http://[^,]*\),.*|\1|p' "$work/log")
  test -z "$SERVICE" || break
  sleep 0.25
done
test -n "$SERVICE" || { cat "$work/log"; exit 1; }
export SERVICE
sh "$root/examples/drive_service.sh" "$store/extracted_audio/dog_bark/1000-0-0-0.wav" dog_bark
