"""Figures as reports show them: three significant digits for times, whole counts with their thousands apart, percentages."""

import math


def trimmed(number, digits):
    text = f"{number:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def three(number):
    return trimmed(number, 2 if number < 9.995 else 1 if number < 99.95 else 0)


def duration(nanos):
    sign, nanos = ("-" if nanos < 0 else ""), abs(nanos)
    if nanos == 0:
        return "0 s"
    if nanos < 999.5:
        return f"{sign}{nanos:.0f} ns"
    if nanos < 999_500:
        return f"{sign}{three(nanos / 1e3)} µs"
    if nanos < 999_500_000:
        return f"{sign}{three(nanos / 1e6)} ms"
    if nanos < 119.95e9:
        seconds = nanos / 1e9
        return f"{sign}{seconds:.2f} s" if seconds < 9.995 else f"{sign}{seconds:.1f} s"
    whole = rounded(nanos / 1e9)
    return f"{sign}{whole // 60} min {whole % 60:02} s"


def rounded(number):
    """Halves away from zero."""
    return math.floor(abs(number) + 0.5) * (1 if number >= 0 else -1)


def count(number):
    return f"{number:.2f}" if number % 1 else f"{number:,.0f}"


def rate(number):
    return f"{number:.1f}/s" if abs(number) < 10 else f"{count(rounded(number))}/s"


def share(number):
    percent = number * 100
    text = f"{percent:.{3 if percent and abs(percent) < 0.1 else 1}f}"
    return (text[:-2] if text.endswith(".0") else text) + " %"


BY_UNIT = {"ns": duration, "count": count, "share": share, "rate": rate}


def sample(unit, bound, value):
    return ("≥ " if bound == "at_least" else "") + BY_UNIT[unit](value)
