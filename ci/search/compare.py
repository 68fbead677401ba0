"""What a run says, beside what its histories say."""

import json
import math
from pathlib import Path

import figures
import harm
import judge
import sentence
import shown
from history import History, read
from recompute import Trial

# Latencies are kept with three significant digits.
ROUGH = {"latency_p99": 2e-3}
# What must be true of a metric that is not recomputed: at least as many registers are broken as were certainly seen to be.
AT_LEAST = {"certainly_broken": "violations"}
OF_OUTAGES = {"blast_radius", "write_gap", "read_gap", "client_gap", "library_cost", "still_acknowledged"}
SUMS = {
    "locks held twice": "double_acquired", "locks lost": "lost", "locks stuck": "stuck", "writes lost": "lost",
    "increments lost": "lost", "requests beyond limits": "over_admitted", "charged twice": "charged_twice",
}
KINDS = {
    "locks held twice": ["lock"], "locks lost": ["lock"], "locks stuck": ["lock"], "writes lost": ["set"], "increments lost": ["counter"],
    "requests beyond limits": ["fixed-window-limiter", "sliding-window-limiter"], "charged twice": ["payment-job"],
}
TILES = {"server write gap": "failover.write_gap", "client gap": "failover.client_gap", "library cost": "failover.library_cost",
         "server read gap": "failover.read_gap"}


def sample_of(mapping):
    (bound, value), = mapping.items()
    return bound, value


def alike(one, other, metric):
    """Whether two samples are the same: counts exactly, times to the nanosecond, shares and rates to 1e-9."""
    if one is None or other is None:
        return one is other
    rough = ROUGH.get(metric.rsplit(".", 1)[-1], 1e-9)
    return one[0] == other[0] and math.isclose(one[1], other[1], rel_tol=rough, abs_tol=1e-9)


class Comparison:
    """The differences of one run."""

    def __init__(self, folder, printed, code, recomputed=None):
        self.folder, self.printed, self.code = Path(folder), printed, code
        self.document = json.loads((self.folder / "result.json").read_text())
        # Recomputed trials by path, kept for those who compare the same histories again.
        self.recomputed = {} if recomputed is None else recomputed
        self.found = []
        self.compared = 0
        self.trials = self.document["trials"]
        self.conclusive = [trial for trial in self.trials if trial["status"] == "conclusive"]
        self.histories()
        self.aggregates()
        self.verdicts()
        self.page()
        self.summary()
        self.junit()
        self.metrics_files()
        self.terminal()

    def same(self, where, what, ours, theirs):
        self.compared += 1
        if ours != theirs:
            self.found.append(f"{where}: {what}: recomputed {ours}, told {theirs}")

    # Trials

    def recompute(self, trial):
        path = self.folder / trial["history"]
        if path not in self.recomputed:
            self.recomputed[path] = Trial(History(read(path)))
        return self.recomputed[path]

    def histories(self):
        # Samples of the conclusive trials by metric, each compared with the one recomputed where there is one.
        self.samples = {}
        for trial in self.trials:
            where = f"trial {trial['index']}"
            own = self.recompute(trial)
            self.status(where, trial, own)
            if not own.history.started:
                continue
            self.same(where, "zero and end", [own.history.zero, own.history.end], [trial["zero"], trial["end"]])
            for counts, workload in zip(own.outcomes, trial["workloads"]):
                told = {name: workload[name] for name in ("ok", "fail", "info")}
                self.same(where, f"outcomes of {workload['name']}", counts, told)
            self.trial_metrics(where, trial, own)
            if "anomaly_counts" in trial or trial["anomalies_total"]:
                harm.anomalies(self.folder, trial, own, self.same)

    def status(self, where, trial, own):
        """One direction: what is wrong in the history keeps a trial from counting; whoever does not count says why."""
        self.compared += 1
        if trial["status"] == "conclusive":
            if own.flaws:
                self.found.append(f"{where}: is called conclusive, but {own.flaws}")
            if own.history.started and not own.acknowledged:
                self.found.append(f"{where}: is called conclusive, but no probe write was acknowledged")
        elif not trial["reasons"]:
            self.found.append(f"{where}: is {trial['status']} and says no reason")
        if "environment" in own.flaws and trial["status"] == "conclusive":
            self.found.append(f"{where}: the environment failed, status is {trial['status']}")

    def trial_metrics(self, where, trial, own):
        told = {name: sample_of(sample) for name, sample in trial["metrics"].items()}
        # Which outages were the machine's does not matter where it keeps the trial from counting.
        unclear = own.stood_still and trial["status"] != "conclusive"
        for name, sample in own.metrics.items():
            prefix, last = name.rsplit(".", 1)
            if unclear and last in OF_OUTAGES:
                continue
            if last in AT_LEAST:
                least = told.get(f"{prefix}.{AT_LEAST[last]}")
                self.compared += 1
                if least is None or least[1] < sample[1]:
                    self.found.append(f"{where}: {prefix}.{AT_LEAST[last]}: recomputed at least {sample[1]}, told {least}")
                continue
            self.compared += 1
            if not alike(sample, told.get(name), name):
                self.found.append(f"{where}: {name}: recomputed {sample}, told {told.get(name)}")
        for name, (least, most) in own.bounds.items():
            self.compared += 1
            if name in told and not unclear and not least <= told[name][1] <= most:
                self.found.append(f"{where}: {name}: recomputed {least} to {most}, told {told[name]}")
        for name, options in own.options.items():
            if unclear and name.rsplit(".", 1)[1] in OF_OUTAGES:
                continue
            self.compared += 1
            if options is not None and not any(alike(option, told.get(name), name) for option in options):
                self.found.append(f"{where}: {name}: recomputed one of {options}, told {told.get(name)}")
        if trial["status"] != "conclusive":
            return
        for name, sample in told.items():
            # What differs here is told once, and not again for all that is made of it.
            self.samples.setdefault(name, []).append((trial["index"], sample))

    # Runs

    def aggregates(self):
        metrics = self.document["metrics"]
        self.same("result.json", "metrics with values", sorted(self.samples), sorted(metrics))
        for name in sorted(set(self.samples) & set(metrics)):
            told, samples = metrics[name], [sample for _, sample in self.samples[name]]
            listed = [(index, sample_of(sample)) for index, sample in told["samples"]]
            where = f"result.json metrics {name}"
            self.compared += 1
            if [index for index, _ in listed] != [index for index, _ in self.samples[name]] or not all(
                    alike(ours, theirs, name) for ours, (_, theirs) in zip(samples, listed)):
                self.found.append(f"{where}: samples: recomputed {self.samples[name]}, told {listed}")
            self.same(where, "n", len(samples), told.get("n"))
            for aggregate in ("min", "median", "max"):
                self.compared += 1
                ours, _ = judge.aggregated(aggregate, samples)
                if not alike(ours, sample_of(told[aggregate]), name):
                    self.found.append(f"{where}: {aggregate}: recomputed {ours}, told {told[aggregate]}")
            total = sum(value for _, value in samples)
            self.compared += 1
            if not math.isclose(total, told["total"], rel_tol=1e-9, abs_tol=1e-9):
                self.found.append(f"{where}: total: recomputed {total}, told {told['total']}")

    def verdicts(self):
        planned = self.document["experiment"]["trials"]
        self.judged = []
        for told in self.document["assertions"]:
            samples = [sample for _, sample in self.samples.get(told["metric"], [])]
            verdict, actual = judge.verdict(told["expect"], samples, planned)
            name = f"{told['metric']} {told['expect']}"
            self.judged.append((name, told, verdict, actual, len(samples)))
            self.same("result.json", f"verdict of {name}", verdict, told["verdict"])
            if verdict == "pass":
                own = [self.recompute(trial) for trial in self.conclusive]
                vacuous = harm.vacuous(told["metric"], told["expect"], own)
                if vacuous is not None:
                    self.same("result.json", f"{name} is vacuous", vacuous, told.get("vacuous") is not None)
            self.compared += 1
            theirs = told["actual"] and sample_of(told["actual"])
            if actual is not None and theirs is not None and not alike(actual, theirs, told["metric"]):
                self.found.append(f"result.json: actual of {name}: recomputed {actual}, told {theirs}")
        failed = any(trial["status"] == "error" for trial in self.trials)
        verdict = judge.run([(one, told["severity"]) for _, told, one, _, _ in self.judged], len(self.conclusive), planned, failed, self.lost())
        self.verdict = verdict
        self.same("result.json", "verdict", verdict, self.document["verdict"])
        self.same("result.json", "exit code", judge.EXIT[verdict], self.document["exit_code"])
        if self.code is not None:
            self.same("process", "exit code", judge.EXIT[verdict], self.code)

    def lost(self):
        """Whether a history is damaged, and no other trial repeats the one that was lost."""
        repeated = {trial.get("repeats") for trial in self.trials if trial["status"] == "conclusive"}
        return any({"cut off", "lines"} & set(self.recompute(trial).flaws) and trial["index"] not in repeated for trial in self.trials)

    def figure(self, metric, sample):
        return figures.sample(self.document["metrics"][metric]["unit"], *sample)

    def actual(self, told, actual, trials):
        """How the measured value of an assertion begins wherever it is shown."""
        if actual is None or told["metric"] not in self.document["metrics"]:
            return None
        aggregate = judge.expectation(told["expect"])[0]
        return f"{aggregate} {self.figure(told['metric'], actual)} of {trials} trial"

    def word(self, told, verdict):
        return "warn" if verdict == "fail" and told["severity"] == "warn" else verdict

    def rows(self, where, rows):
        """Assertions as a table shows them: (verdict, name, actual)."""
        self.same(where, "assertions", len(self.judged), len(rows))
        for (name, told, verdict, actual, trials), (word, row_name, text) in zip(self.judged, rows):
            self.same(where, "assertion", name, row_name)
            self.same(where, f"verdict of {name}", self.word(told, verdict), word)
            begins = self.actual(told, actual, trials)
            if begins is not None:
                self.same(where, f"actual of {name}", begins, text[:len(begins)])

    # What is shown

    def page(self):
        page = shown.Page((self.folder / "report.html").read_text())
        self.same("report.html", "verdict", self.verdict.upper(), page.verdict)
        rows = page.rows("assertions", "Verdict")
        self.rows("report.html", [(row["Verdict"].split()[-1], f"{row['Metric']} {row['Limit']}", row["Measured"]) for row in rows])
        table = {row["Metric"]: row for row in page.rows("metrics", "Metric")}
        for name, samples in self.samples.items():
            if name not in table:
                if not name.startswith("shard-"):
                    self.same("report.html", f"row of {name}", "there", "missing")
                continue
            row = table[name]
            values = [sample for _, sample in samples]
            for aggregate in ("min", "median", "max"):
                self.same("report.html", f"{aggregate} of {name}", self.figure(name, judge.aggregated(aggregate, values)[0]), row[aggregate.title()])
            self.same("report.html", f"trials of {name}", str(len(values)), row["Trials"])
            if self.document["metrics"][name]["unit"] == "count":
                self.same("report.html", f"total of {name}", figures.count(sum(value for _, value in values)), row["Total"])
        self.tiles(page.tiles)
        self.clients(page.rows("clients", "Workload"))

    def tiles(self, tiles):
        for label, name in TILES.items():
            if name in self.samples:
                median, _ = judge.aggregated("median", [sample for _, sample in self.samples[name]])
                self.same("report.html", f"tile {label}", self.figure(name, median), tiles.get(label))
        for label, metric in SUMS.items():
            names = [workload["name"] for workload in self.document["experiment"]["workloads"] if workload["kind"] in KINDS[label]]
            if names and self.conclusive:
                total = sum(value for name in names for _, (_, value) in self.samples.get(f"{name}.{metric}", []))
                self.same("report.html", f"tile {label}", figures.count(total), tiles.get(label))

    def clients(self, rows):
        if not self.conclusive:
            return
        told = {row["Workload"]: row for row in rows if "Attempts" in row}
        for place, workload in enumerate(self.document["experiment"]["workloads"]):
            outcomes = [self.recompute(trial).outcomes[place] for trial in self.conclusive]
            row = told.get(workload["name"], {})
            for name, heading in (("ok", "Ok"), ("fail", "Not executed"), ("info", "Unknown")):
                total = sum(one[name] for one in outcomes)
                self.same("report.html", f"{heading} of {workload['name']}", figures.count(total), row.get(heading))

    def summary(self):
        verdict, rows, rare, trials = shown.summary((self.folder / "summary.md").read_text())
        self.same("summary.md", "verdict", self.verdict.upper(), verdict)
        self.same("summary.md", "trials", len(self.trials), trials)
        self.rows("summary.md", [(row["verdict"], f"{row['metric']} {row['expect']}", row["actual"]) for row in rows])
        sentence.check(sentence.first((self.folder / "summary.md").read_text()), self.document, self.samples, self.same)
        for name, total in rare.items():
            ours = figures.count(sum(value for _, (_, value) in self.samples.get(name, [])))
            self.same("summary.md", f"count of {name}", ours, total)

    def junit(self):
        told, by_root, properties, cases = shown.junit((self.folder / "junit.xml").read_text())
        count = {"tests": len(cases)} | {
            plural: sum(case["status"] == one for case in cases) for one, plural in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped"))}
        self.same("junit.xml", "counts of the suite", count, told)
        self.same("junit.xml", "counts of all suites", count, by_root)
        self.same("junit.xml", "verdict", self.verdict, properties.get("verdict"))
        for name in ("failover.write_gap", "failover.client_gap"):
            if name in self.samples:
                median = self.figure(name, judge.aggregated("median", [sample for _, sample in self.samples[name]])[0])
                self.same("junit.xml", f"median of {name}", median, properties.get(name, "").split(" (")[0])
        self.same("junit.xml", "exit code", str(judge.EXIT[self.verdict]), properties.get("exit_code"))
        asserted = [case for case in cases if case["group"] == "assert"]
        self.same("junit.xml", "assertions", [name for name, *_ in self.judged], [case["name"] for case in asserted])
        for (name, one, verdict, actual, trials), case in zip(self.judged, asserted):
            undecided = "skipped" if one["severity"] == "warn" else "error"
            status = {"pass": "ok", "fail": "failure", "warn": "ok", "inconclusive": undecided}[self.word(one, verdict)]
            self.same("junit.xml", f"status of {name}", status, case["status"])
            begins = self.actual(one, actual, trials)
            if begins is not None:
                text = (case["message"] or case["out"]).removeprefix("warning: ")
                self.same("junit.xml", f"actual of {name}", begins, text[:len(begins)])
        # A trial that counts for nothing is skipped where the run was decided without it, or another one repeats it.
        repeated = {trial.get("repeats") for trial in self.trials}
        decided = self.verdict in ("pass", "fail")
        ours = [(f"trial {trial['index']}", "ok" if trial["status"] == "conclusive" else
                 "skipped" if decided or trial["index"] in repeated else "error") for trial in self.trials]
        self.same("junit.xml", "trials", ours, [(case["name"].split(":")[0], case["status"]) for case in cases if case["group"] == "trial"])

    def metrics_files(self):
        for file in ("metrics.txt", "metrics.prom"):
            self.metrics_file(file)

    def metrics_file(self, file):
        told, holds = shown.metrics((self.folder / file).read_text())
        ours = {(one["metric"], one["expect"]): (self.word(one, verdict), verdict == "pass") for _, one, verdict, _, _ in self.judged}
        self.same(file, "assertions", ours, holds)
        for name, samples in self.samples.items():
            unit = self.document["metrics"][name]["unit"]
            scale = 1e9 if unit == "ns" else 1
            values = [sample for _, sample in samples]
            wanted = {aggregate: judge.aggregated(aggregate, values)[0] for aggregate in ("min", "median", "max")}
            if unit == "count":
                wanted["total"] = ("exact", sum(value for _, value in values))
            for stat, (bound, value) in wanted.items():
                theirs = told.get((name, stat))
                theirs = theirs and ("at_least" if theirs[1] else "exact", theirs[0] * scale)
                self.compared += 1
                if not alike((bound, value), theirs, name):
                    self.found.append(f"{file}: {stat} of {name}: recomputed {(bound, value)}, told {theirs}")

    def terminal(self):
        if self.printed is None:
            return
        verdict, rows = shown.terminal(self.printed)
        self.same("terminal", "verdict", self.verdict.upper(), verdict)
        self.rows("terminal", [(row["verdict"], row["name"], row["actual"]) for row in rows])
        self.same("terminal", "anomalies", sum(trial["anomalies_total"] for trial in self.conclusive), shown.anomalies(self.printed))
        repeats = sum("repeats" in trial for trial in self.trials)
        count = {status: sum(trial["status"] == status for trial in self.trials) for status in ("inconclusive", "error")}
        ours = (len(self.trials), count["inconclusive"], count["error"], len(self.document.get("not_begun", [])), repeats)
        self.same("terminal", "trials, inconclusive, failed, not begun, repeated", ours, shown.counts(self.printed))
