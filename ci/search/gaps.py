"""Gaps, promotions and split brain, from the section "Gaps" of docs/definitions.md."""

from bisect import bisect_right

MS = 10**6
SECOND = 10**9
# An interval without an acknowledged write that counts as an outage, and how long after a fault or its reversal its window ends.
OUTAGE = 250 * MS
REACH = 15 * SECOND
# A node that answers nothing for so long is silent.
SILENT = 100 * MS
# Acknowledgements of one node at most so far apart are one span of writing, and one that ends so close to the end of the trial may go on.
WRITING = 50 * MS
CLOSE = 100 * MS


class Gap:
    """From the last answer before to the first after; open where there was none by the end."""

    def __init__(self, start, stop, opened=False):
        self.start, self.stop, self.open = start, stop, opened

    @property
    def length(self):
        return self.stop - self.start

    def sample(self):
        return ("at_least" if self.open else "exact", self.length)


def longest(gaps):
    return max(gaps, key=lambda gap: gap.length, default=None)


def intervals(times, end):
    """Intervals between answers, the last of them open."""
    times = sorted(times)
    found = [Gap(one, other) for one, other in zip(times, times[1:])]
    if times and times[-1] < end:
        found.append(Gap(times[-1], end, True))
    return found


def acknowledged_writes(history, nodes):
    return [at for node in nodes for at in history.written[node]]


def reads_of_primaries(history, nodes):
    """Completions of probe reads answered by a node that is a primary at that moment."""
    times = []
    for node in nodes:
        signs = [(at, True) for at in history.written[node]] + [(at, False) for at in history.refused[node]]
        signs += [(sample["at"][1], sample["role"] == "primary") for sample in history.roles_of[node] if sample["role"] != "unreachable"]
        signs.sort()
        instants = [at for at, _ in signs]
        for read in history.read[node]:
            place = bisect_right(instants, read) - 1
            if place >= 0 and signs[place][1]:
                times.append(read)
    return times


def client_answers(history, shard):
    """Completions of answers by (workload, zone). Where slots are to move, answers belong to the shard of the node that gave them."""
    groups = {}
    move = any(fault["fault"]["action"] == "reshard" for fault in history.plan["faults"])
    for op in history.events["op"]:
        if shard is not None and move and ("node" not in op or history.shard_of_node(op["node"]) != shard):
            continue
        if shard is not None and not move and history.shard_of_key(op["key"]) != shard:
            continue
        if history.workloads[op["w"]].get("quorum"):
            continue
        if op["out"] == "ok" or op.get("why") == "held":
            groups.setdefault((op["w"], history.zone_of(op)), []).append(op["at"][2])
    return groups


class Fault:
    """One that was injected: its instant, and the window in which what begins is its doing."""

    def __init__(self, history, place, all_of_them):
        self.at, self.index = all_of_them[place]
        reverted = history.reverted(self.index)
        self.ended = self.at if reverted is None else reverted
        following = all_of_them[place + 1][0] if place + 1 < len(all_of_them) else history.end
        self.until = min(following, self.ended + REACH, history.end)
        self.targets = next((event.get("targets", []) for event in history.events["fault"]
                             if event["fault"] == self.index and event["state"] == "injected"), [])


def owner(gap, faults):
    """The place of the fault an interval belongs to; `None` where none explains it."""
    inside = next((place for place, fault in enumerate(faults) if gap.start <= fault.at <= gap.stop), None)
    candidates = []
    if inside is not None and faults[inside].at - gap.start < OUTAGE:
        candidates.append((faults[inside].at - gap.start, inside))
    before = [place for place, fault in enumerate(faults) if fault.at <= gap.start]
    if before and gap.start < faults[before[-1]].until:
        candidates.append((gap.start - faults[before[-1]].at, before[-1]))
    return min(candidates)[1] if candidates else None


def silences(history, node):
    """When a node answered neither probes nor clients nor questions about its role. An error is an answer."""
    times = history.written[node] + history.read[node] + history.erred[node]
    times += [op["at"][2] for op in history.events["op"] if op.get("node") == node and op["out"] != "info"]
    times += [one["at"][1] for one in history.roles_of[node] if one["role"] != "unreachable"]
    return [gap for gap in intervals(times, history.last) if gap.length >= SILENT]


def standstills(history):
    """When all nodes that no fault had taken, two at least, were silent at once. Whether a fault that reaches links takes a node is not
    defined, so none that is named by any fault is asked, unless too few are left."""
    named = {name for fault in history.events["fault"] for name in fault.get("targets", [])}
    asked = [node for node in history.data if history.names[node] not in named]
    if len(asked) < 2:
        asked = history.data
    edges = sorted(edge for node in asked for gap in silences(history, node) for edge in ((gap.start, 1), (gap.stop, -1)))
    found, silent, since = [], 0, 0
    for at, step in edges:
        if silent == len(asked) and len(asked) > 1:
            found.append(Gap(since, at))
        silent, since = silent + step, at
    return found


def shared(gap, others):
    return sum(max(0, min(gap.stop, other.stop) - max(gap.start, other.start)) for other in others)


class Shard:
    """What a shard, or a whole set, felt. What the machine did may be left out: `without` are its standstills."""

    def __init__(self, history, shard=None, without=()):
        self.history, self.shard = history, shard
        self.nodes = history.nodes_of(shard) if shard else history.data
        times = acknowledged_writes(history, self.nodes)
        self.acknowledged = sum(history.zero <= at <= history.end for at in times)
        writes = intervals(times, history.last)
        reads = intervals(reads_of_primaries(history, self.nodes), history.last)
        # Of who was never answered nothing is told; who was answered late has waited since an outage began.
        # When they are told to stop they wait for nothing any more.
        clients = [([gap for gap in intervals(answers, history.end) if gap.start < history.end], min(answers))
                   for answers in client_answers(history, shard).values()]
        injected = history.injected()
        self.faults = [Fault(history, place, injected) for place in range(len(injected))]
        self.outages = [gap for gap in writes if gap.length >= OUTAGE and gap.stop > history.zero and gap.start < history.end]
        # An outage that is half the machine's or more is no result.
        self.outages = [gap for gap in self.outages if 2 * shared(gap, without) < gap.length]
        # Which fault explains an outage is not recomputed: every outage counts, whatever caused it.
        self.owners = [owner(gap, self.faults) for gap in self.outages]
        # Gaps of outages, and beside them what faults cost that stopped nothing: the spacing of answers.
        self.gaps = {"write": [], "read": [], "client": []}
        self.spacing = {"write": [], "read": [], "client": []}
        self.cost, self.on = [], []
        for gap in self.outages:
            self.outage(gap, reads, clients)
        down = bool(self.gaps["write"])
        self.calm = not down
        for place, fault in enumerate(self.faults):
            if place not in self.owners:
                own = [gap for gap in writes if owner(gap, self.faults) == place]
                self.ordinary(own, fault.at, fault.until, reads, clients, down)
        if not history.plan["faults"]:
            own = [gap for gap in writes if history.zero <= gap.start < history.end]
            self.ordinary(own, history.zero, history.end, reads, clients, down)

    def outage(self, gap, reads, clients):
        self.gaps["write"].append(gap)
        self.gaps["read"] += [one for one in [longest(overlapping(reads, gap))] if one]
        waits = []
        for answers, first in clients:
            own = overlapping(answers, gap) + ([Gap(gap.start, first)] if first > gap.start else [])
            wait = longest(own)
            if wait is not None:
                waits.append(Gap(gap.start, wait.stop, wait.open))
        client = longest(waits)
        if client is not None:
            self.gaps["client"].append(client)
            if not gap.open:
                self.cost.append(("at_least" if client.open else "exact", max(0, client.length - gap.length)))
        last = max(((at, node) for node in self.nodes for at in self.history.written[node] if at <= gap.start), default=None)
        if last is not None:
            self.on += [max(0, gap.start - fault.at) for fault in self.faults
                        if fault.at <= gap.stop and self.history.names[last[1]] in fault.targets]

    def ordinary(self, own, start, until, reads, clients, down):
        """What a fault that stops nothing costs: the longest ordinary interval in its window."""
        write = longest([gap for gap in own if gap.length < OUTAGE])
        if write is None:
            return
        self.spacing["write"].append(write)

        def matching(series):
            return longest([gap for gap in series
                            if (gap.start <= start < gap.stop or start <= gap.start < until) and not overlapping(self.outages, gap)])

        self.spacing["read"] += [one for one in [matching(reads)] if one]
        client = longest([one for one in (matching(answers) for answers, _ in clients) if one])
        if client is not None:
            self.spacing["client"].append(client)
            # Where clients were cut off while servers took writes there is no such cost, and beside an outage it is noise.
            if client.length < OUTAGE and not down:
                self.cost.append(("at_least" if client.open else "exact", max(0, client.length - write.length)))


def overlapping(gaps, outage):
    return [gap for gap in gaps if gap.start < outage.stop and gap.stop > outage.start]


def writing(history, node):
    """Spans in which a node acknowledged probe writes."""
    spans = []
    for at in sorted(history.written[node]):
        if spans and at - spans[-1][1] <= WRITING:
            spans[-1][1] = at
        else:
            spans.append([at, at])
    clipped = [(max(start, history.zero), min(stop, history.end)) for start, stop in spans]
    return [(start, stop) for start, stop in clipped if start < stop]


class Split:
    """When two nodes at least were writing."""

    def __init__(self, history, nodes):
        edges = []
        for node in nodes:
            for start, stop in writing(history, node):
                edges += [(start, 1, node), (stop, -1, node)]
        edges.sort()
        self.spans, self.nodes = [], set()
        on, since = set(), 0
        for at, step, node in edges:
            if len(on) >= 2 and at > since:
                self.spans.append((since, at))
                self.nodes |= on
            (on.add if step == 1 else on.discard)(node)
            since = at
        self.total = sum(stop - start for start, stop in self.spans)
        # Still so at the end: it may have gone on.
        self.open = bool(self.spans) and history.end - self.spans[-1][1] <= CLOSE

    def sample(self):
        return ("at_least" if self.open else "exact", self.total)

    def taken_in_vain(self, history, kept):
        """Writes of clients that these nodes acknowledged in this time, but for the primary of the end, by the millisecond of their completion."""
        wrong = self.nodes - {kept}
        return sum(op.get("node") in wrong and wrote(op) and any(start <= op["at"][2] // MS * MS < stop for start, stop in self.spans)
                   for op in history.events["op"])


def wrote(op):
    return op["out"] == "ok" and op["op"] not in ("get", "read") and op.get("why") not in ("gone", "changed")


def promotions(history, nodes):
    """Nodes that became primary in the measured time: they tell it after the role of a replica, and something else shows it."""
    became = []
    for node in nodes:
        role, before = None, 0
        samples = [sample for sample in history.roles_of[node] if sample["role"] != "unreachable"]
        for place, sample in enumerate(samples):
            if role == "replica" and sample["role"] == "primary" and history.zero <= sample["at"][1] < history.end:
                until = next((later["at"][1] for later in samples[place:] if later["role"] != "primary"), history.last + SECOND)
                if shown(history, node, before, until):
                    became.append((sample["at"][1], node))
            role, before = sample["role"], sample["at"][0]
    return sorted(became)


def shown(history, node, since, until):
    """Whether a probe write, a Sentinel, or a Cluster's election, takeover or slots show a promotion in this time."""
    if any(since <= at <= until for at in history.written[node]):
        return True
    address, port = history.events["node"][node]["address"].rsplit(":", 1)
    for event in history.events["sentinel"]:
        words = event["payload"].split()
        named = (event["event"] == "+promoted-slave" and words[2:4] == [address, port]) or (
            event["event"] == "+switch-master" and words[3:5] == [address, port])
        # A Sentinel tells of a promotion when the new primary has told it.
        if named and since <= event["at"] <= until + SECOND:
            return True
    return any((event["news"] in ("won", "took_over") and event["node"] == node) or (event["news"] == "owner" and event.get("about") == node)
               for event in history.events["cluster"] if since - SECOND <= event["at"] <= until)
