"""Anomalies and vacuous assertions, from the section "What a report shows of it" of docs/definitions.md."""

import judge
from history import read

# The metric that counts an anomaly of a kind of workload. Of others one row may stand for several.
COUNTED = {
    "lock": {"double_acquired": "double_acquired", "lost_lock": "lost", "stuck_lock": "stuck", "ttl_overrun": "ttl_overrun",
             "possible_double": "possible", "lost_update": "lost_updates", "token_regression": "token_regressions"},
    "set": {"lost_write": "lost", "unexpected_write": "unexpected"},
    "register": {"lost_write": "lost", "stale_read": "stale_reads"},
    "payment-job": {"charged_twice": "charged_twice", "token_regression": "token_regressions"},
}
LISTED = 50


def anomalies(folder, trial, own, same):
    """The counts of a trial, and the file that has each one."""
    where = f"trial {trial['index']}"
    told = {(one["workload"], one["kind"]): one for one in trial.get("anomaly_counts", [])}
    kinds = {spec["name"]: spec["kind"] for spec in own.history.workloads}
    for name, kind in kinds.items():
        for anomaly, metric in COUNTED.get(kind, {}).items():
            sample = own.metrics.get(f"{name}.{metric}")
            if sample is not None:
                same(where, f"anomalies of {name}: {anomaly}", sample[1], told.get((name, anomaly), {}).get("total", 0))
    for (name, kind), one in told.items():
        same(where, f"times of {kind} of {name} on the axis", one["total"], sum(span[2] for span in one["spans"]))
    total = sum(one["total"] for one in told.values() if one["kind"] != "possible_double")
    same(where, "anomalies in all", total, trial["anomalies_total"])
    if trial.get("anomalies_file"):
        lines = read(folder / trial["anomalies_file"])
        for (name, kind), one in told.items():
            rows = sum(line["kind"] == kind and line["workload"] == name for line in lines)
            if kind in COUNTED.get(kinds[name], {}):
                same(where, f"rows of {kind} of {name} in {trial['anomalies_file']}", one["total"], rows)
            if kind == "possible_double":
                # No anomaly, and listed apart.
                continue
            listed = sum(line["kind"] == kind and line["workload"] == name for line in trial["anomalies"])
            same(where, f"{kind} of {name} that are listed", min(LISTED, rows), listed)


def vacuous(metric, expect, trials):
    """Whether an assertion that holds could not have failed; `None` where that is not recomputed. `trials` are the conclusive ones."""
    _, comparison, limit = judge.expectation(expect)
    if not (comparison in ("<", "<=") or (comparison in ("==", ">=") and limit == 0)):
        return False
    parts = metric.split(".")
    shard = int(parts.pop(0).removeprefix("shard-")) if metric.startswith("shard-") else None
    if parts[0] == "failover":
        return parts[1] == "aftershocks" and not any(trial.history.injected() for trial in trials)
    if len(parts) == 1:
        return False
    name, last = parts
    place, spec = next((place, spec) for place, spec in enumerate(trials[0].history.workloads) if spec["name"] == name)
    prefix = name if shard is None else None

    def total(of):
        return sum(trial.metrics.get(f"{prefix}.{of}", (None, 0))[1] for trial in trials)

    if shard is not None or last in ("error_rate", "unknown", "ok_rate", "latency_p99"):
        return None
    if spec["kind"] == "lock":
        if total("acquired") == 0:
            return True
        if last in ("double_acquired", "double_held_time", "ttl_overrun", "possible"):
            return not any(op["op"] == "acquire" and op.get("why") == "held" for trial in trials for op in trial.history.of("op", place))
        return last == "lost_updates" and total("updates") == 0
    if spec["kind"] in ("set", "counter"):
        return total("acknowledged") == 0
    if spec["kind"] == "cache-aside":
        reads = sum(len(trial.history.of("read", place)) for trial in trials)
        queries = sum(len(trial.history.of("query", place)) for trial in trials)
        return (queries if last.startswith("db_") or last in ("stampede", "duplicate_loads") else reads) == 0
    return None
