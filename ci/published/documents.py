"""The documents: what `docs/tables/*.toml` says, and the blocks of Markdown made from it and from the stored figures."""

import os
import re
import tomllib
from dataclasses import dataclass
from itertools import groupby

from . import figures, store, templates
from .places import EXPERIMENTS, ROOT, TABLES

NOT_YET = "not measured yet"
BEGIN = "<!-- table {name}: made by ci/tables, do not edit -->"
END = "<!-- end of table -->"
BLOCK = re.compile(r"<!-- table ([a-z0-9-]+): made by ci/tables, do not edit -->\n.*?<!-- end of table -->", re.DOTALL)

# A column of one of these keys shows the row's `measured` with the figures of that runtime.
RUNTIMES = ("process", "docker")


@dataclass
class Table:
    """One block of a document: a table with notes, or what a run printed."""

    document: str
    facts: dict

    @property
    def name(self):
        return self.facts["name"]

    def templates(self):
        """Every (template, experiment, runtime) of the block."""
        for row in self.facts.get("rows", []):
            for key in self.facts["columns"]:
                template, runtime = cell_template(row, key)
                yield template, row.get("experiment", ""), runtime
        for note in self.facts.get("notes", []):
            yield note, "", "process"

    def references(self):
        return [reference for template, experiment, runtime in self.templates() for reference in templates.references(template, experiment, runtime)]

    def experiments(self):
        """The (experiment, runtime) pairs whose run the block shows, in its order, each once."""
        if "output" in self.facts:
            return [(self.facts["output"], "process")]
        rows = [(row.get("experiment", ""), runtime) for row in self.facts["rows"] for runtime in self.runtimes()]
        return list(dict.fromkeys(pair for pair in rows if pair[0]))

    def runtimes(self):
        return [key for key in self.facts["columns"] if key in RUNTIMES] or ["process"]


def cell_template(row, key):
    if key in RUNTIMES:
        return row["measured"], key
    return ("" if key == "experiment" else row.get(key, "")), "process"


def load():
    """Every block of every document."""
    tables = []
    for file in sorted(TABLES.glob("*.toml")):
        facts = tomllib.loads(file.read_text())
        tables += [Table(facts["document"], table) for table in facts["tables"]]
    return tables


def references(tables):
    return [reference for table in tables for reference in table.references()]


def render(table, missing):
    """The block between its markers. What is not measured yet is said there and added to `missing`."""
    if "output" in table.facts:
        parts = output(table, missing)
    else:
        parts = [commands(table), grid(table, missing)]
        if notes := table.facts.get("notes"):
            parts.append("\n".join(f"- {sentence(note, '', 'process', missing)}" for note in notes))
    return "\n\n".join([BEGIN.format(name=table.name), *parts, END])


def grid(table, missing):
    columns = table.facts["columns"]
    lines = [row_of(columns.values()), "|" + "---|" * len(columns)]
    for row in table.facts["rows"]:
        cells = []
        for key in columns:
            template, runtime = cell_template(row, key)
            cells.append(label(row, table.document) if key == "experiment" else whole(template, row.get("experiment", ""), runtime, missing))
        lines.append(row_of(cells))
    return "\n".join(lines)


def row_of(cells):
    return "| " + " | ".join(cell.replace("\n", " ").strip() for cell in cells) + " |"


def label(row, document):
    """The experiment's name, with a link to its file, and the case of it that the row is about."""
    path = os.path.relpath(EXPERIMENTS / f"{row['experiment']}.yaml", (ROOT / document).parent)
    text = f"[`{row['experiment']}`]({path})"
    return f"{text}, {row['case']}" if "case" in row else text


def whole(template, experiment, runtime, missing):
    """A cell of a table: it is not measured yet where one of its figures is not."""
    before = len(missing)
    text = sentence(template, experiment, runtime, missing)
    return text if len(missing) == before else NOT_YET


def sentence(template, experiment, runtime, missing):
    def value_of(reference):
        try:
            return figures.show(store.figure(reference), reference.style)
        except (store.Missing, store.UnknownCell):
            missing.append(reference)
            return f"({NOT_YET})"

    return " ".join(templates.fill(template, experiment, runtime, value_of).split())


def commands(table):
    """The command that measures each row, written once, with the servers and the machine of the figures."""
    runs = []
    for experiment, runtime in table.experiments():
        stored = store.load(experiment, runtime)
        if stored is None:
            continue
        servers = sorted({cell["server"] for cell in stored["cells"].values()})
        runs.append((stored["command"].replace(experiment, "NAME"), experiment, servers, stored["processors"]))
    if not runs:
        return f"{NOT_YET.capitalize()}: `ci/tables measure` does it."
    runs.sort(key=lambda run: run[0])
    groups = [(command, list(group)) for command, group in groupby(runs, key=lambda run: run[0])]
    lines = [one_command(command, group, len(groups) > 1) for command, group in groups]
    return lines[0] if len(lines) == 1 else "Commands of the rows:\n\n" + "\n".join(f"- {line}" for line in lines)


def one_command(command, group, several):
    experiments = [run[1] for run in group]
    servers = ", ".join(sorted({server for run in group for server in run[2]}))
    processors = " or ".join(str(number) for number in sorted({run[3] for run in group}))
    on = f"{servers}; {processors} processors."
    if len(experiments) == 1:
        return f"`{command.replace('NAME', experiments[0])}`; {on}"
    whose = f"{', '.join(f'`{name}`' for name in experiments)}: " if several else ""
    return f"{whose}`{command}`, where NAME is the experiment of the row; {on}"


def output(table, missing):
    """What a run printed at its end."""
    stored = store.load(table.facts["output"], "process")
    if stored is None or "text" not in stored:
        missing.append(templates.Reference(table.facts["output"], "process", "", "what the run printed"))
        return [f"{NOT_YET.capitalize()}: `ci/tables measure` does it."]
    return [f"`{stored['command']}` on a machine of {stored['processors']} processors ends with", f"```\n{chr(10).join(stored['text'])}\n```"]


def write(tables, text_of):
    """(path, old text, new text) of every document, and what is not measured yet. `text_of` reads a document."""
    by_document = {}
    for table in tables:
        by_document.setdefault(table.document, {})[table.name] = table
    written, missing, faults = [], [], []
    for document, own in by_document.items():
        path = ROOT / document
        old = text_of(path)
        marked = [match[1] for match in BLOCK.finditer(old)]
        faults += [f"{document} has no markers for the table `{name}`" for name in own if name not in marked]
        faults += [f"{document} has markers for `{name}`, which no file in docs/tables knows" for name in marked if name not in own]
        faults += [f"{document} has the markers of `{name}` twice" for name in set(marked) if marked.count(name) > 1]
        new = BLOCK.sub(lambda match: render(own[match[1]], missing) if match[1] in own else match[0], old)
        written.append((path, old, new))
    return written, list(dict.fromkeys(missing)), faults
