//! Medians and other quantiles of nanoseconds.

/// Samples of one thing.
#[derive(Clone, Default)]
pub struct Samples {
    in_order: Vec<u64>,
    sorted: Vec<u64>,
}

impl Samples {
    pub fn new(samples: impl IntoIterator<Item = u64>) -> Self {
        let in_order: Vec<u64> = samples.into_iter().collect();
        let mut sorted = in_order.clone();
        sorted.sort_unstable();
        Self { in_order, sorted }
    }

    /// The quantile, between two samples in proportion; `None` without samples.
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        let last = self.sorted.len().checked_sub(1)?;
        let place = quantile * last as f64;
        let below = place.floor() as usize;
        let above = (below + 1).min(last);
        let (low, high) = (self.sorted[below] as f64, self.sorted[above] as f64);
        Some(low + (high - low) * place.fract())
    }

    pub fn median(&self) -> Option<f64> {
        self.quantile(0.5)
    }

    /// The standard error of the median, from the samples around it: the count below the true one varies by half the
    /// root of their number.
    pub fn median_error(&self) -> Option<f64> {
        let part = 0.5 / (self.sorted.len() as f64).sqrt();
        let quantile = |part: f64| self.quantile(part.clamp(0.0, 1.0));
        Some((quantile(0.5 + part)? - quantile(0.5 - part)?) / 2.0)
    }

    /// As they were taken.
    pub fn in_order(&self) -> &[u64] {
        &self.in_order
    }
}
