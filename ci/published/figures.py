"""A figure: one metric of one experiment over its trials, as it is stored and as a table shows it."""

from . import numbers

# From this number of trials on, the tool computes a 95 % interval of the median. Fewer trials have a range only.
ENOUGH_FOR_AN_INTERVAL = 5


def from_summary(summary):
    """The figure to store, from the summary of a metric in `result.json`."""
    samples = [sample for _, sample in sorted(summary["samples"], key=lambda sample: sample[0])]
    values = [number_of(sample) for sample in samples]
    figure = {
        "unit": summary["unit"],
        "n": len(values),
        "median": number_of(summary["median"]),
        "mean": tidy(sum(values) / len(values)),
        "min": min(values),
        "max": max(values),
        "values": values,
    }
    interval = summary.get("median_interval")
    if interval:
        figure["interval"] = [tidy(interval["low"]), tidy(interval["high"])]
    # A gap that was still open when its trial ended: the true value is at least this.
    lower_bounds = [index for index, sample in enumerate(samples) if "at_least" in sample]
    if lower_bounds:
        figure["lower_bounds"] = lower_bounds
        figure["median_is_lower_bound"] = "at_least" in summary["median"]
    return figure


def number_of(sample):
    """The number of `{"exact": 1.0}` or `{"at_least": 1.0}`."""
    return tidy(next(iter(sample.values())))


def tidy(number):
    """A whole number without its decimal point, so that stored files stay small."""
    return int(number) if number == int(number) else number


def middle(figure):
    """What a table shows first: the mean of a count, the median of anything else."""
    return figure["mean"] if figure["unit"] == "count" else figure["median"]


def has_interval(figure):
    """Whether the span beside the middle is the 95 % interval of the median, and not the range of the trials."""
    return figure["unit"] != "count" and "interval" in figure


def span(figure):
    """The span beside the middle: the 95 % interval of the median, or the range of the trials."""
    if has_interval(figure):
        return tuple(figure["interval"])
    return figure["min"], figure["max"]


def overlap(one, other):
    """Whether the spans of two figures have a value in common. A lower bound may stand for any value above it."""
    (low, high), (other_low, other_high) = reach(one), reach(other)
    return low <= other_high and other_low <= high


def reach(figure):
    low, high = span(figure)
    return low, float("inf") if figure.get("lower_bounds") else high


def show(figure, style=""):
    """The figure in words; `style` is what stands behind the `!` of a placeholder."""
    if figure is None:
        return "no value"
    return STYLES[style](figure)


def show_full(figure):
    low, high = span(figure)
    text = show_middle(figure)
    if low == high:
        return text
    unit = figure["unit"]
    ends = [numbers.value(unit, low), numbers.value(unit, high)]
    if ends[0] == ends[1] == text:
        return text
    # `1.39 s (1.34 to 1.44)`: a unit that all three have in common is written once.
    common = suffix(text)
    if common and all(suffix(end) == common for end in ends):
        ends = [end.removesuffix(common) for end in ends]
    range_of = ""
    if unit != "count" and not has_interval(figure):
        range_of = f", range of {figure['n']} trials"
    return f"{text} ({ends[0]} to {ends[1]}{range_of})"


def show_middle(figure):
    bound = "≥ " if figure.get("median_is_lower_bound") else ""
    return bound + numbers.value(figure["unit"], middle(figure))


def show_range(figure):
    unit, low, high = figure["unit"], figure["min"], figure["max"]
    if low == high:
        return numbers.value(unit, low)
    return f"{numbers.value(unit, low)} to {numbers.value(unit, high)}"


def show_total(figure):
    return numbers.value(figure["unit"], sum(figure["values"]))


def suffix(text):
    """The unit of `1.39 s`, with the space before it; of `1 min 05 s` nothing, because that has two."""
    parts = text.removeprefix("≥ ").split(" ")
    if len(parts) == 2:
        return " " + parts[1]
    return "/s" if text.endswith("/s") else ""


STYLES = {"": show_full, "middle": show_middle, "range": show_range, "total": show_total}
