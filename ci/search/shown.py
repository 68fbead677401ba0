"""The figures that the page, the summary, JUnit and the metrics file show, by where they stand."""

import re
import xml.etree.ElementTree
from html.parser import HTMLParser


class Page(HTMLParser):
    """Tables by their section, tiles, and the verdict of `report.html`."""

    def __init__(self, text):
        super().__init__()
        self.section, self.cell, self.tile = None, None, None
        self.tables, self.tiles, self.verdict = {}, {}, ""
        self.inside, self.badge = [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "section":
            self.section = attributes.get("id")
        elif tag == "table":
            self.tables.setdefault(self.section, []).append([])
        elif tag == "tr":
            self.tables[self.section][-1].append([])
        elif tag in ("td", "th"):
            self.cell = []
        elif tag == "dt":
            self.cell, self.tile = [], None
        elif tag == "dd" and attributes.get("class") == "big":
            self.cell = []
        elif tag == "br" and self.cell is not None:
            self.cell.append("\n")
        elif tag == "span" and "badge" in attributes.get("class", ""):
            self.badge = True

    def handle_endtag(self, tag):
        text = "".join(self.cell or []).strip()
        if tag in ("td", "th") and self.cell is not None:
            self.tables[self.section][-1][-1].append(text)
            self.cell = None
        elif tag == "dt" and self.cell is not None:
            self.tile, self.cell = text, None
        elif tag == "dd" and self.cell is not None:
            if self.tile is not None:
                self.tiles[self.tile] = text
            self.cell = None
        elif tag == "h1":
            self.badge = False

    def handle_data(self, data):
        if self.cell is not None:
            self.cell.append(data)
        if self.badge and not self.verdict.isupper():
            word = data.strip().split()[-1:] or [""]
            self.verdict = word[0]

    def rows(self, section, heading):
        """Rows of the table of a section whose first heading is this, as mappings by heading."""
        for table in self.tables.get(section, []):
            if table and table[0] and table[0][0] == heading:
                return [dict(zip(table[0], row)) for row in table[1:]]
        return []


def summary(text):
    """Verdict, assertion rows and rare events of `summary.md`."""
    verdict = re.match(r"## \S+ (\w+):", text)[1]
    rows, rare = [], {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 6 and re.match(r"\S+ (pass|fail|warn|inconclusive|error)$", cells[0]):
            rows.append({"verdict": cells[0].split()[-1], "metric": cells[1].strip("`"), "expect": cells[2].strip("`"), "actual": plain(cells[3])})
        elif len(cells) == 4 and cells[3].startswith("in ") and "of trials at 95 %" in cells[3]:
            rare[cells[0].strip("`")] = cells[1]
    trials = re.search(r"<sub>([0-9,]+) trials?\b", text)
    return verdict, rows, rare, int(trials[1].replace(",", "")) if trials else None


def plain(markdown):
    """Markdown without what keeps it from being Markdown."""
    text = markdown.replace("@\u200b", "@").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return re.sub(r"\\(.)", r"\1", text)


def junit(text):
    """Counts the file tells, properties, and each case: name, group, and what became of it."""
    root = xml.etree.ElementTree.fromstring(text)
    suite = root.find("testsuite")
    told = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    told_by_root = {name: int(root.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    properties = {one.get("name"): one.get("value") for one in suite.iter("property")}
    cases = []
    for case in suite.iter("testcase"):
        status = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        cases.append({
            "name": case.get("name"),
            "group": case.get("classname").rsplit(".", 1)[-1],
            "status": "ok" if status is None else status.tag,
            "message": "" if status is None else status.get("message", ""),
            "out": case.findtext("system-out") or "",
        })
    return told, told_by_root, properties, cases


def metrics(text):
    """Values of `metrics.txt` or `metrics.prom` by (metric, stat), and the assertions by (metric, limit): verdict, and whether it holds."""
    found, holds = {}, {}
    for line in text.splitlines():
        match = re.match(r'\w+\{.*metric="([^"]+)",stat="(\w+)"([^}]*)\} (\S+)$', line)
        if match:
            found[match[1], match[2]] = (float(match[4]), "at_least" in match[3])
        match = re.match(r'redquake_assertion_holds\{.*,metric="([^"]+)",expect="([^"]+)",verdict="(\w+)",vacuous="\w+"\} (\S+)$', line)
        if match:
            holds[match[1], match[2]] = (match[3], float(match[4]) == 1)
    return found, holds


def number(text):
    return int(text.replace(",", ""))


def anomalies(printed):
    """The number of certain anomalies that a run prints."""
    match = re.search(r"^  ([0-9,]+) anomal(?:y|ies)(?:; all in|$)", printed, re.MULTILINE)
    return number(match[1]) if match else 0


def counts(printed):
    """Trials, inconclusive ones, ones that failed by the environment, not begun, and repeated, from the first line of what is printed."""
    line = re.search(r"^(?:PASS|FAIL|INCONCLUSIVE|ERROR)  .*\((\d+) trials?(.*), seed", printed, re.MULTILINE)
    if not line:
        return None
    found = [re.search(rf"(\d+) {words}", line[2]) for words in ("inconclusive", "failed by the environment", "not begun", "repeated")]
    return (int(line[1]), *(int(one[1]) if one else 0 for one in found))


def terminal(text):
    """Verdict and assertion rows of what a run prints at its end."""
    verdict = re.search(r"^(PASS|FAIL|INCONCLUSIVE|ERROR)  ", text, re.MULTILINE)
    rows = []
    for line in text.splitlines():
        match = re.match(r"  (pass|fail|warn|inconclusive|error) +(\S+ \S+ (?:<=|>=|==|!=|<|>) \S+)  +(.*)$", line)
        if match:
            rows.append({"verdict": match[1], "name": match[2], "actual": match[3]})
    return verdict[1] if verdict else None, rows
