"""A history as lists: nothing is computed here but what every recomputation asks for."""

import json
import re
import subprocess
from collections import defaultdict

UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


# Reasons of probes that nobody answered.
NO_ANSWER = {"connect", "reset", "timeout"}


def nanoseconds(text):
    """`1.5s` in nanoseconds."""
    number, unit = re.fullmatch(r"([0-9.]+)(ns|us|ms|s|m|h)", text).groups()
    return round(float(number) * UNITS[unit])


def read(path):
    """The lines of a compressed history as mappings; the last line of one that was cut off may be half a line."""
    text = subprocess.run(["zstd", "-dcq", str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    lines = []
    for line in text.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines


class History:
    """The events of one trial, by kind, in the order of the file."""

    def __init__(self, lines):
        self.lines = lines
        self.events = defaultdict(list)
        for line in lines:
            for kind, event in line.items():
                self.events[kind].append(event)
        self.header = self.events["header"][0]
        self.plan = self.header["plan"]
        self.experiment = self.plan["experiment"]
        self.workloads = self.experiment["workloads"]
        self.whole = bool(self.events["end"])
        phases = {phase["name"]: phase["at"] for phase in self.events["phase"]}
        times = [event["at"] if isinstance(event["at"], int) else max(event["at"])
                 for kind, events in self.events.items() if kind != "header" for event in events if "at" in event]
        # The measured time.
        self.zero = phases.get("baseline")
        self.end = phases.get("stop", max(times, default=0))
        self.started = self.zero is not None
        self.names = [node["name"] for node in self.events["node"]]
        self.addresses = {node["address"]: place for place, node in enumerate(self.events["node"])}
        self.roles = [node["role"] for node in self.plan["nodes"]]
        self.data = [place for place, role in enumerate(self.roles) if role in ("primary", "replica")]
        self.cluster = self.experiment["topology"]["kind"] == "cluster"
        self.shards = self.experiment["topology"].get("shards", 3) if self.cluster else 1

        # By node: completions of probe writes that were acknowledged, of those refused as read-only or `MOVED`, of probe reads that were answered,
        # and of probes that were answered by an error.
        self.written, self.refused, self.read, self.erred = (defaultdict(list) for _ in range(4))
        for probe in self.events["probe"]:
            if probe["out"] == "ok":
                (self.written if probe["op"] == "write" else self.read)[probe["node"]].append(probe["at"][2])
            elif probe["op"] == "write" and probe.get("why") in ("readonly", "moved"):
                self.refused[probe["node"]].append(probe["at"][2])
            if probe["out"] != "ok" and probe.get("why") not in NO_ANSWER:
                self.erred[probe["node"]].append(probe["at"][2])
        # Until when anybody looked: a gap that is open then is a lower bound.
        self.last = max((probe["at"][2] for probe in self.events["probe"] if probe["op"] == "write"), default=self.end)
        self.roles_of = defaultdict(list)
        for sample in self.events["role"]:
            self.roles_of[sample["node"]].append(sample)

    def shard_of_node(self, node):
        """From 1; everything is shard 1 outside Clusters."""
        return self.plan["nodes"][node].get("shard", 1)

    def shard_of_key(self, key):
        return key % self.shards + 1

    def nodes_of(self, shard):
        return [node for node in self.data if not self.cluster or self.shard_of_node(node) == shard]

    def zone_of(self, op):
        """Clients are dealt out to the zones of their workload in turn."""
        zones = self.workloads[op["w"]].get("zone")
        if isinstance(zones, list):
            return zones[op["c"] % len(zones)]
        return zones

    def last_primary(self, shard):
        """The primary of the end, and since when it was one without a break: of those that last said so, the newest. One that gives no
        answer any more is none."""
        found = []
        for node in self.nodes_of(shard):
            signs = [(at, True) for at in self.written[node]] + [(at, False) for at in self.refused[node]]
            signs += [(one["at"][1], one["role"] == "primary") for one in self.roles_of[node] if one["role"] != "unreachable"]
            if not signs or not self.roles_of[node] or self.roles_of[node][-1]["role"] == "unreachable":
                continue
            signs.sort()
            if signs[-1][1]:
                against = max((at for at, primary in signs if not primary), default=-1)
                found.append((min(at for at, primary in signs if at > against), node))
        since, node = max(found, default=(0, None))
        return node, since

    def of(self, kind, workload, shard=None):
        """Events of a workload, of all keys or of those of one shard."""
        return [event for event in self.events[kind]
                if event["w"] == workload and (shard is None or self.shard_of_key(event["key"]) == shard)]

    def measured(self, at):
        return self.zero <= at < self.end

    def injected(self):
        """Instant of each fault that was injected, in order of time: (instant, index in the plan)."""
        first = {}
        for event in self.events["fault"]:
            if event["state"] == "injected":
                first.setdefault(event["fault"], event["at"])
        return sorted((at, fault) for fault, at in first.items())

    def first_fault(self):
        return min((at for at, _ in self.injected()), default=None)

    def reverted(self, fault):
        return max((event["at"] for event in self.events["fault"] if event["state"] == "reverted" and event["fault"] == fault), default=None)
