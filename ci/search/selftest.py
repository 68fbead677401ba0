"""Shows that the search can fail: a run is altered in one place after the other, and each alteration must be noticed."""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from compare import Comparison

MS = 10**6
# Alterations of what was printed and of the exit code, beside those of files.
OF_PROCESS = 4


def history_lines(folder):
    path = folder / "trial-001/history.ndjson.zst"
    return subprocess.run(["zstd", "-dcq", str(path)], stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()


def write_history(folder, lines, whole=True):
    """The last line counts those that are there, so that an alteration is noticed by its figures and not by a count."""
    if whole:
        end = json.loads(lines[-1])
        end["end"] |= {"lines": len(lines) - 1, "ops": sum(line.startswith('{"op"') for line in lines),
                       "probes": sum(line.startswith('{"probe"') for line in lines)}
        lines = [*lines[:-1], json.dumps(end, separators=(",", ":"))]
    path = folder / "trial-001/history.ndjson.zst"
    text = ("\n".join(lines) + "\n").encode()
    packed = subprocess.run(["zstd", "-qc", "-1"], input=text, stdout=subprocess.PIPE, check=True).stdout
    path.write_bytes(packed)


def drop_line(kind, wanted=lambda event: True):
    """Leaves out one line of the history, from the middle of those that are wanted."""
    def alter(folder):
        lines = history_lines(folder)
        zero = next(json.loads(line)["phase"]["at"] for line in lines if line.startswith('{"phase"') and '"baseline"' in line)
        places = [place for place, line in enumerate(lines) if line.startswith(f'{{"{kind}"')]
        places = [place for place in places if wanted(json.loads(lines[place])[kind]) and last_time(lines[place], kind) > zero]
        if not places:
            return False
        del lines[places[len(places) // 2]]
        write_history(folder, lines)
        return True
    return alter


def last_time(line, kind):
    at = json.loads(line)[kind]["at"]
    return at[0] if isinstance(at, list) else at


def delay_end_of_outage(folder):
    """The first write acknowledged after the longest gap comes a millisecond later."""
    lines = history_lines(folder)
    times = sorted((json.loads(line)["probe"]["at"][2], place) for place, line in enumerate(lines)
                   if line.startswith('{"probe"') and '"op":"write"' in line and '"out":"ok"' in line)
    end = max(range(1, len(times)), key=lambda place: times[place][0] - times[place - 1][0])
    # All that were acknowledged in this millisecond come later, so that the gap becomes longer.
    stop = times[end][0] + MS
    for at, place in times[end:]:
        if at < stop:
            event = json.loads(lines[place])
            event["probe"]["at"][2] += MS
            lines[place] = json.dumps(event, separators=(",", ":"))
    write_history(folder, lines)
    return True


def cut_off(folder):
    write_history(folder, history_lines(folder)[:-1], whole=False)
    return True


def lose_a_line(folder):
    """A line that no figure needs is missing, and the last line still counts it."""
    lines = history_lines(folder)
    place = next(place for place, line in enumerate(lines) if line.startswith('{"object"'))
    write_history(folder, lines[:place] + lines[place + 1:], whole=False)
    return True


def crash(folder):
    """A server that no fault took ends by itself."""
    lines = history_lines(folder)
    at = json.loads(lines[-1])["end"]["at"]
    event = {"object": {"at": [at - MS, at], "kind": "server", "name": "redis-2", "state": "ended", "signal": 11}}
    write_history(folder, lines[:-1] + [json.dumps(event, separators=(",", ":"))] + lines[-1:])
    return True


def change_anomalies(document):
    for one in document["trials"][0].get("anomaly_counts", []):
        one["total"] += 1
        return True
    return False


def change_vacuous(document):
    one = next(one for one in document["assertions"] if one["verdict"] == "pass")
    if one.pop("vacuous", None) is None:
        one["vacuous"] = "nothing happened"


def alter_result(change):
    def alter(folder):
        path = folder / "result.json"
        document = json.loads(path.read_text())
        if change(document) is False:
            return False
        path.write_text(json.dumps(document))
        return True
    return alter


def metric_by(name, step):
    """One sample of the first trial is moved by so much."""
    def change(document):
        for metric, sample in document["trials"][0]["metrics"].items():
            if re.fullmatch(name, metric):
                (bound, value), = sample.items()
                sample[bound] = value + step
                return True
        return False
    return alter_result(change)


def change_outcome(document):
    document["trials"][0]["workloads"][0]["ok"] += 1


def change_verdict(document):
    document["verdict"] = "fail" if document["verdict"] == "pass" else "pass"


def change_assertion(document):
    document["assertions"][0]["verdict"] = "fail" if document["assertions"][0]["verdict"] == "pass" else "pass"


def change_median(document):
    (bound, value), = document["metrics"]["failover.write_gap"]["median"].items()
    document["metrics"]["failover.write_gap"]["median"][bound] = value + MS


def change_total(document):
    name = next(name for name, metric in document["metrics"].items() if metric["unit"] == "count")
    document["metrics"][name]["total"] += 1


def forget_metric(document):
    del document["trials"][0]["metrics"]["failover.write_gap"]


def in_file(name, pattern, replacement):
    """Replaces the first match in a file that people or programs read."""
    def alter(folder):
        path = folder / name
        text, count = re.subn(pattern, replacement, path.read_text(), count=1)
        path.write_text(text)
        return count == 1
    return alter


ALTERATIONS = {
    "history: the outage ends 1 ms later": delay_end_of_outage,
    "history: an operation is missing": drop_line("op"),
    "history: an acknowledged operation is missing": drop_line("op", lambda event: event["out"] == "ok"),
    "history: an answer of a lock is missing": drop_line("op", lambda event: event["op"] == "acquire" and event["out"] == "ok"),
    "history: an answer of a counter is missing": drop_line("exchange", lambda event: event["call"] == "increment" and event["out"] == "ok"),
    "history: a decision of a limiter is missing": drop_line("decision", lambda event: event["admit"]),
    "history: the proof of a fault is missing": drop_line("fault", lambda event: event["state"] == "proved"),
    "history: it was cut off": cut_off,
    "history: a line is missing": lose_a_line,
    "history: a server crashed": crash,
    "result.json: one anomaly more": alter_result(change_anomalies),
    "result.json: an assertion could not have failed": alter_result(change_vacuous),
    "result.json: the write gap is 1 ms longer": metric_by(r"failover\.write_gap", MS),
    "result.json: the client gap is 1 ms shorter": metric_by(r"failover\.client_gap", -MS),
    "result.json: one promotion more": metric_by(r"failover\.count", 1),
    "result.json: one lock more was held twice": metric_by(r".*\.double_acquired", 1),
    "result.json: one acknowledged increment more": metric_by(r".*\.acknowledged", 1),
    "result.json: one request more was admitted": metric_by(r".*\.admitted", 1),
    "result.json: one attempt more was ok": alter_result(change_outcome),
    "result.json: a metric is missing": alter_result(forget_metric),
    "result.json: the median is 1 ms longer": alter_result(change_median),
    "result.json: a total is one more": alter_result(change_total),
    "result.json: another verdict": alter_result(change_verdict),
    "result.json: another verdict of an assertion": alter_result(change_assertion),
    "report.html: another verdict of an assertion": in_file("report.html", r'<td class="v \w+">(\S+) \w+</td>', r'<td class="v x">\1 other</td>'),
    "report.html: another figure in a tile": in_file("report.html", r'<dd class="big">[^<]*</dd>', '<dd class="big">4.44 ms</dd>'),
    "report.html: another figure in the table of metrics": in_file(
        "report.html", r'(?s)(<section id="metrics".*?failover\.write_gap</code></th><td class="r">)[^<]*', r"\g<1>4.44 ms"),
    "summary.md: another figure": in_file("summary.md", r"(count|min|max|median|mean) [^|]* of ", r"\1 4,444 of "),
    "summary.md: another gap in the first sentence": in_file("summary.md", r"Writes were down for [0-9.]+ ", "Writes were down for 4.44 "),
    "summary.md: another verdict": in_file("summary.md", r"^## (\S+) \w+:", r"## \1 MAYBE:"),
    "junit.xml: one test more": in_file("junit.xml", r'tests="(\d+)"', r'tests="1\1"'),
    "junit.xml: a failure is gone": in_file("junit.xml", r"(?s)<failure.*?</failure>", ""),
    "metrics.txt: another figure": in_file("metrics.txt", r'(metric="failover.write_gap",stat="min"[^}]*}) \S+', r"\1 4.44"),
    "metrics.prom: another figure": in_file("metrics.prom", r'(metric="failover.write_gap",stat="max"[^}]*}) \S+', r"\1 4.44"),
    "metrics.prom: an assertion that fails holds": in_file("metrics.prom", r'(redquake_assertion_holds\{.*\}) 0\n', r"\1 1\n"),
}


def check(folder, printed, code):
    """Alters copies of a run that agrees, and tells each alteration that nobody noticed."""
    untouched = Comparison(folder, printed, code)
    if untouched.found:
        return [f"the run itself does not agree: {one}" for one in untouched.found]
    missed = []
    known = {Path(path).relative_to(folder): trial for path, trial in untouched.recomputed.items()}
    for name, alter in ALTERATIONS.items():
        with tempfile.TemporaryDirectory(prefix="redquake-search-") as place:
            copy = Path(place) / "run"
            shutil.copytree(folder, copy)
            if not alter(copy):
                missed.append(f"{name}: there is nothing to alter in this run")
                continue
            # Untouched histories need not be read again.
            again = {} if name.startswith("history") else {copy / path: trial for path, trial in known.items()}
            noticed = Comparison(copy, printed, code, again).found
            print(f"  {'noticed' if noticed else 'MISSED '}  {name}" + (f"  ({noticed[0]})" if noticed else ""), flush=True)
            if not noticed:
                missed.append(f"{name}: nobody noticed")
    # What is printed, and how the process ended.
    for name, text, number in (("terminal: another verdict", printed.replace(untouched.verdict.upper(), "MAYBE", 1), code),
                               ("terminal: a trial more", re.sub(r"\((\d+) trial", r"(1\1 trial", printed, count=1), code),
                               ("terminal: an anomaly more", re.sub(r"(?m)^  ([0-9,]+) anomal", r"  1\1 anomal", printed), code),
                               ("process: another exit code", printed, code + 1)):
        if not Comparison(folder, text, number, dict(untouched.recomputed)).found:
            missed.append(f"{name}: nobody noticed")
    return missed
