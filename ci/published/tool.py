"""Redquake itself, as `ci/tables` calls it."""

import json
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from .places import ROOT

# What a trial takes beside its `duration`: bringing servers up and the baseline, in seconds. Measured; only estimates use it.
BESIDE_THE_DURATION = {"process": 2, "docker": 7}
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


class ToolError(Exception):
    """The tool could not do what was asked, and why."""


@dataclass
class Run:
    """What a run left: the document at its root, that of each cell by label (without a matrix the root's, without a label), and what it printed in the end."""

    root: dict
    cells: dict
    text: list

    def conclusive(self, label):
        return sum(trial["status"] == "conclusive" for trial in self.cells[label]["trials"])

    def reasons(self, label):
        """Why trials do not count."""
        return list(dict.fromkeys(reason for trial in self.cells[label]["trials"] for reason in trial["reasons"]))


class Tool:
    def __init__(self, binary):
        self.binary = binary

    def ask(self, *arguments):
        done = subprocess.run([self.binary, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise ToolError(f"redquake {' '.join(arguments)}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def ready_experiments(self):
        return [line.split()[0] for line in self.ask("list").splitlines() if line.strip()]

    def cells(self, experiment):
        """The experiment of each cell by its label, with every default filled in; one without a label where nothing is varied."""
        plan = json.loads(self.ask("plan", experiment, "--json"))
        cells = [(cell["label"], cell["plan"]) for cell in plan["cells"]] if "cells" in plan else [("", plan["plan"])]
        return {label: plan["experiment"] for label, plan in cells}

    def estimate(self, experiment, trials, jobs, runtime):
        durations = [to_seconds(cell["duration"]) + BESIDE_THE_DURATION[runtime] for cell in self.cells(experiment).values()]
        # `--jobs auto` is at least one at a time.
        at_once = int(jobs) if jobs.isdigit() else 1
        return ceil(len(durations) * trials / at_once) * max(durations)

    def unknown_metrics(self, asked):
        """Those of `asked`, a list of (cell, metrics), that the cell does not have, by index. The tool says so itself: each cell asserts its metrics."""
        with tempfile.TemporaryDirectory() as folder:
            for index, (cell, metrics) in enumerate(asked):
                # JSON is YAML, so a plan's experiment is an experiment file.
                copy = {**cell, "assert": [{"metric": metric, "expect": "max >= 0"} for metric in sorted(metrics)]}
                (Path(folder) / f"{index}.yaml").write_text(json.dumps(copy))
            said = subprocess.run([self.binary, "validate", folder], capture_output=True, text=True)
        found = re.findall(r"error\[RQ0220\]: unknown metric `([^`]+)`\s+--> \S*?(\d+)\.yaml:", said.stdout + said.stderr)
        return [(int(index), metric) for metric, index in found]

    def run(self, experiment, trials, seed, jobs, runtime, timeout):
        with tempfile.TemporaryDirectory() as out:
            command = [self.binary, "run", experiment, "--runtime", runtime, "--trials", str(trials), "--seed", str(seed), "--jobs", jobs, "--out", out]
            code, printed, said = self.perform(command, timeout)
            found = list(Path(out).glob("*-*/result.json"))
            if code not in (0, 1, 3) or len(found) != 1:
                raise ToolError(f"exit code {code}: {last_lines(said or printed)}")
            root = json.loads(found[0].read_text())
            cells = {"": root}
            if "cells" in root:
                cells = {cell["label"]: json.loads((found[0].parent / cell["folder"] / "result.json").read_text()) for cell in root["cells"]}
        return Run(root, cells, verdict_text(printed))

    def perform(self, command, timeout):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            printed, said = process.communicate(timeout=timeout)
        except (subprocess.TimeoutExpired, KeyboardInterrupt) as stopped:
            # It takes its faults back and removes its servers before it ends.
            process.send_signal(signal.SIGINT)
            process.communicate()
            if isinstance(stopped, KeyboardInterrupt):
                raise
            raise ToolError(f"not done after {timeout:.0f} s, and stopped") from stopped
        return process.returncode, printed, said


def verdict_text(printed):
    """From the verdict on, without the lines that say where the files are."""
    lines = printed.splitlines()
    begin = next((index for index, line in enumerate(lines) if re.match(r"[A-Z]+  \S", line)), len(lines))
    end = next((index for index, line in enumerate(lines) if re.match(r"  report  ", line)), len(lines))
    return "\n".join(lines[begin:end]).strip().splitlines()


def last_lines(text):
    return " / ".join(text.strip().splitlines()[-3:])


def to_seconds(text):
    return sum(float(number) * UNITS[unit] for number, unit in re.findall(r"([0-9.]+)(ms|s|m|h)", text))


def find_binary(given):
    """The binary that was asked for, or one that was built here, or an installed one."""
    candidates = [given] if given else [ROOT / "target/release/redquake", ROOT / "target/debug/redquake", shutil.which("redquake")]
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return str(Path(candidate).resolve())
    raise ToolError("no redquake: build one (`cargo build -p redquake`) or give --binary")
