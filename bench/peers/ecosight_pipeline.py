"""EcoSight's own retraining, from its published files, one JSON line a figure: seconds of each stage, and of the processor.

Takes {"ecosight": a checkout of it, "recordings": a folder with extracted_audio/<class>/, "folder": an empty one, in which it
works, "yamnet": a SavedModel}. Its main() runs as it is but for two things: its download finds the
recordings lying there, and YAMNet comes from "yamnet" instead of TensorFlow Hub where that is given. Needs
tensorflow 2.15, tensorflow-hub, librosa, soundfile, scikit-learn, tqdm and setuptools before 81.
"""
import json
import os
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

from timing import tell

sys.dont_write_bytecode = True
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# They have it look for its download; nothing is asked with them.
os.environ.update({"S3_BUCKET": "local", "AWS_ACCESS_KEY_ID": "local"})
STARTED = (time.perf_counter(), time.process_time())


class Clock:
    """Seconds of the clock and of the processor, by stage; what runs inside another stage is not counted twice."""

    def __init__(self):
        self.stages = {}

    def add(self, stage, began, ended, sign=1):
        sums = self.stages.setdefault(stage, [0.0, 0.0])
        for at in (0, 1):
            sums[at] += sign * (ended[at] - began[at])

    def timed(self, stage, work, inside=None):
        def call(*values, **named):
            began = (time.perf_counter(), time.process_time())
            result = work(*values, **named)
            ended = (time.perf_counter(), time.process_time())
            self.add(stage, began, ended)
            if inside is not None:
                self.add(inside, began, ended, -1)
            return result

        return call


class Lying:
    """The recordings lie where they would be downloaded to."""

    def download_extracted_audio(self, folder):
        return Path(folder).is_dir()


def run(ecosight, recordings, folder, yamnet=None):
    """Times of each stage, and how many files came of the augmentation and were embedded."""
    ecosight, recordings, folder = (Path(path).resolve() for path in (ecosight, recordings, folder))
    if not (ecosight / "scripts/retrain_model.py").is_file():
        sys.exit(f"{ecosight} is no checkout of EcoSight: it has no scripts/retrain_model.py.")
    if not (recordings / "extracted_audio").is_dir():
        sys.exit(f"{recordings} has no extracted_audio.")
    if Path("/app").exists():
        sys.exit("EcoSight would work in /app, which is there: run this where it is not.")
    clock = Clock()
    # It works beside its scripts, so those are linked to from a folder of its own.
    for link, to in (("scripts", ecosight), ("src", ecosight), ("extracted_audio", recordings)):
        (folder / link).symlink_to(to / link, target_is_directory=True)
    sys.path.insert(0, f"{folder}/scripts")
    try:
        import retrain_model
    except ImportError as missing:
        return str(missing), None
    clock.add("start", STARTED, (time.perf_counter(), time.process_time()))
    retrain_model.S3_AVAILABLE = True
    retrain_model.get_s3_storage = Lying
    if not retrain_model.AUGMENTATION_AVAILABLE:
        return "librosa or soundfile, which its augmentation takes", None
    retrain_model.augment_directory = clock.timed("augmentation", retrain_model.augment_directory)
    load = retrain_model.hub.load
    retrain_model.hub.load = clock.timed("loading YAMNet", lambda handle: load(yamnet or handle))
    pipeline = retrain_model.ModelRetrainingPipeline
    pipeline.extract_features_batch = clock.timed("embedding", pipeline.extract_features_batch, "training")
    pipeline.retrain_model = clock.timed("training", pipeline.retrain_model)
    with redirect_stdout(sys.stderr):
        retrain_model.main()
    log = json.loads((folder / "models/retraining_log.json").read_text())["retraining_history"][-1]
    clock.add("total", STARTED, (time.perf_counter(), time.process_time()))
    version = retrain_model.tf.__version__
    # It leaves out what it cannot read, which would look like speed.
    files = sum(len(list(kind.glob("*.wav"))) for kind in (folder / "augmented_audio").iterdir())
    if log["total_samples"] != files:
        sys.exit(f"It embedded {log['total_samples']} of {files} files.")
    counts = {"files embedded": files, "epochs": log["epochs_trained"]}
    return f"EcoSight on TensorFlow {version}", (clock.stages, counts)


if __name__ == "__main__":
    name, figures = run(**json.loads(sys.argv[1]))
    if figures is None:
        print(json.dumps({"absent": name}))
        sys.exit()
    stages, counts = figures
    for stage, (seconds, processor) in stages.items():
        tell(name, "from scratch", stage, [seconds])
        tell(name, "from scratch", f"{stage}, processor", [processor])
    for what, count in counts.items():
        tell(name, "from scratch", what, [count])
