"""The first sentences of a summary, held against the figures."""

import re

import figures
import judge
from shown import number

# Harm: the kinds of workload, the metric and what it is a part of, how the sentence tells it, and how it says that there was none.
HARM = [
    ({"set"}, "lost", "acknowledged", r"([\d,]+)(?: of ([\d,]+))? acknowledged writes? (?:was|were) lost", "no acknowledged write was lost"),
    ({"counter"}, "lost", "acknowledged", r"([\d,]+)(?: of ([\d,]+))? acknowledged increments? (?:was|were) lost", "no acknowledged increment was lost"),
    ({"fixed-window-limiter", "sliding-window-limiter"}, "over_admitted", "admitted",
     r"([\d,]+)(?: of ([\d,]+))? requests? admitted (?:was|were) beyond a limit", "no limit was overrun"),
    ({"payment-job"}, "charged_twice", None, r"([\d,]+) payments? (?:was|were) charged twice", "no job was charged twice"),
]


def first(summary):
    """The paragraph under the heading, without marks of Markdown."""
    return summary.split("\n")[2].replace("\\", "")


def check(text, document, samples, same):
    """`samples` are those of the conclusive trials, by metric; `same` tells a difference."""
    if not samples:
        return
    low = text[:1].lower() + text[1:]
    further = "harm stand" in text
    for kinds, metric, whole, harm, none in HARM:
        names = [one["name"] for one in document["experiment"]["workloads"] if one["kind"] in kinds]
        if not names:
            continue

        def total(of):
            return figures.count(sum(value for name in names for _, (_, value) in samples.get(f"{name}.{of}", [])))

        ours = total(metric)
        match = re.search(harm, text, re.IGNORECASE)
        if match:
            same("summary.md", f"first sentence: {metric}", ours, match[1])
            if whole and match[2]:
                # Told of all workloads of the kind, or of those that were harmed.
                of_all, names = total(whole), [name for name in names if any(value for _, (_, value) in samples.get(f"{name}.{metric}", []))]
                same("summary.md", f"first sentence: {whole}", match[2] if match[2] in (of_all, total(whole)) else of_all, match[2])
        elif none in low or none.capitalize() in text:
            same("summary.md", f"first sentence: {metric}", ours, "0")
        elif number(ours) > 0:
            same("summary.md", f"first sentence: {metric} is told, or further harm", True, further)
    gap = re.search(r"Writes were down for ([≥0-9.]+(?: ?[0-9.]+)? (?:ms|s|min))(?=,|\.| \(median| and)", text)
    if gap and "failover.write_gap" in samples:
        median, _ = judge.aggregated("median", [value for _, value in samples["failover.write_gap"]])
        same("summary.md", "first sentence: writes were down", figures.sample("ns", *median), gap[1])
    down = [value for _, (_, value) in samples.get("failover.write_gap", [])]
    if "Writes were never down" in text:
        same("summary.md", "first sentence: no outage", False, any(value >= 250 * 10**6 for value in down))
    writes = re.search(r"wrong one of two primaries took ([\d,]+) writes? of clients", text)
    if writes:
        ours = figures.count(sum(value for _, (_, value) in samples["failover.split_brain_writes"]))
        same("summary.md", "first sentence: writes of a split brain", ours, writes[1])
