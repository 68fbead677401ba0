"""Random experiments that `redquake validate` accepts, each drawn from one seed."""

import json
import random

KINDS = ["lock", "set", "counter", "register", "fixed-window-limiter", "sliding-window-limiter", "cache-aside", "payment-job"]

# Of each kind of workload: metrics to assert on, with limits on both sides of what is likely.
TIMES, COUNTS, SHARES, RATES = "time", "count", "share", "rate"
OF_KIND = {
    "lock": [("double_acquired", COUNTS), ("double_held_time", TIMES), ("lost", COUNTS), ("stuck", COUNTS), ("ttl_overrun", COUNTS),
             ("possible", COUNTS), ("acquired", COUNTS)],
    "set": [("acknowledged", COUNTS), ("lost", COUNTS), ("lost_share", SHARES), ("recovered", COUNTS), ("unexpected", COUNTS)],
    "counter": [("acknowledged", COUNTS), ("lost", COUNTS), ("lost_at_most", COUNTS), ("rolled_back", COUNTS)],
    "register": [("acknowledged", COUNTS), ("violations", COUNTS), ("lost", COUNTS), ("stale_reads", COUNTS), ("unexpected", COUNTS)],
    "fixed-window-limiter": [("admitted", COUNTS), ("denied", COUNTS), ("over_admitted", COUNTS), ("peak", COUNTS)],
    "sliding-window-limiter": [("admitted", COUNTS), ("denied", COUNTS), ("over_admitted", COUNTS), ("peak", COUNTS)],
    "cache-aside": [("hit_ratio", SHARES), ("lowest_hit_ratio", SHARES), ("db_peak", RATES), ("db_peak_multiplier", COUNTS),
                    ("failed_reads", COUNTS)],
    "payment-job": [("jobs", COUNTS), ("paid", COUNTS), ("charged_twice", COUNTS), ("charges_per_job", COUNTS), ("unpaid", COUNTS)],
}
OF_ALL = [("error_rate", SHARES), ("unknown", COUNTS), ("ok_rate", RATES), ("latency_p99", TIMES)]
OF_SERVERS = [("failover.write_gap", TIMES), ("failover.read_gap", TIMES), ("failover.client_gap", TIMES), ("failover.library_cost", TIMES),
              ("failover.count", COUNTS), ("failover.split_brain", TIMES), ("failover.still_acknowledged", TIMES),
              ("failover.detection", TIMES), ("failover.promotion", TIMES)]
# Aggregates that two trials allow; `p(50)` wants two.
AGGREGATES = ["min", "mean", "median", "max"]


class Draw:
    """One experiment in the making."""

    def __init__(self, seed):
        self.random = random.Random(f"redquake-search-{seed}")
        self.seed = seed
        self.cluster = self.random.random() < 0.3
        self.duration = self.random.choice([6000, 7000, 8000, 10000, 12000, 15000])
        self.trials = self.random.choice([1, 1, 2])
        self.zones = ["a", "b"] if self.random.random() < 0.5 else []

    def one(self, *choices):
        return self.random.choice(choices)

    def sometimes(self, share):
        return self.random.random() < share

    def topology(self):
        redis = self.redis = {"appendonly": self.one("yes", "no"), "save": ""}
        if self.cluster:
            self.replicas, self.sentinels = self.one(0, 1, 1, 1), 0
            redis["cluster-node-timeout"] = self.one(1000, 1500, 2000)
            redis["cluster-require-full-coverage"] = self.one("yes", "no")
            return {"kind": "cluster", "shards": 3, "replicas_per_shard": self.replicas, "config": {"redis": redis}}
        self.replicas, self.sentinels = self.one(0, 1, 2, 2, 3), self.one(1, 2, 3, 3, 3, 5)
        quorum = self.random.randint(1, self.sentinels)
        if self.replicas and self.sometimes(0.3):
            redis["min-replicas-to-write"] = 1
            redis["min-replicas-max-lag"] = self.one(1, 2, 5, 10)
        sentinel = {
            "down-after-milliseconds": self.one(200, 500, 1000, 2000),
            "failover-timeout": self.one(1000, 3000, 10000, 20000),
            "parallel-syncs": 1,
        }
        config = {"redis": redis, "sentinel": sentinel}
        return {"kind": "sentinel", "replicas": self.replicas, "sentinels": self.sentinels, "quorum": quorum, "config": config}

    def workload(self, kind, name):
        one = {"name": name, "kind": kind, "clients": self.random.randint(2, 6)}
        one["rate"] = f"{self.one(40, 80, 120)}/s"
        if self.zones and self.sometimes(0.7):
            one["zone"] = self.one("a", ["a", "b"], ["a", "b"])
        one["client"] = self.one("rebuild", "rebuild", "rebuild", "library-tuned" if self.cluster else "library")
        wait = self.random.randint(0, min(1, self.replicas))
        match kind:
            case "lock":
                one |= {"keys": self.one(2, 8, 32), "ttl": self.one("500ms", "2s", "5s", "none"), "hold": self.one("10ms", "50ms", "400ms")}
                if wait and self.sometimes(0.3):
                    one["wait"] = wait
                if one["ttl"] != "none":
                    one["renew"] = self.sometimes(0.3)
                if self.sometimes(0.4):
                    one["fencing"] = self.one("none", "refuse-older", "refuse-repeated")
                    one["resource"] = True
            case "set" | "counter":
                one["keys"] = self.one(1, 3, 6)
                one["wait"] = wait if self.sometimes(0.3) else 0
            case "register":
                one["keys"] = self.one(3, 8, 16)
                one["mix"] = {"read": self.random.randint(0, 2), "write": self.random.randint(1, 2), "swap": self.random.randint(0, 2)}
                one["wait"] = wait if self.sometimes(0.3) else 0
            case "fixed-window-limiter":
                one |= {"subjects": self.one(1, 3, 6), "limit": self.one(5, 20, 100), "window": self.one("500ms", "1s", "2s")}
                one |= {"atomic": self.sometimes(0.5), "on_error": self.one("allow", "deny", "local")}
            case "sliding-window-limiter":
                one |= {"subjects": self.one(1, 3, 6), "limit": self.one(5, 20, 100), "window": self.one("500ms", "1s", "2s")}
                one["by"] = self.one("script", "multi")
                one["clock"] = self.one("client", "server") if one["by"] == "script" else "client"
                one["on_error"] = self.one("allow", "deny", "local")
            case "cache-aside":
                one |= {"keys": self.one(50, 300), "access": self.one("uniform", "zipf"), "ttl": self.one("2s", "30s")}
                one |= {"single_flight": self.sometimes(0.3), "stale_if_error": self.sometimes(0.3), "rate": f"{self.one(100, 200)}/s"}
                if self.sometimes(0.3):
                    one["breaker"] = {"failures": 3, "for": "500ms"}
                one["database"] = {"kind": "sqlite", "service_time": self.one("0s", "10ms", "40ms"), "pool": self.one(1, 3, 10),
                                   "queue": self.one(2, 100), "timeout": self.one("200ms", "1s")}
            case "payment-job":
                one |= {"lock": self.sometimes(0.8), "ttl": self.one("100ms", "2s"), "work": self.one("10ms", "60ms", "150ms")}
                one["rate"] = f"{self.one(10, 20)}/s"
                if one["lock"]:
                    one["fencing"] = self.sometimes(0.3)
                    one["renew"] = self.sometimes(0.3)
                    one["wait"] = wait if self.sometimes(0.3) else 0
        return one

    def node(self):
        """A selector of data nodes."""
        count = 3 * (1 + self.replicas) if self.cluster else 1 + self.replicas
        draw = self.random.random()
        if draw < 0.55 or not self.replicas:
            selector = {"role": "primary"}
        elif draw < 0.8:
            selector = {"role": "replica"}
        else:
            return {"node": f"redis-{self.random.randint(1, count)}"}
        if self.cluster:
            selector["shard"] = self.random.randint(1, 3)
        elif selector["role"] == "replica":
            selector["pick"] = self.one("one", "all")
        return selector

    def sides(self):
        """Two sides of a faulty link."""
        first, second = [{"role": "primary"}], []
        if self.cluster:
            first[0]["shard"] = self.random.randint(1, 3)
            second = [{"node": f"redis-{number}"} for number in range(1, 3 * (1 + self.replicas) + 1)]
            # The primary of the shard is redis-<shard> unless a fault before this one replaced it; a node cannot be on both sides.
            first = [second.pop(first[0]["shard"] - 1)]
        else:
            others = [{"role": "sentinel"}] + ([{"role": "replica"}] if self.replicas else [])
            second = self.random.sample(others, self.random.randint(1, len(others)))
        if self.used_zones == {"a", "b"} and self.sometimes(0.6):
            first.append({"zone": "a"})
            second.append({"zone": "b"})
        return first, second

    def fault(self, name, action):
        one = {"name": name, "action": action}
        match action:
            case "kill" | "stop":
                one["target"] = self.node()
            case "restart":
                one |= {"target": self.node(), "delay": self.one("0s", "300ms", "3s"), "data": self.one("keep", "wipe"), "stop": self.one("kill", "graceful")}
            case "pause":
                one |= {"target": self.node() if self.cluster or self.sometimes(0.8) else {"role": "sentinel", "pick": "one"}}
            case "partition":
                draw = self.random.random()
                if draw < 0.6:
                    one["from"], one["to"] = self.sides()
                    one["direction"] = self.one("both", "both", "to", "from")
                elif draw < 0.8:
                    one["groups"] = [{"node": "redis-1"}, {"role": "any"}]
                else:
                    one["shape"] = self.one("isolate", "halves", "majority-minority", "random")
            case "loss" | "delay":
                one["from"], one["to"] = self.sides()
                if action == "loss":
                    one["percent"] = self.one("5%", "30%", "80%")
                else:
                    one |= {"delay": self.one("20ms", "100ms", "400ms"), "jitter": self.one("0s", "10ms")}
            case "bandwidth":
                one |= {"target": self.node(), "rate": self.one("256kbit", "2mbit")}
            case "busy":
                one |= {"target": self.node(), "how": self.one("script", "sleep")}
                # Servers refuse to be told to sleep unless they are configured to obey.
                self.redis["enable-debug-command"] = "yes"
            case "clients-pause":
                one |= {"target": self.node(), "mode": self.one("write", "all")}
            case "client-crash":
                one |= {"workload": self.lock, "pick": self.one("one", "all")}
            case "failover":
                if self.cluster:
                    one |= {"target": {"role": "replica", "shard": self.random.randint(1, 3)}}
                    if self.sometimes(0.6):
                        one["mode"] = self.one("graceful", "force", "takeover")
            case "config-set":
                one |= {"target": self.node(), "set": {"min-replicas-to-write": self.one("1", "2")}}
            case "sentinel-crash":
                one |= {"target": {"role": "sentinel"}, "point": self.one("after-election", "after-promotion")}
            case "disk-full":
                one |= {"target": self.node()}
            case "clock-jump":
                one |= {"target": self.node(), "by": self.one("+10s", "-3s", "+500ms")}
            case "reshard":
                shards = self.random.sample([1, 2, 3], 2)
                one |= {"from": {"role": "primary", "shard": shards[0]}, "to": {"role": "primary", "shard": shards[1]}}
                one |= {"slots": self.one(4, 16), "over": self.one("1s", "2s")}
        return one

    def faults(self, workloads):
        self.lock = next((one["name"] for one in workloads if one["kind"] == "lock"), None)
        self.used_zones = {zone for one in workloads if "zone" in one for zone in ([one["zone"]] if isinstance(one["zone"], str) else one["zone"])}
        possible = [action for action in ACTIONS
                    if (action != "client-crash" or self.lock)
                    and (action != "reshard" or self.cluster)
                    and (action != "sentinel-crash" or not self.cluster)
                    and (action != "failover" or self.replicas)]
        found = []
        for number in range(self.one(0, 1, 1, 1, 2, 2, 3)):
            action = self.random.choice(possible)
            if self.sometimes(0.35):
                action = self.one("kill", "partition", "pause")
            at = self.random.randint(1500, self.duration - 3500)
            longest = self.duration - at - 300
            one = self.fault(f"f{number + 1}", action)
            if found and self.sometimes(0.2) and "for" not in found[-1]:
                one["after"] = f"{found[-1]['name']} + {self.random.randint(0, 800)}ms"
                longest = 2200
            else:
                one["at"] = f"{at}ms"
            if action in ("pause", "partition", "loss", "delay", "bandwidth", "busy", "clients-pause", "disk-full"):
                one["for"] = f"{self.random.randint(2000, max(2100, min(longest, 7000)))}ms"
            elif action in ("config-set", "clock-jump", "sentinel-crash") and self.sometimes(0.6):
                one["for"] = f"{self.random.randint(2000, max(2100, min(longest, 7000)))}ms"
            found.append(one)
        return found

    def assertions(self, workloads):
        metrics = [(name, unit) for name, unit in OF_SERVERS if self.cluster is False or name != "failover.announcement"]
        for one in workloads:
            metrics += [(f"{one['name']}.{metric}", unit) for metric, unit in OF_KIND[one["kind"]] + OF_ALL]
            if self.cluster:
                shard = self.random.randint(1, 3)
                metrics += [(f"shard-{shard}.{one['name']}.{metric}", unit) for metric, unit in OF_KIND[one["kind"]]]
        found, seen = [], set()
        for _ in range(self.random.randint(2, 6)):
            metric, unit = self.random.choice(metrics)
            match unit:
                case "time":
                    limit = self.one("1ms", "10ms", "300ms", "1500ms", "2s", "5s")
                case "count":
                    limit = self.one("0", "0", "1", "2", "50", "300", "1000")
                case "share":
                    limit = self.one("0%", "1%", "10%", "50%", "90%", "100%")
                case _:
                    limit = self.one("1/s", "30/s", "100/s")
            aggregates = AGGREGATES + (["count", "count"] if unit == COUNTS and metric.split(".")[-1] not in NO_SUM else [])
            aggregates += ["p(50)"] if self.trials > 1 else []
            expect = f"{self.random.choice(aggregates)} {self.one('<', '<=', '>', '>=', '==', '!=')} {limit}"
            if (metric, expect) in seen:
                continue
            seen.add((metric, expect))
            found.append({"metric": metric, "expect": expect} | ({"severity": "warn"} if self.sometimes(0.25) else {}))
        return found

    def experiment(self):
        topology = self.topology()
        kinds = self.random.sample(KINDS, self.random.randint(1, 4))
        workloads = [self.workload(kind, f"w{number + 1}") for number, kind in enumerate(kinds)]
        faults = self.faults(workloads)
        return {
            "version": 1,
            "name": f"search-{self.seed}",
            "topology": topology,
            "duration": f"{self.duration}ms",
            "trials": self.trials,
            "seed": self.random.randint(1, 1 << 40),
            "workloads": workloads,
            "faults": faults,
            "assert": self.assertions(workloads),
        }


# Counts that are no sums: a ratio, or the highest of something.
NO_SUM = {"db_peak_multiplier", "charges_per_job"}

# Every action of the reference.
ACTIONS = ["kill", "stop", "restart", "pause", "partition", "loss", "delay", "bandwidth", "busy", "clients-pause", "client-crash",
           "failover", "reshard", "config-set", "sentinel-crash", "disk-full", "clock-jump"]


def experiment(seed):
    """The experiment of a seed, as a mapping."""
    return Draw(seed).experiment()


def as_yaml(experiment):
    """The experiment as a file: one line a field, and one a list's element."""
    lines = []
    for key, value in experiment.items():
        if isinstance(value, list) and value:
            lines.append(f"{key}:")
            lines += [f"  - {json.dumps(element)}" for element in value]
        else:
            lines.append(f"{key}: {json.dumps(value)}")
    return "\n".join(lines) + "\n"


def for_self_test():
    """One trial in which much can be altered: a primary dies under locks, a counter and a limiter, and an assertion fails."""
    return {
        "version": 1,
        "name": "search-self-test",
        "topology": {"kind": "sentinel", "replicas": 1, "sentinels": 3, "quorum": 2, "config": {
            "redis": {"appendonly": "no", "save": ""}, "sentinel": {"down-after-milliseconds": 500, "failover-timeout": 10000}}},
        "duration": "5s",
        "trials": 1,
        "seed": 1,
        "workloads": [
            {"name": "locks", "kind": "lock", "clients": 2, "rate": "50/s", "keys": 8, "ttl": "2s", "hold": "20ms"},
            {"name": "counts", "kind": "counter", "clients": 2, "rate": "50/s", "keys": 2},
            {"name": "limits", "kind": "fixed-window-limiter", "clients": 2, "rate": "50/s", "limit": 10, "window": "1s"},
            # Holders stay beyond their leases, so that there is harm to alter.
            {"name": "overrun", "kind": "lock", "clients": 3, "rate": "30/s", "keys": 1, "ttl": "100ms", "hold": "200ms"},
        ],
        "faults": [{"name": "crash", "action": "kill", "target": {"role": "primary"}, "at": "1500ms"}],
        "assert": [
            {"metric": "failover.write_gap", "expect": "max < 1ms"},
            {"metric": "locks.acquired", "expect": "count > 10"},
            {"metric": "counts.acknowledged", "expect": "median > 10"},
        ],
    }
