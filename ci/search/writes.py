"""Acknowledged writes that must not vanish: sets, counters and registers, from the section of that name in docs/definitions.md."""

from collections import Counter, defaultdict

# Stands for a value none of the clients wrote.
FOREIGN = (1 << 64) - 1


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
        answers = sorted((call["at"][1], call["at"][0], call["found"]) for call in one_key if call.get("found") is not None)
        for place, (_, asked, found) in enumerate(answers):
            before = answers[:place]
            total["rolled_back"] += any(value == found or (known < asked and value >= found) for known, _, value in before)
        if key not in last:
            total["never_read"] += acknowledged
            continue
        kept = {call["found"] for call in one_key if call["out"] == "ok" and 1 <= call["found"] <= last[key]}
        named = {call["found"] for call in one_key if call.get("found") is not None and 1 <= call["found"] <= last[key]}
        unknown = sum(call["out"] == "info" for call in one_key)
        unanswered = sum(call["out"] == "info" and call.get("found") is None for call in one_key)
        total["lost"] += acknowledged - len(kept)
        total["lost_at_most"] += acknowledged - max(0, min(len(kept), last[key] - unknown))
        unnamed = last[key] - len(named)
        total["ghosts"] += min(unnamed, unanswered)
        total["unexpected"] += max(0, unnamed - unanswered)
    names = ["acknowledged", "lost", "lost_at_most", "ghosts", "unexpected", "rolled_back", "never_read"]
    return {name: total[name] for name in names} | {"lost_share": share(total["lost"], total["acknowledged"])}


def of_register(history, workload, shard=None):
    """All but `lost`, `violations` and `inconclusive`; of these what must be true is compared elsewhere."""
    calls = defaultdict(list)
    for call in history.of("exchange", workload, shard):
        calls[call["key"]].append(call)
    read = {value["key"] for value in history.of("value", workload, shard)}
    total = Counter()
    broken = set()
    for key, one_key in calls.items():
        writes = [call for call in one_key if writes_ok(call)]
        total["acknowledged"] += len(writes)
        total["never_read"] += bool(writes) and key not in read
        replaced = Counter(call.get("wanted") for call in writes if call["call"] == "swap")
        again = sum(count - 1 for count in replaced.values())
        total["lost_updates"] += again
        # Of one identity a failed attempt may precede another one.
        began, impossible = {}, {}
        for call in one_key:
            if call["call"] == "read" or (call["call"] == "swap" and call["out"] == "ok" and not writes_ok(call)):
                continue
            began[call["id"]] = min(began.get(call["id"], call["at"][0]), call["at"][0])
            impossible[call["id"]] = impossible.get(call["id"], True) and call["out"] == "fail"
        certain = {None: 0}
        answers = [call for call in one_key if call["out"] == "ok" and call["call"] in ("read", "swap")]
        for call in writes:
            certain[call["id"]] = min(certain.get(call["id"], call["at"][1]), call["at"][1])
        for call in answers:
            value = call.get("found")
            certain[value] = min(certain.get(value, call["at"][1]), call["at"][1])
        stale, unexpected = 0, 0
        for call in answers:
            value = call.get("found")
            stale += any(other["id"] != value and other["at"][0] > certain[value] and other["at"][1] < call["at"][0] for other in writes)
            if value is not None:
                unexpected += value not in began or impossible[value] or began[value] > call["at"][1]
        total["stale_reads"] += stale
        total["unexpected"] += unexpected
        if stale or unexpected or again:
            broken.add(key)
    names = ["acknowledged", "lost_updates", "stale_reads", "unexpected", "never_read"]
    return {name: total[name] for name in names} | {"certainly_broken": len(broken)}


def writes_ok(call):
    """An acknowledged write, or an acknowledged swap that found what it wanted."""
    return call["out"] == "ok" and (call["call"] == "write" or (call["call"] == "swap" and call.get("found") == call.get("wanted")))
