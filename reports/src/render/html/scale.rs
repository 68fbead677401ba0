//! Scales: from values to places on a chart, and the round values that label them.

/// A linear scale.
#[derive(Clone, Copy)]
pub struct Linear {
    /// Value at the beginning.
    pub from: f64,
    /// Value at the end.
    pub to: f64,
    /// Place of the beginning.
    pub start: f64,
    /// Place of the end.
    pub end: f64,
}

impl Linear {
    /// The place of a value, held inside the chart.
    pub fn at(&self, value: f64) -> f64 {
        let share = if self.to > self.from { (value - self.from) / (self.to - self.from) } else { 0.0 };
        self.start + share.clamp(0.0, 1.0) * (self.end - self.start)
    }

    /// Round values inside the scale, about so many, and the step between them.
    pub fn ticks(&self, about: usize) -> (Vec<f64>, f64) {
        let step = step((self.to - self.from) / about.max(1) as f64);
        let mut ticks = Vec::new();
        let mut index = (self.from / step - 1e-9).ceil();
        while index * step <= self.to + step * 1e-9 && ticks.len() < 100 {
            // Adding zero turns a negative zero into a plain one.
            ticks.push(index * step + 0.0);
            index += 1.0;
        }
        (ticks, step)
    }
}

/// The smallest of 1, 2, 2.5, 5 times a power of ten that is not below the value.
pub fn step(at_least: f64) -> f64 {
    if !at_least.is_finite() || at_least <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(at_least.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= at_least * 0.999_999).unwrap_or(power * 10.0)
}

/// Digits after the point that tell steps of that size apart.
pub fn digits(step: f64) -> usize {
    let mut digits = 0;
    let mut scaled = step.abs();
    while digits < 9 && (scaled - scaled.round()).abs() > 1e-6 * scaled {
        scaled *= 10.0;
        digits += 1;
    }
    digits
}

/// A logarithmic scale over whole decades.
#[derive(Clone, Copy)]
pub struct Decades {
    low: f64,
    high: f64,
    bottom: f64,
    top: f64,
}

impl Decades {
    /// The decades that hold all values between `least` and `most`, drawn from `bottom` up to `top`.
    pub fn new(least: f64, most: f64, bottom: f64, top: f64) -> Self {
        let low = least.max(1.0).log10().floor();
        let high = most.max(1.0).log10().ceil().max(low + 1.0);
        Self { low, high, bottom, top }
    }

    /// The place of a value.
    pub fn at(&self, value: f64) -> f64 {
        let share = (value.max(1.0).log10() - self.low) / (self.high - self.low);
        self.bottom + share.clamp(0.0, 1.0) * (self.top - self.bottom)
    }

    /// The decades' bounds; every second one when there are many.
    pub fn ticks(&self) -> Vec<f64> {
        let skip = if self.high - self.low > 3.0 { 2 } else { 1 };
        (self.low as i32..=self.high as i32).step_by(skip).map(|power| 10f64.powi(power)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let scale = Linear { from: -0.35, to: 20.0, start: 0.0, end: 100.0 };
        assert_eq!(scale.ticks(10), (vec![0.0, 2.5, 5.0, 7.5, 10.0, 12.5, 15.0, 17.5, 20.0], 2.5));
        assert_eq!(digits(0.05), 2);
        assert_eq!(digits(0.5), 1);
        assert_eq!(digits(2.5), 1);
        assert_eq!(digits(5.0), 0);
    }

    #[test]
    fn an_empty_scale_puts_everything_at_its_beginning() {
        let scale = Linear { from: 1.0, to: 1.0, start: 5.0, end: 9.0 };
        assert_eq!(scale.at(3.0), 5.0);
    }
}
