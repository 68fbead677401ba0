"""Measures experiments, one after the other, and stores or compares what the documents show of them."""

import time

from . import documents, figures, store
from .tool import ToolError


def wanted(tables, runtime):
    """The (cell, metric) pairs the documents show of each experiment, those with output included."""
    pairs = {}
    for table in tables:
        if "output" in table.facts and runtime == "process":
            pairs.setdefault(table.facts["output"], set())
    for reference in documents.references(tables):
        if reference.runtime == runtime:
            pairs.setdefault(reference.experiment, set()).add((reference.cell, reference.metric))
    return pairs


def outputs(tables):
    return {table.facts["output"] for table in tables if "output" in table.facts}


def is_complete(experiment, options, pairs, with_text):
    """Whether all that the documents show of an experiment is stored: of its file as it is today, and of as many trials as are asked for."""
    stored = store.load(experiment, options.runtime)
    if stored is None or stored["trials"] < options.trials or not store.is_of_today(stored) or (with_text and "text" not in stored):
        return False
    try:
        return all(metric in store.cell_of(stored, cell)["metrics"] for cell, metric in pairs)
    except store.UnknownCell:
        return False


def one(tool, experiment, pairs, with_text, options):
    """Runs an experiment; what would be stored of it. Every trial that was asked for must count."""
    expected = tool.estimate(experiment, options.trials, options.jobs, options.runtime)
    # A machine that is too busy makes the tool repeat trials; beyond that something hangs.
    run = tool.run(experiment, options.trials, options.seed, options.jobs, options.runtime, 6 * expected + 300)
    for label in run.cells:
        if run.conclusive(label) < options.trials:
            where = f" of {label}" if label else ""
            raise ToolError(f"only {run.conclusive(label)} of {options.trials} trials{where} count: {'; '.join(run.reasons(label)[:3])}")
    stored = store.from_run(experiment, options, run, pairs)
    if with_text:
        stored["text"] = run.text
    return stored


def each(tool, todo, tables, options, use):
    """Calls `use` with what each run yields; the failures are told and do not stop the rest. Returns them."""
    estimates = {experiment: tool.estimate(experiment, options.trials, options.jobs, options.runtime) for experiment in todo}
    for experiment, seconds in estimates.items():
        print(f"  {experiment:40} about {clock(seconds)}")
    print(f"  {'all ' + str(len(todo)):40} about {clock(sum(estimates.values()))}", flush=True)
    failures = []
    with_text = outputs(tables) if options.runtime == "process" else set()
    for index, (experiment, pairs) in enumerate(todo.items(), 1):
        print(f"[{index}/{len(todo)}] {experiment}: about {clock(estimates[experiment])}", flush=True)
        began = time.monotonic()
        try:
            stored = one(tool, experiment, pairs, experiment in with_text, options)
        except (ToolError, store.UnknownCell) as error:
            print(f"      not measured: {error}", flush=True)
            failures.append((experiment, str(error)))
            continue
        print(f"      took {clock(time.monotonic() - began)}, verdict {stored['verdict']}")
        use(stored)
    return failures


def compare(stored, again):
    """Each figure of both as (name, stored, again, whether their spans overlap)."""
    rows = []
    for label, cell in stored["cells"].items():
        here = again["cells"].get(label)
        for metric, figure in cell["metrics"].items():
            other = here and here["metrics"].get(metric)
            name = " | ".join(part for part in (stored["experiment"], label, metric) if part)
            both_without = figure is None and other is None
            agree = both_without or (figure is not None and other is not None and figures.overlap(figure, other))
            rows.append((name, figures.show(figure), figures.show(other), agree))
    return rows


def clock(seconds):
    return f"{int(seconds) // 60} min {int(seconds) % 60:02} s"
