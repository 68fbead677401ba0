"""Locks, from the section "Locks" of docs/definitions.md."""

from collections import defaultdict

from history import nanoseconds

FOREVER = 1 << 63
SECOND = 10**9


class Hold:
    """One acknowledged hold: its core, its lease, and until when its holder believed in it."""

    def __init__(self, acquire, releases, renewals, lifetime, drift):
        self.key, self.id = acquire["key"], acquire["id"]
        self.asked, self.granted = acquire["at"][1], acquire["at"][2]
        self.lease = FOREVER if lifetime is None else self.asked + lifetime - drift
        self.released = min((release["at"][1] for release in releases), default=FOREVER)
        self.lost = False
        for renewal in sorted(renewals, key=lambda one: one["at"][1]):
            answered = renewal["at"][2]
            if renewal["out"] != "ok" or answered > self.lease:
                continue
            if renewal.get("why") == "gone":
                self.lost = True
                self.released = min(self.released, answered)
            else:
                self.lease = max(self.lease, renewal["at"][1] + lifetime - drift)
        self.until = min(self.released, self.lease)
        # What an earlier release may have deleted is not lost.
        maybe_deleted = FOREVER
        for release in sorted(releases, key=lambda one: one["at"][1]):
            if release["out"] == "ok" and release.get("why") == "gone":
                if release["at"][2] < self.lease and maybe_deleted >= release["at"][1]:
                    self.lost = True
            if release["out"] != "fail":
                maybe_deleted = min(maybe_deleted, release["at"][1])


def holds(ops, spec):
    """Acknowledged holds by key."""
    lifetime = None if spec["ttl"] == "none" else nanoseconds(spec["ttl"])
    drift = drift_of(spec)
    releases, renewals = defaultdict(list), defaultdict(list)
    for op in ops:
        if op["op"] == "release":
            releases[op["id"]].append(op)
        elif op["op"] == "renew":
            renewals[op["id"]].append(op)
    found = defaultdict(list)
    for op in ops:
        if op["op"] == "acquire" and op["out"] == "ok":
            hold = Hold(op, releases[op["id"]], renewals[op["id"]], lifetime, drift)
            if hold.granted <= hold.lease:
                found[op["key"]].append(hold)
    return found


def drift_of(spec):
    """1 % of the lifetime and 2 ms, unless the file says otherwise."""
    if "drift" in spec:
        return nanoseconds(spec["drift"])
    return 0 if spec["ttl"] == "none" else nanoseconds(spec["ttl"]) // 100 + 2 * 10**6


def metrics(history, workload, shard=None):
    """Metrics of a lock workload."""
    spec = history.workloads[workload]
    ops = history.of("op", workload, shard)
    by_key = holds(ops, spec)
    double, held, overrun = 0, 0, 0
    for one_key in by_key.values():
        one_key.sort(key=lambda hold: hold.granted)
        for place, first in enumerate(one_key):
            for second in one_key[place + 1:]:
                overlap = min(first.until, second.until) - max(first.granted, second.granted)
                if overlap > 0:
                    double += 1
                    held += overlap
                elif first.released != FOREVER and first.lease < first.released and second.granted < first.released:
                    overrun += 1
    found = {
        "double_acquired": double,
        "double_held_time": held,
        "ttl_overrun": overrun,
        "possible": possible(ops, by_key, spec),
        "lost": sum(hold.lost for one_key in by_key.values() for hold in one_key),
        "acquired": sum(op["op"] == "acquire" and op["out"] == "ok" for op in ops),
        "stuck": len(stuck(history, workload, shard, ops, spec)),
    }
    accesses = history.of("access", workload, shard)
    fenced = spec.get("fencing", "none") != "none"
    if spec.get("resource") or fenced:
        written = [one for one in accesses if one["out"] == "written"]
        found["updates"] = len(written)
        found["lost_updates"] = sum(one["wrote"][1] != one["read"][1] for one in written)
    if fenced:
        refused = [one for one in accesses if one["out"] in ("refused_read", "refused_write")]
        found["fenced_out"] = len(refused)
        found["fenced_alone"] = sum(alone(one, by_key[one["key"]]) for one in refused)
        found["token_regressions"] = regressions([(one["key"], one["lock"], one["token"]) for one in accesses if "token" in one])
    return found


def alone(access, of_key):
    """Whether a holder was refused within its core, which overlaps no other."""
    mine = next((hold for hold in of_key if hold.id == access["id"]), None)
    if mine is None:
        return False
    at = access["read"][0] if access["out"] == "refused_read" else access["wrote"][0]
    inside = mine.granted <= at <= mine.until
    return inside and not any(other is not mine and min(mine.until, other.until) > max(mine.granted, other.granted) for other in of_key)


def regressions(tokens):
    """Tokens that are not above every token of the key handed out before they were asked for, or that another got before."""
    by_key = defaultdict(list)
    for key, lock, token in tokens:
        by_key[key].append((lock[1], lock[0], token))
    count = 0
    for one_key in by_key.values():
        one_key.sort()
        for place, (_, asked, token) in enumerate(one_key):
            older = one_key[:place]
            count += any(other == token or (granted < asked and other >= token) for granted, _, other in older)
    return count


def possible(ops, by_key, spec):
    """Acquires without an answer that, had they been granted, overlapped an acknowledged hold."""
    lifetime = None if spec["ttl"] == "none" else nanoseconds(spec["ttl"])
    released = {}
    for op in ops:
        if op["op"] == "release":
            released[op["id"]] = min(released.get(op["id"], FOREVER), op["at"][1])
    count = 0
    for op in ops:
        if op["op"] != "acquire" or op["out"] != "info":
            continue
        lease = FOREVER if lifetime is None else op["at"][1] + lifetime - drift_of(spec)
        until = min(lease, released.get(op["id"], FOREVER))
        count += any(min(until, hold.until) > max(op["at"][2], hold.granted) for hold in by_key.get(op["key"], []))
    return count


def stuck(history, workload, shard, ops, spec):
    """Keys nobody can take a lifetime, a drift margin and a second after the healing and the last acquire that was or may have been granted."""
    lifetime = None if spec["ttl"] == "none" else nanoseconds(spec["ttl"])
    healed = max([event["at"] for event in history.events["fault"] if event["state"] in ("injected", "reverted")], default=0)
    found = set()
    last = defaultdict(int)
    for op in ops:
        if op["op"] not in ("acquire", "renew") or op["out"] == "fail":
            continue
        arrives = op["at"][2]
        if op["out"] == "info" and op["at"][1] < healed:
            arrives = max(arrives, healed + (healed - op["at"][1]))
        last[op["key"]] = max(last[op["key"]], arrives)
    def free_after(key):
        return max(healed, last[key]) + lifetime + drift_of(spec) + SECOND
    if lifetime is not None:
        for op in ops:
            if op["op"] == "acquire" and op.get("why") == "held" and op["at"][1] > free_after(op["key"]):
                found.add(op["key"])
    for one in history.of("final", workload, shard):
        if one["pttl"] == -1:
            found.add(one["key"])
        elif one["pttl"] >= 0 and lifetime is not None and one["at"] > free_after(one["key"]):
            found.add(one["key"])
    return found
