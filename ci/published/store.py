"""Stored figures: `docs/measured/<group>-<name>.json`, one file an experiment and runtime."""

import hashlib
import json

from . import figures
from .places import EXPERIMENTS, MEASURED


class Missing(Exception):
    """A figure that was not measured yet."""


class UnknownCell(Exception):
    """A placeholder names a cell that the matrix does not have, or several of them."""


def path(experiment, runtime):
    name = experiment.replace("/", "-")
    return MEASURED / (f"{name}.json" if runtime == "process" else f"{name}.{runtime}.json")


def all_paths():
    return sorted(MEASURED.glob("*.json"))


def load(experiment, runtime):
    """What is stored of an experiment, or nothing."""
    try:
        return json.loads(path(experiment, runtime).read_text())
    except FileNotFoundError:
        return None


def save(stored):
    target = path(stored["experiment"], stored["runtime"])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(to_text(stored))
    return target


def to_text(stored):
    """Sorted and one figure a line, so that a new measurement is a small difference."""
    cells = stored["cells"]
    head = {key: value for key, value in stored.items() if key != "cells"}
    lines = [f" {json.dumps(key)}: {value_text(head[key])}," for key in sorted(head)]
    blocks = []
    for label in sorted(cells):
        facts = [f"   {json.dumps(key)}: {json.dumps(cells[label][key])}," for key in sorted(cells[label]) if key != "metrics"]
        metrics = cells[label]["metrics"]
        rows = [f"    {json.dumps(name)}: {json.dumps(metrics[name], sort_keys=True)}" for name in sorted(metrics)]
        inner = "\n".join([*facts, '   "metrics": {', ",\n".join(rows), "   }"])
        blocks.append(f"  {json.dumps(label)}: {{\n{inner}\n  }}")
    return "\n".join(["{", *lines, ' "cells": {', ",\n".join(blocks), " }", "}"]) + "\n"


def value_text(value):
    """A list has a line for each of its items: what a run printed can be read."""
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"  {json.dumps(item, ensure_ascii=False)}" for item in value) + "\n ]"
    return json.dumps(value, ensure_ascii=False)


def cell_of(stored, selector):
    """The stored cell that a placeholder names."""
    return stored["cells"][label_of(stored["cells"], selector, stored["experiment"])]


def label_of(labels, selector, experiment):
    """The label of the cell: named in full, or by enough of its values. A run without a matrix has one cell without a label."""
    if selector in labels:
        return selector
    wanted = [part.strip() for part in selector.split(",")]
    found = [label for label in labels if all(names(label, part) for part in wanted)]
    if len(found) != 1:
        which = ", ".join(f"`{label}`" for label in found or labels)
        raise UnknownCell(f"`{selector}` of {experiment} is {'ambiguous' if found else 'no cell'}: {which}")
    return found[0]


def names(label, part):
    """Whether `down-after-milliseconds=500` or its value alone is one of the label's pieces."""
    pieces = label.split(", ")
    return part in pieces or part in [piece.partition("=")[2] for piece in pieces]


def figure(reference):
    """The stored figure of a reference; none where the experiment had no value of it."""
    stored = load(reference.experiment, reference.runtime)
    if stored is None:
        raise Missing(str(reference))
    metrics = cell_of(stored, reference.cell)["metrics"]
    if reference.metric not in metrics:
        raise Missing(str(reference))
    return metrics[reference.metric]


def is_of_today(stored):
    """Whether the experiment's file is the one that was measured."""
    file = EXPERIMENTS / f"{stored['experiment']}.yaml"
    return file.is_file() and stored["experiment_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


def from_run(experiment, options, run, wanted):
    """What to store of a run: the figures that the documents show. `wanted` has (cell, metric) pairs."""
    cells = {}
    for label, document in run.cells.items():
        server = document["environment"]["server"]
        cells[label] = {"server": server[:1].upper() + server[1:], "conclusive": run.conclusive(label), "metrics": {}}
    for selector, metric in wanted:
        label = label_of(cells, selector, experiment)
        summary = run.cells[label]["metrics"].get(metric)
        cells[label]["metrics"][metric] = summary and figures.from_summary(summary)
    root = run.root
    return {
        "cells": cells,
        "command": root["repro"],
        "date": root["started_at"][:10],
        "experiment": experiment,
        "experiment_sha256": root["source"]["sha256"],
        "jobs": options.jobs,
        "processors": next(iter(run.cells.values()))["environment"]["cpus"],
        "runtime": options.runtime,
        "seed": root["seed"],
        "trials": options.trials,
        "tool": root["tool"]["version"],
        "verdict": root["verdict"],
    }
