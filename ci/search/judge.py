"""Aggregates and verdicts, from the section "Verdicts" of docs/definitions.md."""

import math
import operator
import re

from history import UNITS

COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne}


def expectation(text):
    """Aggregate, comparison and limit in the unit of the metric's samples."""
    aggregate, comparison, limit = re.fullmatch(r"(\S+)\s*(<=|>=|==|!=|<|>)\s*(.+)", text).groups()
    limit = limit.strip()
    time = re.fullmatch(r"([0-9.]+)(us|ms|s|m|h)", limit)
    if time:
        value = float(time[1]) * UNITS[time[2]]
    elif limit.endswith("%"):
        value = float(limit[:-1]) / 100
    elif "/" in limit:
        number, per = limit.split("/")
        value = float(number.replace("k", "")) * (1000 if "k" in number else 1) / (60 if per == "m" else 1)
    else:
        value = float(limit)
    return aggregate, comparison, value


def number(aggregate, values):
    """One number of the values of all trials."""
    values = sorted(values)
    if aggregate == "min":
        return values[0]
    if aggregate == "max":
        return values[-1]
    if aggregate == "mean":
        return sum(values) / len(values)
    if aggregate == "count":
        return sum(values)
    if aggregate == "median":
        half = len(values) // 2
        return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2
    rank = float(aggregate[2:-1]) / 100
    return values[max(1, math.ceil(rank * len(values) - 1e-9)) - 1]


def aggregated(aggregate, samples):
    """The aggregate as a sample: the smallest it may be, and a lower bound where it may be larger."""
    values = [value for _, value in samples]
    low = number(aggregate, values)
    high = number(aggregate, [math.inf if bound == "at_least" else value for bound, value in samples])
    return ("exact" if high == low else "at_least", low), high


def wanted(aggregate):
    """How many values a percentile needs."""
    return math.ceil(1 / (1 - float(aggregate[2:-1]) / 100) - 1e-9) if aggregate.startswith("p(") else 1


def verdict(text, samples, planned):
    """`pass`, `fail` or `inconclusive`, and the aggregate. Samples are those of the conclusive trials."""
    aggregate, comparison, limit = expectation(text)
    if not samples:
        return "inconclusive", None
    holds = COMPARISONS[comparison]
    sample, high = aggregated(aggregate, samples)
    low = sample[1]
    enough = len(samples) >= wanted(aggregate) and 2 * len(samples) >= planned
    if not enough:
        # What is broken for good does not need more trials.
        for_good = ((aggregate == "max" and comparison in ("<", "<=") and not holds(low, limit))
                    or (aggregate == "min" and comparison in (">", ">=") and high < math.inf and not holds(high, limit))
                    or (aggregate == "count" and comparison in ("<", "<=") and not holds(low, limit))
                    or (aggregate == "count" and comparison == "==" and limit == 0 and low > 0))
        return ("fail" if for_good else "inconclusive"), sample
    if sample[0] == "exact":
        return ("pass" if holds(low, limit) else "fail"), sample
    # Anything from `low` to infinity.
    kept = {"<": False, "<=": False, "==": False, ">": low > limit, ">=": low >= limit, "!=": low > limit}[comparison]
    broken = {"<": low >= limit, "<=": low > limit, "==": low > limit, ">": False, ">=": False, "!=": False}[comparison]
    return ("pass" if kept else "fail" if broken else "inconclusive"), sample


def run(assertions, conclusive, planned, environment_failed, lost=False):
    """The verdict of a run; assertions are (verdict, severity)."""
    counted = [one for one, severity in assertions if severity != "warn"]
    if not conclusive and environment_failed:
        return "error"
    if "fail" in counted:
        return "fail"
    if "inconclusive" in counted or "error" in counted or 2 * conclusive < planned or lost:
        return "inconclusive"
    return "pass"


EXIT = {"pass": 0, "fail": 1, "inconclusive": 3, "error": 4}
