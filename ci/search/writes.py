"""Acknowledged writes that must not vanish: sets, counters and registers, from the section of that name in docs/definitions.md."""

from collections import Counter, defaultdict

# Who answered the final read: the primary of the end, whoever that was.
FINAL = "final"


def share(part, whole):
    return part / whole if whole else None


def of_set(history, workload, shard=None):
    found = defaultdict(set)
    foreign = 0
    for members in history.of("members", workload, shard):
        found[members["key"]] |= set(members["ids"])
        foreign += members.get("foreign", 0)
    count = Counter()
    outcome = {}
    for op in history.of("op", workload, shard):
        # An element that is sent again after a detour has the outcome that says most.
        name = (op["key"], op["id"])
        if RANK[op["out"]] > RANK.get(outcome.get(name), -1):
            outcome[name] = op["out"]
    for (key, element), out in outcome.items():
        present = element in found[key] if key in found else None
        if out == "ok":
            count["acknowledged"] += 1
            count["never_read"] += present is None
            count["lost"] += present is False
        else:
            count["recovered" if out == "info" else "unexpected"] += present is True
    count["unexpected"] += foreign + sum((key, element) not in outcome for key, elements in found.items() for element in elements)
    names = ["acknowledged", "lost", "recovered", "unexpected", "never_read"]
    return {name: count[name] for name in names} | {"lost_share": share(count["lost"], count["acknowledged"])}


RANK = {"fail": 0, "info": 1, "ok": 2, None: -1}


def of_counter(history, workload, shard=None):
    calls = defaultdict(list)
    for call in history.of("exchange", workload, shard):
        calls[call["key"]].append(call)
    last = {value["key"]: value.get("value", 0) for value in history.of("value", workload, shard)}
    total = Counter()
    for key, one_key in calls.items():
        acknowledged = sum(call["out"] == "ok" for call in one_key)
        total["acknowledged"] += acknowledged
        # What too few replicas have was never acknowledged, and may go back.
        answers = sorted((call["at"][1], call["at"][0], call["found"]) for call in one_key if call["out"] == "ok")
        for place, (_, asked, found) in enumerate(answers):
            before = answers[:place]
            total["rolled_back"] += any(value == found or (known < asked and value >= found) for known, _, value in before)
        if key not in last:
            total["never_read"] += acknowledged
            continue
        kept = {call["found"] for call in one_key if call["out"] == "ok" and 1 <= call["found"] <= last[key]}
        unknown = sum(call["out"] == "info" for call in one_key)
        total["lost"] += acknowledged - len(kept)
        total["lost_at_most"] += acknowledged - max(0, min(len(kept), last[key] - unknown))
        unnamed = last[key] - len(kept)
        total["ghosts"] += min(unnamed, unknown)
        total["unexpected"] += max(0, unnamed - unknown)
    names = ["acknowledged", "lost", "lost_at_most", "ghosts", "unexpected", "rolled_back", "never_read"]
    return {name: total[name] for name in names} | {"lost_share": share(total["lost"], total["acknowledged"])}


def of_register(history, workload, shard=None):
    """All but `violations` and `inconclusive`: of these it is compared elsewhere what must be true."""
    calls = defaultdict(list)
    for call in history.of("exchange", workload, shard):
        calls[call["key"]].append(call)
    read = {value["key"]: value for value in history.of("value", workload, shard)}
    total = Counter()
    for key, one_key in calls.items():
        one = Register(one_key, read.get(key), *history.last_primary(history.shard_of_key(key)))
        total["acknowledged"] += len(one.writes)
        total["never_read"] += bool(one.writes) and key not in read
        total["lost"] += one.lost()
        total["lost_updates"] += one.lost_updates()
        total["stale_reads"] += one.stale()
        total["unexpected"] += one.unexpected()
        total["certainly_broken"] += bool(one.lost_updates() or one.stale() or one.unexpected())
    names = ["acknowledged", "lost", "lost_updates", "stale_reads", "unexpected", "never_read", "certainly_broken"]
    return {name: total[name] for name in names} | {"lost_share": share(total["lost"], total["acknowledged"])}


class Register:
    """The calls of one register: what was acknowledged, what was answered, and from when each value was there for certain."""

    def __init__(self, calls, last, primary, since):
        self.calls, self.primary, self.since = calls, primary, since
        self.writes = [call for call in calls if writes_ok(call)]
        # (asked, answered, value, node); the final read is an answer of the primary of the end.
        self.answers = [(*call["at"], call.get("found"), call.get("node")) for call in calls
                        if call["out"] == "ok" and call["call"] in ("read", "swap")]
        if last is not None:
            self.answers.append((*last["at"], last.get("value"), FINAL))
        self.certain = {None: 0}
        for answered, value in [(call["at"][1], call["id"]) for call in self.writes] + [answer[1:3] for answer in self.answers]:
            self.certain[value] = min(self.certain.get(value, answered), answered)

    def older(self, write, answer):
        """Whether an answer has a value that this write had certainly replaced before the question."""
        asked, _, value, _ = answer
        return value != write["id"] and write["at"][0] > self.certain[value] and write["at"][1] < asked

    def stale(self):
        return sum(any(self.older(write, answer) for write in self.writes) for answer in self.answers)

    def lost(self):
        """Acknowledged writes that the primary of the end certainly never had."""
        known = self.primary is not None
        own = [answer for answer in self.answers if answer[3] == FINAL or (known and answer[3] == self.primary and answer[0] >= self.since)]
        # Nothing comes from another node to a primary.
        elsewhere = [known and write.get("node") not in (None, self.primary) and write["at"][0] >= self.since for write in self.writes]
        return sum(apart or any(self.older(write, answer) for answer in own) for write, apart in zip(self.writes, elsewhere))

    def lost_updates(self):
        replaced = Counter(call.get("wanted") for call in self.writes if call["call"] == "swap")
        return sum(count - 1 for count in replaced.values())

    def unexpected(self):
        """Answers with a value whose write was certainly not executed, had not begun, or is nobody's."""
        began, impossible = {}, {}
        for call in self.calls:
            if call["call"] == "write" or (call["call"] == "swap" and not (call["out"] == "ok" and not writes_ok(call))):
                began[call["id"]] = min(began.get(call["id"], call["at"][0]), call["at"][0])
                impossible[call["id"]] = impossible.get(call["id"], True) and call["out"] == "fail"
        return sum(value is not None and (value not in began or impossible[value] or began[value] > answered)
                   for _, answered, value, _ in self.answers)


def writes_ok(call):
    """An acknowledged write, or an acknowledged swap that found what it wanted."""
    return call["out"] == "ok" and (call["call"] == "write" or (call["call"] == "swap" and call.get("found") == call.get("wanted")))
