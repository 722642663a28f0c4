//! Plots as SVG, drawn with the colours of the page that they stand in, so that they follow its light and dark.

use std::fmt::Write as _;

use crate::{
    calibration::{Bin, Kept},
    results::{Estimate, Figure},
};

/// Width of a plot's own units; the page scales it.
const WIDTH: f64 = 640.0;

/// Text that may stand in a page.
#[must_use]
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(letter),
        }
    }
    out
}

fn svg(title: &str, (width, height): (f64, f64), body: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{0}\"><title>{0}</title>{body}</svg>",
        escaped(title)
    )
}

/// Values from 0 to 1 with their intervals, a row a metric; precision and recall as smaller marks above and below.
pub(super) fn intervals(rows: &[(&str, &Figure)]) -> String {
    const LEFT: f64 = 150.0;
    const RIGHT: f64 = 50.0;
    const ROW: f64 = 26.0;
    let lowest = rows.iter().flat_map(|(_, figure)| {
        let parts = [Some(figure.value), figure.precision, figure.recall];
        parts.into_iter().flatten().map(|one| one.low).collect::<Vec<_>>()
    });
    // from the tenth below the lowest value, so that small differences are seen
    let from = (lowest.fold(1.0, f64::min) * 10.0).floor().clamp(0.0, 9.0) / 10.0;
    let x = |value: f64| (value - from) / (1.0 - from) * (WIDTH - LEFT - RIGHT) + LEFT;
    let height = rows.len() as f64 * ROW + 24.0;
    let mut body = String::new();
    let mut tick = (from * 10.0).round() as u32;
    while tick <= 10 {
        let at = x(f64::from(tick) / 10.0);
        let _ = write!(
            body,
            "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"0\" y2=\"{:.0}\"/><text class=\"tick\" x=\"{at:.1}\" y=\"{height:.0}\" text-anchor=\"middle\">{:.1}</text>",
            height - 16.0,
            f64::from(tick) / 10.0
        );
        tick += 1;
    }
    for (row, (metric, figure)) in rows.iter().enumerate() {
        let y = row as f64 * ROW + 14.0;
        let _ = write!(
            body,
            "<text class=\"label\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 10.0,
            y + 4.0,
            escaped(metric)
        );
        let mut bar = |estimate: &Estimate, (class, shift): (&str, f64)| {
            let (low, high, at, y) = (x(estimate.low), x(estimate.high), x(estimate.value), y + shift);
            let _ = write!(
                body,
                "<g class=\"{class}\"><line x1=\"{low:.1}\" x2=\"{high:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><circle cx=\"{at:.1}\" cy=\"{y:.1}\" r=\"{}\"/></g>",
                if shift == 0.0 { 4.5 } else { 2.5 }
            );
        };
        if let (Some(precision), Some(recall)) = (&figure.precision, &figure.recall) {
            bar(precision, ("precision", -7.0));
            bar(recall, ("recall", 7.0));
        }
        bar(&figure.value, ("value", 0.0));
        let _ = write!(
            body,
            "<text class=\"tick\" x=\"{:.0}\" y=\"{:.1}\">{:.3}</text>",
            WIDTH - RIGHT + 8.0,
            y + 4.0,
            figure.value.value
        );
    }
    svg("Values with 95 % intervals", (WIDTH, height), &body)
}

/// Axes from 0 to 1 both ways.
struct Square {
    side: f64,
    left: f64,
    bottom: f64,
}

impl Square {
    const PLOT: Self = Self { side: 300.0, left: 60.0, bottom: 44.0 };

    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.left + x * self.side, 10.0 + (1.0 - y) * self.side)
    }

    fn size(&self) -> (f64, f64) {
        (self.left + self.side + 20.0, self.side + self.bottom + 10.0)
    }

    fn axes(&self, horizontal: &str, vertical: &str) -> String {
        let mut body = String::new();
        for tick in 0..=5 {
            let value = f64::from(tick) / 5.0;
            let (x, bottom) = self.at(value, 0.0);
            let (left, y) = self.at(0.0, value);
            let (_, top) = self.at(0.0, 1.0);
            let (right, _) = self.at(1.0, 0.0);
            let _ = write!(
                body,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top:.1}\" y2=\"{bottom:.1}\"/><line class=\"grid\" x1=\"{left:.1}\" x2=\"{right:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{value:.1}</text><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value:.1}</text>",
                bottom + 16.0,
                left - 6.0,
                y + 4.0
            );
        }
        let (middle, bottom) = self.at(0.5, 0.0);
        let (_, half) = self.at(0.0, 0.5);
        let _ = write!(
            body,
            "<text class=\"label\" x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text class=\"label\" transform=\"translate(18 {half:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            bottom + 36.0,
            escaped(horizontal),
            escaped(vertical)
        );
        body
    }

    fn path(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        points
            .enumerate()
            .map(|(index, (x, y))| {
                let (x, y) = self.at(x, y);
                format!("{}{x:.1} {y:.1}", if index == 0 { "M" } else { "L" })
            })
            .collect()
    }
}

/// A step between marks of an axis of at most six of them that ends at or behind this value: 1, 2 or 5 of a power of ten.
fn step(most: f64) -> f64 {
    let power = 10_f64.powf((most.max(f64::MIN_POSITIVE) / 5.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| step * 5.0 >= most).unwrap_or(power * 10.0)
}

/// Characters of a note against the milliseconds that it took.
pub(super) fn latency(notes: &[(f64, f64)]) -> String {
    const LEFT: f64 = 64.0;
    const HEIGHT: f64 = 260.0;
    const BOTTOM: f64 = 46.0;
    let most = |value: fn(&(f64, f64)) -> f64| notes.iter().map(value).fold(1.0, f64::max);
    let (across, up) = (step(most(|one| one.0)).max(1.0), step(most(|one| one.1)));
    let x = |value: f64| LEFT + value / (5.0 * across) * (WIDTH - LEFT - 20.0);
    let y = |value: f64| 10.0 + (1.0 - value / (5.0 * up)) * (HEIGHT - 10.0);
    let mut body = String::new();
    for tick in 0..=5 {
        let (right, above) = (f64::from(tick) * across, f64::from(tick) * up);
        let _ = write!(
            body,
            "<line class=\"grid\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{1:.1}\" y2=\"{2:.1}\"/><line class=\"grid\" x1=\"{3:.1}\" x2=\"{4:.1}\" y1=\"{5:.1}\" y2=\"{5:.1}\"/>\
             <text class=\"tick\" x=\"{0:.1}\" y=\"{6:.1}\" text-anchor=\"middle\">{right:.0}</text><text class=\"tick\" x=\"{7:.1}\" y=\"{8:.1}\" text-anchor=\"end\">{above:.9$}</text>",
            x(right),
            y(0.0),
            y(5.0 * up),
            x(0.0),
            x(5.0 * across),
            y(above),
            HEIGHT + 16.0,
            LEFT - 6.0,
            y(above) + 4.0,
            usize::from(up < 1.0)
        );
    }
    let _ = write!(
        body,
        "<text class=\"label\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">characters of the note</text>\
         <text class=\"label\" transform=\"translate(14 {:.1}) rotate(-90)\" text-anchor=\"middle\">milliseconds</text>",
        x(2.5 * across),
        HEIGHT + 36.0,
        y(2.5 * up)
    );
    for (characters, milliseconds) in notes {
        let _ = write!(
            body,
            "<circle class=\"point\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\"><title>{characters} characters, {milliseconds:.0} ms</title></circle>",
            x(*characters),
            y(*milliseconds)
        );
    }
    svg("Latency against the length of the note", (WIDTH, HEIGHT + BOTTOM), &body)
}

/// Confidence against the share that is right, a circle a tenth, as large as it has cases.
pub(super) fn reliability(bins: &[Bin]) -> String {
    let square = Square::PLOT;
    let mut body = square.axes("confidence", "share right");
    let ((x1, y1), (x2, y2)) = (square.at(0.0, 0.0), square.at(1.0, 1.0));
    let _ = write!(body, "<line class=\"ideal\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>");
    let path = square.path(bins.iter().map(|bin| (bin.confidence, bin.right)));
    let _ = write!(body, "<path class=\"curve\" d=\"{path}\"/>");
    let most = bins.iter().map(|bin| bin.cases).max().unwrap_or(1) as f64;
    for bin in bins {
        let (x, y) = square.at(bin.confidence, bin.right);
        let radius = 3.0 + 9.0 * (bin.cases as f64 / most).sqrt();
        let _ = write!(
            body,
            "<circle class=\"point\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"><title>{} codes, confidence {:.2}, right {:.2}</title></circle>",
            bin.cases, bin.confidence, bin.right
        );
    }
    svg("Reliability of the confidence", square.size(), &body)
}

/// How many diagnoses keep a code against how many of these are right.
pub(super) fn abstention(points: &[Kept]) -> String {
    let square = Square::PLOT;
    let mut body = square.axes("share of diagnoses that keep a code", "share of codes right");
    let _ =
        write!(body, "<path class=\"curve\" d=\"{}\"/>", square.path(points.iter().map(|one| (one.coverage, one.accuracy))));
    for one in points {
        let (x, y) = square.at(one.coverage, one.accuracy);
        let _ = write!(
            body,
            "<circle class=\"point\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"><title>from confidence {:.2}: {:.1} % keep a code, {:.1} % of them right</title></circle>",
            one.threshold,
            one.coverage * 100.0,
            one.accuracy * 100.0
        );
    }
    svg("Abstention against accuracy", square.size(), &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_markup_is_escaped() {
        assert_eq!(escaped("<b a=\"x\">&'"), "&lt;b a=&quot;x&quot;&gt;&amp;&#39;");
    }

    #[test]
    fn a_value_of_one_stands_at_the_right_end() {
        let estimate = |value: f64| Estimate { value, low: value - 0.05, high: 1.0 };
        let figure = Figure { value: estimate(1.0), precision: None, recall: None, of: 3 };
        let drawn = intervals(&[("DX.<x>", &figure)]);
        assert!(
            drawn.contains("cx=\"590.0\"") && drawn.contains("DX.&lt;x&gt;") && !drawn.contains("class=\"recall\""),
            "{drawn}"
        );
    }

    #[test]
    fn axes_end_behind_the_greatest_value() {
        for (most, expected) in [(1.0, 0.2), (4.9, 1.0), (5.1, 2.0), (26.0, 10.0), (98.0, 20.0), (3_900.0, 1_000.0)] {
            assert!((step(most) - expected).abs() < 1e-9, "{most}: {}", step(most));
        }
        let drawn = latency(&[(0.0, 0.0), (1_000.0, 50.0)]);
        assert!(drawn.contains("cx=\"64.0\" cy=\"260.0\"") && drawn.contains("cx=\"620.0\" cy=\"10.0\""), "{drawn}");
    }

    #[test]
    fn curves_go_through_their_points() {
        let drawn = reliability(&[
            Bin { from: 0.0, cases: 4, confidence: 0.0, right: 0.0 },
            Bin { from: 0.9, cases: 1, confidence: 1.0, right: 1.0 },
        ]);
        assert!(drawn.contains("M60.0 310.0L360.0 10.0"), "{drawn}");
        assert!(abstention(&[Kept { threshold: 0.5, coverage: 0.5, accuracy: 1.0 }]).contains("M210.0 10.0"));
    }
}
