"""Reads the tables that make_tables.ts wrote with pandas, and Audacity's line by line, and compares them with the events.

Usage: python check_tables.py FOLDER
"""

import json
import pathlib
import re
import sys

import pandas as pd

folder = pathlib.Path(sys.argv[1])
events = pd.DataFrame(json.loads((folder / "events.json").read_text()))
stems = [re.sub(r"^field_audio/|\.wav$", "", name) for name in events.recording.unique()]


def compare(what, rows, start, end, label, peak=None):
    assert len(rows) == len(events), f"{what}: {len(rows)} rows, not {len(events)}"
    assert (abs(start.values - events.start.values) < 1e-3).all(), f"{what}: starts differ"
    assert (abs(end.values - events.end.values) < 2e-3).all(), f"{what}: ends differ"
    assert (label.values == events["class"].values).all(), f"{what}: classes differ"
    assert peak is None or (abs(peak.values - events.peak.values) < 1e-5).all(), f"{what}: probabilities differ"
    print(f"  {what}: {len(rows)} events")


table = pd.read_csv(folder / "events.csv")
compare("csv", table, table.start, table.end, table.label, table.confidence)
assert (table.recording == events.recording).all()
assert (pd.to_datetime(table["at"]) == pd.to_datetime(events["at"])).all()

table = pd.read_json(folder / "events.jsonl", lines=True)
compare("jsonl", table, table.start, table.end, table["class"], table.peak)

table = pd.read_csv(folder / "events.kaleidoscope.csv")
compare("kaleidoscope", table, table.OFFSET, table.OFFSET + table.DURATION, table["AUTO ID"], table.CONFIDENCE)

parts = [pd.read_csv(folder / f"{stem}.Table.1.selections.txt", sep="\t") for stem in stems]
table = pd.concat(parts, ignore_index=True)
compare("raven", table, table["Begin Time (s)"], table["End Time (s)"], table.Species, table.Confidence)

lines = [line for stem in stems for line in (folder / f"{stem}.txt").read_text().splitlines()]
found = [re.fullmatch(r"(\d+\.\d+)\t(\d+\.\d+)\t([^\t]+)", line) for line in lines]
assert all(found), "audacity: a line is none of a label track"
table = pd.DataFrame([match.groups() for match in found], columns=["start", "end", "label"])
compare("audacity", table, table.start.astype(float), table.end.astype(float), table.label)
