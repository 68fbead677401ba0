"""Sentences with placeholders for figures.

    {failover.write_gap}                          of the row's experiment
    {cluster | failover.write_gap}                of one cell of its matrix
    {sentinel/primary-kill | failover.write_gap}  of another experiment
    {failover.write_gap !range}                   in another style, see figures.STYLES
"""

import re
from dataclasses import dataclass

from . import figures

PLACEHOLDER = re.compile(r"\{([^{}\s][^{}]*)\}")


class TemplateError(Exception):
    """A placeholder that cannot be understood."""


@dataclass(frozen=True)
class Reference:
    """The figure a placeholder stands for."""

    experiment: str
    runtime: str
    cell: str
    metric: str
    style: str = ""

    def __str__(self):
        parts = [self.experiment, self.cell, self.metric]
        return " | ".join(part for part in parts if part)


def parse(text, experiment, runtime):
    """The reference of what stands between the braces."""
    body, _, style = text.partition("!")
    style = style.strip()
    if style not in figures.STYLES:
        known = ", ".join(name for name in figures.STYLES if name)
        raise TemplateError(f"{{{text}}}: no style `{style}`; there are {known}")
    *places, metric = [part.strip() for part in body.split("|")]
    cell = ""
    for place in places:
        if "/" in place:
            experiment = place
        else:
            cell = place
    if not experiment:
        raise TemplateError(f"{{{text}}}: name the experiment, as in {{sentinel/primary-kill | failover.write_gap}}")
    return Reference(experiment, runtime, cell, metric, style)


def references(template, experiment, runtime):
    return [parse(match[1], experiment, runtime) for match in PLACEHOLDER.finditer(template)]


def fill(template, experiment, runtime, value_of):
    """The sentence with `value_of(reference)` in the place of each placeholder."""
    return PLACEHOLDER.sub(lambda match: value_of(parse(match[1], experiment, runtime)), template)
