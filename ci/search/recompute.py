"""Metrics of one trial from its history alone, by their names: `{name: ("exact" or "at_least", value)}`.

Written from docs/definitions.md, as simply as possible, and from nothing else: what it is compared with is not looked at.
"""

import math

import gaps
import loads
import locks
import objects
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
        # Metrics of which only the least and the most are recomputed.
        self.bounds = {}
        # Per workload: ok, fail, info.
        self.outcomes = []
        self.flaws = flaws(history)
        # Whether the machine had part in an outage.
        self.stood_still = False
        if not history.started:
            return
        for place, workload in enumerate(history.workloads):
            self.workload(place, workload)
        self.options |= self.servers()

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
        """What the servers did. What was the machine's is no result; of which nodes that is asked is not defined, so both will do."""
        standstills = gaps.standstills(self.history)
        mine = self.of_servers(())
        self.stood_still = any(gaps.shared(gap, standstills) > 0 for gap in self.outages)
        if self.stood_still:
            others = self.of_servers(standstills)
            for name in set(mine) | set(others):
                mine[name] = union(mine.get(name, [None]), others.get(name, [None]))
        for name, values in list(mine.items()):
            if values is not None and len(values) == 1 and values[0] is not None:
                self.put(name, *reversed(values[0]))
                del mine[name]
        return mine

    def of_servers(self, without):
        """Values that will do, by metric; `None` for any."""
        history, found = self.history, {}
        numbers = range(1, history.shards + 1) if history.cluster else [None]
        shards = [gaps.Shard(history, number, without) for number in numbers]
        for number, shard in zip(numbers, shards):
            if number is not None:
                found |= self.gaps(f"shard-{number}", [shard])
        found |= self.gaps("failover", shards)
        costs = [cost for shard in shards for cost in shard.cost if shard.calm == all(one.calm for one in shards)]
        if costs:
            calm = history.cluster and all(shard.calm for shard in shards)
            found["failover.library_cost"] = None if calm else [greatest(costs)]
        self.outages = [gap for shard in shards for gap in shard.outages]
        self.acknowledged = sum(shard.acknowledged for shard in shards)
        # Told only of a primary that was replaced, or missed; whether it was is not recomputed.
        going_on = [on for shard in shards for on in shard.on]
        if going_on:
            found["failover.still_acknowledged"] = [None] + [("exact", on) for on in going_on]
        # In a Cluster that of the shard in which it lasted longest.
        splits = [(gaps.Split(history, shard.nodes), number or 1) for number, shard in zip(numbers, shards)]
        split, number = max(splits, key=lambda one: one[0].total)
        found["failover.split_brain"] = [split.sample()]
        found["failover.split_brain_writes"] = [("exact", split.taken_in_vain(history, history.last_primary(number)[0]))]
        found["failover.count"] = [("exact", len(gaps.promotions(history, history.data)))]
        if history.cluster:
            # Which shards a fault took hold of is not recomputed.
            found["failover.blast_radius"] = [None, ("exact", 0)] + [combined([gap.sample() for gap in shard.gaps["write"]]) for shard in shards if not shard.calm]
        self.bounds["failover.aftershocks"] = self.aftershocks()
        if history.plan["faults"]:
            missed = {event["fault"] for event in history.events["fault"] if event["state"] == "missed"}
            found["failover.missed_faults"] = [("exact", len(missed))]
        if history.events["object"]:
            found["failover.crashes"] = [("exact", len(objects.crashes(history)))]
        return found

    def aftershocks(self):
        """A fault explains at most one promotion of each node it took; every other one after it, and every outage, may be an aftershock."""
        history = self.history
        injected = history.injected()
        if not injected:
            return 0, 0
        after = [at for at, _ in gaps.promotions(history, history.data) if at > injected[0][0]]
        explained = 0
        for _, fault in injected:
            targets = next(event.get("targets", []) for event in history.events["fault"] if event["fault"] == fault and event["state"] == "injected")
            explained += max(1, len(targets))
        return max(0, len(after) - explained), len(after) + len(self.outages)

    def gaps(self, name, shards):
        found = {}
        for kind in ("write", "read", "client"):
            down = [gap.sample() for shard in shards for gap in shard.gaps[kind]]
            spacing = [gap.sample() for shard in shards for gap in shard.spacing[kind]]
            metric = f"{name}.{kind}_gap"
            if not self.history.cluster:
                if down + spacing:
                    found[metric] = [combined(down + spacing)]
            elif down:
                # Of which shards of a Cluster the spacing of answers is told is not defined.
                found[metric] = [combined(down)] + [combined(down + [one]) for one in spacing]
            elif kind != "client":
                found[metric] = [None] + spacing
        return found


def union(some, others):
    return None if some is None or others is None else some + [one for one in others if one not in some]


def combined(samples):
    """The longest gap. A wait that the end of the trial cut short while it was an ordinary one makes no lower bound of a longer one."""
    return greatest([one for one in samples if one[0] != "at_least" or one[1] >= gaps.OUTAGE] or samples)


def greatest(samples):
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
        before = len(history.lines) - 1
        if end["ops"] != len(history.events["op"]) or end["probes"] != len(history.events["probe"]) or end.get("lines", before) != before:
            found["lines"] = "fewer lines than were written"
    if not history.started:
        return found
    reached = {}
    for event in history.events["fault"]:
        reached.setdefault(event["fault"], set()).add(event["state"])
    for place, fault in enumerate(history.plan["faults"]):
        states = reached.get(place, set())
        name = fault["fault"]["name"]
        if "missed" in states:
            # The servers gave no occasion: counted, and no flaw of the trial.
            continue
        if "injected" not in states:
            found[f"fault {name}"] = "not injected"
        elif "proved" not in states:
            found[f"fault {name}"] = "not proved"
        elif fault.get("lasts") and fault["fault"]["action"] != "sentinel-crash" and "revert_proved" not in states:
            found[f"fault {name}"] = "not verified to be gone"
        if states & {"unproved", "revert_unproved", "skipped"}:
            found[f"fault {name}"] = ", ".join(sorted(states))
    for stall in history.events["server_stall"]:
        # A wait that ended between two looks, in the measured time.
        if max(stall.get("waited", 0), stall.get("blocked", 0)) >= 250 * 10**6 and history.zero <= stall["at"][0] and stall["at"][1] <= history.end:
            found["server stall"] = f"{stall['node']} waited"
    for one in objects.outside(history):
        found["outside"] = f"{one['name']} ended, and neither a fault nor the server did it"
    for stall in history.events["stall"]:
        if stall["late"] >= 250 * 10**6 and history.zero <= stall["at"] <= history.end:
            found["stall"] = f"{stall['place']} late by {stall['late']}"
    return found
