"""Rate limiters, caches and payments, from the sections of these names in docs/definitions.md."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict

from history import nanoseconds
from locks import FOREVER, regressions

SECOND = 10**9
TENTH = 10**8


def of_limiter(history, workload, shard=None):
    spec = history.workloads[workload]
    fixed = spec["kind"] == "fixed-window-limiter"
    limit, window = spec["limit"], nanoseconds(spec["window"])
    decisions = history.of("decision", workload, shard)
    count = Counter((one["by"], one["admit"]) for one in decisions)
    found = {
        "admitted": count["redis", True] + count["policy", True] + count["local", True],
        "denied": count["redis", False] + count["policy", False] + count["local", False],
        "admitted_open": count["policy", True],
        "admitted_local": count["local", True],
        "denied_error": count["policy", False],
    }
    admitted = [one for one in decisions if one["admit"]]
    by_redis = [one for one in admitted if one["by"] == "redis"]
    if fixed:
        found["over_admitted"] = beyond(admitted, limit)
        found["over_admitted_redis"] = beyond(by_redis, limit)
        found |= counts_of_windows(decisions, limit)
    else:
        certain = window - (window // 100 + 10**6 if spec.get("clock") == "server" else 0)
        found["over_admitted"] = removals(admitted, limit, certain)
        found["over_admitted_redis"] = removals(by_redis, limit, certain)
    found["peak"] = max((fullest(one_subject, window) for one_subject in grouped(admitted, "key").values()), default=0)
    if shard is None:
        # Of a Cluster every shard is asked.
        keys = history.of("keys", workload)
        if keys:
            found["immortal"] = sum(one["immortal"] for one in keys)
    return found


def grouped(events, *names):
    groups = defaultdict(list)
    for event in events:
        groups[tuple(event.get(name, 0) for name in names)].append(event)
    return groups


def beyond(admitted, limit):
    return sum(max(0, len(one) - limit) for one in grouped(admitted, "key", "window").values())


def removals(admitted, limit, window):
    """The fewest admissions to take back: where a window certainly holds too many, the one that began last goes."""
    count = 0
    for one_subject in grouped(admitted, "key").values():
        kept = []
        for began, decided in sorted((one["at"] for one in one_subject), key=lambda at: (at[1], at[0])):
            if decided - began > window:
                continue
            kept = [at for at in kept if at >= decided - window] + [began]
            if len(kept) > limit:
                kept.remove(max(kept))
                count += 1
    return count


def fullest(admitted, window):
    """Most requests that any window of true time certainly holds: one that ends with the last of them."""
    times = [one["at"] for one in admitted]
    return max((sum(end - window <= began and decided <= end for began, decided in times) for _, end in times), default=0)


def counts_of_windows(decisions, limit):
    """What the counters of fixed windows tell."""
    total = Counter({"rolled_back": 0, "lost_counts": 0, "wrongly_denied": 0, "ghosts": 0})
    for one_window in grouped(decisions, "key", "window").values():
        answers = sorted((one["at"][1], one["at"][0], one["value"]) for one in one_window if one.get("value") is not None)
        unanswered = sum(one["ran"] == "info" for one in one_window)
        before = total["rolled_back"]
        for place, (_, began, value) in enumerate(answers):
            total["rolled_back"] += any(other == value or (known < began and other >= value) for known, _, other in answers[:place])
        highest = max((value for _, _, value in answers), default=0)
        total["lost_counts"] += max(0, len(answers) - highest)
        if total["rolled_back"] == before:
            total["ghosts"] += min(unanswered, max(0, highest - len(answers)))
        for one in one_window:
            if not one["admit"] and one["by"] == "redis":
                can = sum(other["ran"] != "fail" and other["at"][0] <= one["at"][1] for other in one_window)
                total["wrongly_denied"] += can <= limit
    return dict(total)


def of_cache(history, workload, shard=None):
    zero, end = history.zero, history.end
    fault = min(history.first_fault() or end, end)
    reads = [one for one in history.of("read", workload, shard) if zero <= one["at"][0] <= end]
    queries = [one for one in history.of("query", workload, shard) if zero <= one["at"][0] <= end]
    asked = sorted(one["at"][0] for one in queries)
    intended = sorted(one["at"][0] for one in reads)
    hits = sorted(one["at"][0] for one in reads if one["from"] == "cache")

    def between(times, start, stop):
        return bisect_left(times, stop) - bisect_left(times, start)

    found = {}
    calm_reads = between(intended, zero, fault)
    found["hit_ratio"] = between(hits, zero, fault) / calm_reads if calm_reads else None
    peak = max((between(asked, start, start + SECOND) for start in range(zero, end - SECOND + 1, TENTH)), default=0)
    ratios = [between(hits, start, start + SECOND) / between(intended, start, start + SECOND)
              for start in range(fault, end - SECOND + 1, TENTH) if between(intended, start, start + SECOND)]
    found["db_peak"] = peak
    if ratios:
        found["lowest_hit_ratio"] = min(ratios)
    if fault - zero >= SECOND:
        found["db_baseline"] = between(asked, zero, fault) / ((fault - zero) / SECOND)
        if found["db_baseline"]:
            found["db_peak_multiplier"] = peak / found["db_baseline"]
    found["failed_reads"] = sum(one["from"] == "nowhere" for one in reads)
    found["stale_reads"] = sum(one["from"] == "stale" for one in reads)
    for name, out in (("db_refused", "refused"), ("db_timed_out", "timeout"), ("db_failed", "failed")):
        found[name] = sum(one["out"] == out for one in queries)
    found["duplicate_loads"], found["stampede"] = 0, 0
    for one_item in grouped(queries, "key").values():
        spans = sorted(one["at"] for one in one_item)
        under_way = [sum(other[0] <= span[0] < other[1] for other in spans[:place]) for place, span in enumerate(spans)]
        found["duplicate_loads"] += sum(number > 0 for number in under_way)
        found["stampede"] = max([found["stampede"]] + [number + 1 for number in under_way])
    # Who never had a connection waited until it gave up.
    waits = [one.get("began", one["at"][1]) - one["at"][0] for one in queries]
    found["db_longest_wait"] = max(waits, default=0)
    return found


def of_payments(history, workload, shard=None):
    spec = history.workloads[workload]
    attempts = history.of("payment", workload, shard)
    ledger = defaultdict(list)
    position = 0
    for part in sorted(history.events["paid"], key=lambda one: one["from"]):
        if part["w"] == workload:
            for job, attempt in part["entries"]:
                if shard is None or history.shard_of_key(job) == shard:
                    ledger[job].append(attempt)
                position += 1
    taken = {one["key"] for one in attempts}
    found = {
        "jobs": len(taken | set(ledger)),
        "paid": len(ledger),
        "charged_twice": sum(len(entries) - 1 for entries in ledger.values()),
        "unpaid": len(taken - set(ledger)),
        "fenced_out": sum(one["out"] == "fenced" for one in attempts),
    }
    if ledger:
        found["charges_per_job"] = sum(map(len, ledger.values())) / len(ledger)
    if spec.get("fencing"):
        found["token_regressions"] = regressions([(one["key"], one["lock"], one["fence"]) for one in attempts if "fence" in one and "lock" in one])
    by_id = {one["id"]: one for one in attempts}
    causes = Counter({name: 0 for name in CAUSES})
    renewals = defaultdict(list)
    for op in history.of("op", workload, shard):
        if op["op"] == "renew" and op["out"] == "ok" and op.get("why") != "gone":
            renewals[op["id"]].append(op["at"])
    for entries in ledger.values():
        for earlier, later in zip(entries, entries[1:]):
            causes[cause(by_id.get(earlier), by_id.get(later), spec, renewals)] += 1
    return found | dict(causes)


CAUSES = ["twice_no_lock", "twice_lost_lock", "twice_lease_ended", "twice_late", "twice_unexplained"]


def lease(attempt, spec, renewals):
    if spec["ttl"] == "none":
        return FOREVER
    lifetime = nanoseconds(spec["ttl"])
    drift = lifetime // 100 + 2 * 10**6
    until = attempt["lock"][0] + lifetime - drift
    for _, asked, answered in sorted(renewals[attempt["id"]]):
        if answered <= until:
            until = max(until, asked + lifetime - drift)
    return until


def cause(one, other, spec, renewals):
    """What happened to the lock between two payments of one job."""
    if one is None or other is None or one is other:
        return "twice_unexplained"
    if "lock" not in one or "lock" not in other:
        return "twice_no_lock"
    earlier, later = sorted((one, other), key=lambda attempt: attempt["lock"][1])
    until = lease(earlier, spec, renewals)
    answered = earlier["charged"][1] if earlier["out"] == "charged" else None
    granted = later["lock"][1]
    if answered is None:
        return "twice_late"
    if granted < until and granted < answered:
        return "twice_lost_lock"
    if granted >= until and answered >= until:
        return "twice_lease_ended"
    return "twice_unexplained"
