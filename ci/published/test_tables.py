"""The command as a whole, on a tree of its own and with a tool that answers from forged results."""

import contextlib
import hashlib
import importlib.machinery
import importlib.util
import io
import json
import shutil
import stat
import tempfile
import textwrap
import unittest
from pathlib import Path
from unittest import mock

from published import documents, store, templates, tool
from published.places import ROOT

# A `redquake` that plans, lists and runs from the file beside it, which the tests forge.
FAKE_TOOL = """\
    #!/usr/bin/env python3
    import json, pathlib, sys
    here = pathlib.Path(__file__).parent
    forged = json.loads((here / "forged.json").read_text())
    verb, *rest = sys.argv[1:]
    if verb == "list":
        print("\\n".join(f"{name}  what it shows" for name in forged))
    elif verb == "plan":
        cells = [{"label": label, "plan": {"experiment": {"duration": "1s"}}} for label in forged[rest[0]]["cells"]]
        print(json.dumps({"cells": cells} if cells[0]["label"] else cells[0]))
    elif verb == "validate":
        for file in sorted(pathlib.Path(rest[0]).glob("*.yaml")):
            for asserted in json.loads(file.read_text())["assert"]:
                if asserted["metric"].startswith("nonsense"):
                    print(f"error[RQ0220]: unknown metric `{asserted['metric']}`\\n  --> {file}:1:1", file=sys.stderr)
        sys.exit(2)
    elif verb == "run":
        asked = dict(zip(rest[1::2], rest[2::2]))
        with open(here / "runs", "a") as runs:
            runs.write(rest[0] + "\\n")
        answer = forged[rest[0]]
        if "error" in answer:
            print(answer["error"], file=sys.stderr)
            sys.exit(4)
        trials = int(asked["--trials"])
        def summary(values):
            values = (values * trials)[:trials]
            return {"unit": "count", "samples": [[i, {"exact": v}] for i, v in enumerate(values)], "median": {"exact": sorted(values)[trials // 2]}}
        void = answer.get("void", 0)
        told = [{"status": "conclusive", "reasons": []}] * (trials - void) + [{"status": "inconclusive", "reasons": ["too busy"]}] * void
        result = {"repro": f"redquake run {rest[0]} --seed {asked['--seed']} --trials {trials}", "started_at": "2026-01-02T03:04:05Z", "verdict": "pass",
                  "source": {"sha256": answer["sha256"]}, "seed": int(asked["--seed"]), "tool": {"version": "0.1.0"}}
        folder = pathlib.Path(asked["--out"]) / "run-1"
        folder.mkdir()
        for label, metrics in answer["cells"].items():
            document = {"environment": {"server": "redis 7.0.15", "cpus": 2}, "trials": told, "metrics": {name: summary(values) for name, values in metrics.items()}}
            if label:
                result.setdefault("cells", []).append({"label": label, "folder": label})
                (folder / label).mkdir()
                (folder / label / "result.json").write_text(json.dumps(document))
            else:
                result.update(document)
        (folder / "result.json").write_text(json.dumps(result))
        print(f"trial 1/1\\nPASS  {rest[0]}\\n  Nothing was lost.\\n\\n  report  /tmp/secret/report.html")
    """

TABLES = """\
    document = "README.md"

    [[tables]]
    name = "printed"
    output = "one/plain"

    [[tables]]
    name = "grid"
    columns = { experiment = "experiment", measured = "measured" }
    notes = ["The first lost {one/plain | writes.lost !middle} writes."]

    [[tables.rows]]
    experiment = "one/plain"
    measured = "{writes.lost} writes lost"

    [[tables.rows]]
    experiment = "two/matrix"
    case = "off"
    measured = "{off | writes.lost} writes lost"
    """

DOCUMENT = "\n".join(["before", *(f"{documents.BEGIN.format(name=name)}\n{documents.END}" for name in ("printed", "grid")), "after"])


def load_command():
    loader = importlib.machinery.SourceFileLoader("tables_command", str(ROOT / "ci/tables"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tables_command", loader))
    loader.exec_module(module)
    return module


class Tree(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        (self.root / "tables").mkdir()
        (self.root / "README.md").write_text(DOCUMENT)
        self.forged = {}
        for name, cells in {"one/plain": {"": {"writes.lost": [10, 20]}}, "two/matrix": {"mode=off": {"writes.lost": [7]}, "mode=on": {"writes.lost": [0]}}}.items():
            file = self.root / "experiments" / f"{name}.yaml"
            file.parent.mkdir(parents=True)
            file.write_text(name)
            self.forged[name] = {"cells": cells, "sha256": hashlib.sha256(name.encode()).hexdigest()}
        self.say(TABLES)
        self.binary = self.root / "redquake"
        self.binary.write_text(textwrap.dedent(FAKE_TOOL))
        self.binary.chmod(self.binary.stat().st_mode | stat.S_IXUSR)
        self.command = load_command()
        places = {"ROOT": self.root, "EXPERIMENTS": self.root / "experiments", "MEASURED": self.root / "measured", "TABLES": self.root / "tables"}
        for module in (documents, store, tool, self.command):
            for name, value in places.items():
                if hasattr(module, name):
                    patch = mock.patch.object(module, name, value)
                    patch.start()
                    self.addCleanup(patch.stop)

    def say(self, tables):
        (self.root / "tables" / "readme.toml").write_text(textwrap.dedent(tables))

    def tables(self, *arguments):
        """Exit code and everything printed."""
        (self.root / "forged.json").write_text(json.dumps(self.forged))
        if arguments[0] in ("measure", "lint") or arguments == ("check",):
            arguments += ("--binary", str(self.binary))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), mock.patch("sys.argv", ["ci/tables", *arguments]):
            code = self.command.main()
        return code, printed.getvalue()

    def runs(self):
        return (self.root / "runs").read_text().split()

    def readme(self):
        return (self.root / "README.md").read_text()

    def test_what_is_measured_comes_into_the_document_and_nothing_else_changes(self):
        self.assertEqual(self.tables("measure")[0], 0)
        self.assertEqual(self.tables("write")[0], 0)
        text = self.readme()
        self.assertIn("| [`one/plain`](experiments/one/plain.yaml) | 14 (10 to 20) writes lost |", text)
        self.assertIn("| [`two/matrix`](experiments/two/matrix.yaml), off | 7 writes lost |", text)
        self.assertIn("- The first lost 14 writes.", text)
        self.assertIn("`redquake run NAME --seed 1 --trials 5`, where NAME is the experiment of the row; Redis 7.0.15; 2 processors.", text)
        self.assertIn("```\nPASS  one/plain\n  Nothing was lost.\n```", text)
        self.assertNotIn("secret", text)
        self.assertTrue(text.startswith("before\n") and text.endswith("\nafter"))
        self.tables("write")
        self.assertEqual(self.readme(), text, "writing twice changes nothing")

    def test_what_is_not_measured_yet_is_seen_in_the_document_and_told(self):
        self.forged["two/matrix"]["error"] = "no root"
        code, printed = self.tables("measure")
        self.assertEqual(code, 1)
        self.assertIn("two/matrix was not measured: exit code 4: no root", printed)
        code, printed = self.tables("write")
        self.assertIn("1 experiments are not measured yet on the runtime process: two/matrix", printed)
        self.assertIn("off | not measured yet |", self.readme())
        self.assertIn("14 (10 to 20)", self.readme(), "the other one went on")

    def test_measuring_goes_on_where_it_ended(self):
        self.tables("measure", "--only", "one/plain")
        self.tables("measure")
        self.assertEqual(self.runs(), ["one/plain", "two/matrix"])
        self.tables("measure", "--trials", "9", "--only", "one/plain")
        self.assertEqual(self.runs()[2:], ["one/plain"], "more trials are measured")
        (self.root / "experiments/two/matrix.yaml").write_text("changed")
        self.tables("measure")
        self.assertEqual(self.runs()[3:], ["two/matrix"], "a changed experiment is measured again")

    def test_a_run_of_which_a_trial_does_not_count_is_not_stored(self):
        self.forged["one/plain"]["void"] = 1
        code, printed = self.tables("measure", "--only", "one/plain")
        self.assertEqual(code, 1)
        self.assertIn("only 4 of 5 trials count: too busy", printed)
        self.assertFalse((self.root / "measured").exists())

    def test_check_tells_a_figure_that_does_not_come_out_again(self):
        self.tables("measure")
        code, printed = self.tables("check")
        self.assertEqual((code, "2 of 2 figures agree" in printed), (0, True))
        self.forged["two/matrix"]["cells"]["mode=off"]["writes.lost"] = [8]
        before = store.path("two/matrix", "process").read_text()
        code, printed = self.tables("check")
        self.assertEqual(code, 1)
        self.assertIn("MISSES  two/matrix | mode=off | writes.lost: stored 7, now 8", printed)
        self.assertEqual(store.path("two/matrix", "process").read_text(), before)

    def test_check_written_sees_a_figure_changed_by_hand(self):
        self.tables("measure")
        self.tables("write")
        self.assertEqual(self.tables("check", "--written")[0], 0)
        (self.root / "README.md").write_text(self.readme().replace("| 7 writes", "| 6 writes"))
        code, printed = self.tables("check", "--written")
        self.assertEqual(code, 1)
        self.assertIn("README.md is not what its figures make of it", printed)

    def test_check_written_sees_figures_that_no_table_shows(self):
        self.tables("measure")
        self.tables("write")
        store.path("one/plain", "process").rename(self.root / "measured" / "one-gone.json")
        code, printed = self.tables("check", "--written")
        self.assertEqual(code, 1)
        self.assertIn("measured/one-gone.json has figures that no table shows", printed)

    def test_a_document_without_the_markers_of_a_table_is_refused(self):
        (self.root / "README.md").write_text(DOCUMENT.replace("table grid:", "table gird:"))
        code, printed = self.tables("write")
        self.assertEqual(code, 2)
        self.assertIn("README.md has no markers for the table `grid`", printed)
        self.assertIn("README.md has markers for `gird`", printed)

    def test_lint_finds_unknown_metrics_cells_and_experiments_and_rows_that_lack(self):
        self.assertEqual(self.tables("lint")[0], 0)
        self.forged["three/new"] = self.forged["one/plain"]
        self.say(TABLES.replace("{off | writes.lost}", "{off | nonsense.lost} {of | writes.lost} {four/gone | writes.lost}"))
        code, printed = self.tables("lint")
        self.assertEqual(code, 1)
        self.assertIn("two/matrix | mode=off has no metric `nonsense.lost`", printed)
        self.assertIn("`of` of two/matrix is no cell: `mode=off`, `mode=on`", printed)
        self.assertIn("there is no experiment four/gone", printed)
        self.assertIn("no table shows the ready experiment three/new", printed)

    def test_a_style_that_is_none_is_refused(self):
        with self.assertRaisesRegex(templates.TemplateError, "no style `mode`"):
            templates.parse("writes.lost !mode", "one/plain", "process")


if __name__ == "__main__":
    unittest.main()
