"""How figures are read, rounded and compared."""

import re
import unittest

from published import figures, numbers
from published.places import ROOT


def summary(samples, unit="ns", interval=None):
    values = sorted(samples, key=lambda sample: next(iter(sample.values())))
    facts = {
        "unit": unit,
        "samples": [[index, sample] for index, sample in enumerate(samples, 1)],
        "median": values[len(values) // 2],
    }
    if interval:
        facts["median_interval"] = {"low": interval[0], "high": interval[1]}
    return facts


def exact(*values):
    return [{"exact": float(value)} for value in values]


def figure(*values, unit="ns", interval=None):
    return figures.from_summary(summary(exact(*values), unit, interval))


class Numbers(unittest.TestCase):
    def test_times_are_rounded_as_in_reports(self):
        source = (ROOT / "reports/src/number.rs").read_text()
        cases = re.findall(r'\((-?[0-9_.e]+), "([^"]+)"\),', source)
        self.assertGreater(len(cases), 10, "the cases of reports/src/number.rs were not found")
        for number, text in cases:
            self.assertEqual(numbers.duration(float(number.replace("_", ""))), text)

    def test_other_units_are_rounded_as_in_reports(self):
        source = (ROOT / "reports/src/number.rs").read_text()
        cases = re.findall(r'assert_eq!\((count|rate|share)\((-?[0-9_.]+)\), "([^"]+)"\)', source)
        self.assertGreater(len(cases), 5, "the cases of reports/src/number.rs were not found")
        for unit, number, text in cases:
            self.assertEqual(numbers.value(unit, float(number.replace("_", ""))), text)

    def test_a_mean_of_counts_has_three_digits(self):
        self.assertEqual([numbers.count(number) for number in (0.2, 4.0, 51.8, 3774.6)], ["0.2", "4", "51.8", "3,775"])


class Shown(unittest.TestCase):
    def test_a_time_is_its_median_and_interval(self):
        self.assertEqual(figures.show(figure(1.3e9, 1.34e9, 1.39e9, 1.44e9, 1.5e9, interval=(1.34e9, 1.44e9))), "1.39 s (1.34 to 1.44)")

    def test_ends_in_another_unit_keep_theirs(self):
        self.assertEqual(figures.show(figure(8.6e8, 9e8, 1.02e9, interval=(8.6e8, 1.02e9))), "900 ms (860 ms to 1.02 s)")

    def test_too_few_trials_say_that_they_have_a_range_only(self):
        self.assertEqual(figures.show(figure(1.3e9, 1.39e9, 1.44e9)), "1.39 s (1.30 to 1.44, range of 3 trials)")

    def test_a_count_is_its_mean_and_range_whatever_the_interval_of_its_median(self):
        self.assertEqual(figures.show(figure(47, 52, 56, unit="count", interval=(50, 53))), "51.7 (47 to 56)")

    def test_a_gap_that_was_open_is_a_lower_bound(self):
        stored = figures.from_summary(summary([{"at_least": 7.2e9}, {"at_least": 7.26e9}, {"at_least": 7.3e9}]))
        self.assertEqual(figures.show(stored), "≥ 7.26 s (7.20 to 7.30, range of 3 trials)")
        self.assertEqual(stored["lower_bounds"], [0, 1, 2])

    def test_what_is_alike_in_all_trials_stands_alone(self):
        self.assertEqual([figures.show(figure(*[number] * 5, unit="count")) for number in (0, 1)], ["0", "1"])
        self.assertEqual(figures.show(figure(0, 0, 0)), "0 s")

    def test_an_experiment_without_a_value_says_so(self):
        self.assertEqual(figures.show(None), "no value")

    def test_styles_show_a_part(self):
        counted = figure(3, 5, 7, unit="count")
        self.assertEqual([figures.show(counted, style) for style in ("middle", "range", "total")], ["5", "3 to 7", "15"])


class Compared(unittest.TestCase):
    def test_figures_agree_where_their_intervals_overlap(self):
        stored = figure(1.0, 2.0, 3.0, interval=(1.5, 2.5))
        self.assertTrue(figures.overlap(stored, figure(2.0, 2.6, 3.0, interval=(2.4, 2.9))))
        self.assertFalse(figures.overlap(stored, figure(2.0, 2.7, 3.0, interval=(2.6, 2.9))), "ranges overlap, intervals do not")

    def test_counts_agree_where_their_ranges_overlap(self):
        stored = figure(10, 20, unit="count")
        self.assertTrue(figures.overlap(stored, figure(20, 30, unit="count")))
        self.assertFalse(figures.overlap(stored, figure(21, 30, unit="count")))

    def test_a_lower_bound_may_be_any_value_above_it(self):
        open_gap = figures.from_summary(summary([{"at_least": 5e9}]))
        self.assertTrue(figures.overlap(open_gap, figure(9e9)))
        self.assertFalse(figures.overlap(open_gap, figure(4e9)))


if __name__ == "__main__":
    unittest.main()
