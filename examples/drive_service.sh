#!/bin/sh
# Drives the service by curl: is it there, one more recording, what is it, train, follow the training, list the models.
#
#   bun run serve --store demo                        # in another terminal
#   sh examples/drive_service.sh RECORDING CLASS      # such as demo/extracted_audio/dog_bark/1000-0-0-0.wav dog_bark
#
# SERVICE is its address (http://127.0.0.1:8000 without it), API_TOKEN what it was started with, if anything. The service
# describes all that it takes at /openapi.
set -eu
service=${SERVICE:-http://127.0.0.1:8000}
recording=$1
class=$2

# --fail-with-body: a refusal ends the script, and its sentence is shown.
ask() {
  path=$1
  shift
  curl --silent --show-error --fail-with-body --header "Authorization: Bearer ${API_TOKEN:-}" "$@" "$service$path"
  echo
}

echo "Is it there?"
ask /health

echo "Upload $recording. The same bytes twice are stored once."
ask /upload --form "file=@$recording" --form "class_name=$class"

echo "What is it? With ?unknown=true the answer may be \"unknown\"; 503: there is no model yet."
ask '/predict?unknown=true' --form "file=@$recording" || true

echo "Train, however little is new. The answer names the run."
started=$(ask /retrain --header 'Content-Type: application/json' --data '{"trigger_reason": "by curl", "min_new_samples": 0}')
echo "$started"
run=$(echo "$started" | sed -n 's/.*"run_id":"\([^"]*\)".*/\1/p')

echo "Follow it: Server-Sent Events, from the first to the one named end."
ask "/runs/$run/events" --no-buffer

echo "What it came to, and every model so far, the newest first."
ended=$(ask "/runs/$run")
echo "$ended"
ask /models
case $ended in *'"status":"finished"'*) ;; *) exit 1 ;; esac
