"""Numbers as people read them. The rounding is that of reports/src/number.rs, so that a table and a report show the same."""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal


def fixed(number, digits):
    """The number with so many decimals. Python and Rust both round the exact binary value, halves to even."""
    return str(Decimal(number).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN))


def duration(nanos):
    """A span of nanoseconds with three significant digits."""
    if nanos < 0:
        return "-" + duration(-nanos)
    if nanos == 0:
        return "0 s"
    if nanos < 999.5:
        return f"{fixed(nanos, 0)} ns"
    if nanos < 999_500.0:
        return f"{three_digits(nanos / 1e3)} µs"
    if nanos < 999_500_000.0:
        return f"{three_digits(nanos / 1e6)} ms"
    if nanos < 119.95e9:
        return f"{seconds(nanos / 1e9)} s"
    whole = int(nanos / 1e9 + 0.5)
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3_600} h {whole % 3_600 // 60:02} min"


def three_digits(number):
    digits = 2 if number < 9.995 else 1 if number < 99.95 else 0
    text = fixed(number, digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


def seconds(number):
    return fixed(number, 2 if number < 9.995 else 1)


def count(number):
    """A whole number with its thousands apart; a mean of counts with three significant digits."""
    if number == int(number):
        return f"{int(number):,}"
    size = abs(number)
    if size >= 99.95:
        return f"{int(fixed(number, 0)):,}"
    return fixed(number, 1 if size >= 9.995 else 2).rstrip("0").rstrip(".")


def share(number):
    """A share of one as a percentage."""
    percent = number * 100.0
    text = fixed(percent, 3 if percent != 0 and abs(percent) < 0.1 else 1)
    return f"{text.removesuffix('.0')} %"


def rate(per_second):
    if abs(per_second) < 10.0:
        return f"{fixed(per_second, 1)}/s"
    # Rust's `round` takes halves away from zero, unlike its formatting.
    return f"{count(Decimal(per_second).quantize(Decimal(1), rounding=ROUND_HALF_UP))}/s"


FORMATS = {"ns": duration, "count": count, "share": share, "rate": rate}


def value(unit, number):
    return FORMATS[unit](number)
