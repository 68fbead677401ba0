"""Metrics of one trial from its history alone, by their names: `{name: ("exact" or "at_least", value)}`.

Written from docs/definitions.md, as simply as possible, and from nothing else: what it is compared with is not looked at.
"""

import math

import gaps
import loads
import locks
import writes

SECOND = 10**9

OF_KIND = {
    "lock": locks.metrics,
    "set": writes.of_set,
    "counter": writes.of_counter,
    "register": writes.of_register,
    "fixed-window-limiter": loads.of_limiter,
    "sliding-window-limiter": loads.of_limiter,
    "cache-aside": loads.of_cache,
    "payment-job": loads.of_payments,
}


class Trial:
    """Everything that is recomputed of one trial."""

    def __init__(self, history):
        self.history = history
        self.metrics = {}
        # Metrics of which the definitions leave several values open: each of these will do; `None` among them for no value, `None` alone for any.
        self.options = {}
        # Per workload: ok, fail, info.
        self.outcomes = []
        self.unexplained = []
        self.flaws = flaws(history)
        if not history.started:
            return
        for place, workload in enumerate(history.workloads):
            self.workload(place, workload)
        self.servers()

    def put(self, name, value, bound="exact"):
        if value is not None:
            self.metrics[name] = (bound, value)

    def workload(self, place, spec):
        history, name = self.history, spec["name"]
        self.outcomes.append(self.tally(place, name))
        for metric, value in OF_KIND[spec["kind"]](history, place).items():
            self.put(f"{name}.{metric}", value)
        if history.cluster:
            for shard in range(1, history.shards + 1):
                self.tally(place, f"shard-{shard}.{name}", shard)
                for metric, value in OF_KIND[spec["kind"]](history, place, shard).items():
                    self.put(f"shard-{shard}.{name}.{metric}", value)

    def tally(self, place, name, shard=None):
        """Attempts meant to start within the measured time."""
        history = self.history
        ops = [op for op in history.of("op", place, shard) if history.measured(op["at"][0])]
        count = {out: sum(op["out"] == out for op in ops) for out in ("ok", "fail", "info")}
        held = sum(op.get("why") == "held" for op in ops)
        if ops:
            self.put(f"{name}.error_rate", (count["fail"] - held) / len(ops))
        self.put(f"{name}.unknown", count["info"])
        self.put(f"{name}.ok_rate", count["ok"] / ((history.end - history.zero) / SECOND))
        latencies = sorted(op["at"][2] - op["at"][0] for op in ops if op["out"] == "ok")
        if latencies:
            self.put(f"{name}.latency_p99", latencies[math.ceil(0.99 * len(latencies)) - 1])
        return count

    def servers(self):
        history = self.history
        numbers = range(1, history.shards + 1) if history.cluster else [None]
        shards = [gaps.Shard(history, number) for number in numbers]
        for number, shard in zip(numbers, shards):
            if number is not None:
                self.gaps(f"shard-{number}", [shard])
        self.gaps("failover", shards)
        costs = [cost for shard in shards for cost in shard.cost if shard.calm == all(one.calm for one in shards)]
        if costs:
            self.loose("failover.library_cost", combined(costs), history.cluster and all(shard.calm for shard in shards))
        self.unexplained = [gap for shard in shards for gap in shard.unexplained]
        self.outages = [gap for shard in shards for gap in shard.outages]
        self.acknowledged = sum(shard.acknowledged for shard in shards)
        # Told only of a primary that was replaced, or missed; whether it was is not recomputed.
        going_on = [on for shard in shards for on in shard.on]
        if going_on:
            self.options["failover.still_acknowledged"] = [None] + [("exact", on) for on in going_on]
        # In a Cluster that of the shard in which it lasted longest.
        splits = [(gaps.Split(history, shard.nodes), number or 1) for number, shard in zip(numbers, shards)]
        split, number = max(splits, key=lambda one: one[0].total)
        self.put("failover.split_brain", *reversed(split.sample()))
        self.put("failover.split_brain_writes", split.taken_in_vain(history, history.last_primary(number)[0]))
        self.put("failover.count", len(gaps.promotions(history, history.data)))

    def gaps(self, name, shards):
        for kind in ("write", "read", "client"):
            down = [gap.sample() for shard in shards for gap in shard.gaps[kind]]
            spacing = [gap.sample() for shard in shards for gap in shard.spacing[kind]]
            metric = f"{name}.{kind}_gap"
            if not self.history.cluster:
                if down + spacing:
                    self.put(metric, *reversed(combined(down + spacing)))
            elif down:
                # Of which shards of a Cluster the spacing of answers is told is not defined.
                self.options[metric] = [combined(down)] + [combined(down + [one]) for one in spacing]
            elif kind != "client":
                self.options[metric] = [None] + spacing

    def loose(self, name, sample, may_differ):
        if may_differ:
            self.options[name] = None
        else:
            self.put(name, *reversed(sample))


def combined(samples):
    """The largest; a lower bound where any of them is one, since that may be the largest."""
    open_end = any(bound == "at_least" for bound, _ in samples)
    return ("at_least" if open_end else "exact", max(value for _, value in samples))


def flaws(history):
    """What keeps a trial from being conclusive that is told in the history itself: `{kind: why}`."""
    found = {}
    for note in history.events["note"]:
        if note["kind"] in ("not_steady", "interrupted", "environment"):
            found[note["kind"]] = note["text"]
    if not history.whole:
        found["cut off"] = "no end line"
    if history.whole:
        end = history.events["end"][0]
        if end["ops"] != len(history.events["op"]) or end["probes"] != len(history.events["probe"]):
            found["lines"] = "fewer lines than were written"
    if not history.started:
        return found
    reached = {}
    for event in history.events["fault"]:
        reached.setdefault(event["fault"], set()).add(event["state"])
    for place, fault in enumerate(history.plan["faults"]):
        states = reached.get(place, set())
        name = fault["fault"]["name"]
        if "injected" not in states:
            found[f"fault {name}"] = "not injected"
        elif "proved" not in states:
            found[f"fault {name}"] = "not proved"
        elif fault.get("lasts") and fault["fault"]["action"] != "sentinel-crash" and "revert_proved" not in states:
            found[f"fault {name}"] = "not seen to be gone"
        if states & {"unproved", "revert_unproved", "skipped"}:
            found[f"fault {name}"] = ", ".join(sorted(states))
    for stall in history.events["stall"]:
        if stall["late"] >= 250 * 10**6 and history.zero <= stall["at"] <= history.end:
            found["stall"] = f"{stall['place']} late by {stall['late']}"
    return found
