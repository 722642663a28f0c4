//! Charts as SVG that the server draws: no script and no inline style, colours from the style sheet, with a title, a description and, beside
//! each on its page, a table of the same figures. Their geometry is whole pixels of a drawing that the page scales.

use askama::{Template, filters::HtmlSafe};

/// Width of the drawing.
const WIDTH: u64 = 420;
/// Where bars of rows begin, and how long the longest is.
const BARS: (u64, u64) = (126, 250);
/// Height of a row.
const ROW: u64 = 22;
/// Letters of a row's name, at most; the mark's title has all of it.
const NAME: usize = 21;
/// The field of a chart over time: its left and upper edge, width and height.
const FIELD: (u64, u64, u64, u64) = (38, 10, 372, 150);
/// Names below a chart over time, at most.
const NAMES: usize = 5;

/// What a chart is called and what it shows, for who cannot see it.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    /// The id of its drawing, unique on the page.
    pub id: &'static str,
    /// What it is.
    pub title: String,
    /// What it shows.
    pub description: String,
}

/// One of several things that a chart shows side by side: the class that colours it, and its name.
pub(super) type Kind = (&'static str, &'static str);

/// A line over time of a chart, whose steps may be unknown.
#[derive(Debug, Clone)]
pub(super) struct Series {
    /// The class that colours it.
    pub class: &'static str,
    /// Its name.
    pub name: String,
    /// Its steps; none is a gap.
    pub counts: Vec<Option<u64>>,
}

/// A rectangle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bar {
    pub x: u64,
    pub y: u64,
    pub width: u64,
    pub height: u64,
    pub class: &'static str,
    pub title: String,
}

/// A path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub path: String,
    pub class: &'static str,
}

/// A dot of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dot {
    pub x: u64,
    pub y: u64,
    pub class: &'static str,
    pub title: String,
}

/// Words in the drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    pub x: u64,
    pub y: u64,
    /// `start`, `middle` or `end`.
    pub anchor: &'static str,
    pub text: String,
}

/// A drawing.
#[derive(Debug, Clone, Template)]
#[template(path = "chart.html")]
pub(super) struct Chart {
    pub heading: Heading,
    pub width: u64,
    pub height: u64,
    pub lines: Vec<Line>,
    pub bars: Vec<Bar>,
    pub dots: Vec<Dot>,
    pub labels: Vec<Label>,
    pub legend: Vec<(&'static str, String)>,
}

/// The template escapes what it is given.
impl HtmlSafe for Chart {}

fn named(kinds: &[Kind]) -> Vec<(&'static str, String)> {
    kinds.iter().map(|(class, name)| (*class, (*name).to_owned())).collect()
}

/// What a mark says when one points at it.
fn told(name: &str, kind: &str, count: u64) -> String {
    text!("chart-mark", name = name, kind = kind, count = count)
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.to_owned();
    }
    name.chars().take(NAME - 1).chain(['…']).collect()
}

/// `length` scaled by `part` of `whole`.
fn scaled(length: u64, part: u64, whole: u64) -> u64 {
    let scaled = u128::from(length) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(scaled).unwrap_or(length)
}

/// The least round number that is not below: one, two or five and zeros.
fn round_above(most: u64) -> u64 {
    let mut step = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            let round = step.saturating_mul(factor);
            if round >= most {
                return round;
            }
        }
        step = step.saturating_mul(10);
    }
}

impl Chart {
    fn empty(heading: Heading, height: u64) -> Self {
        let (lines, bars, dots, labels, legend) = Default::default();
        Self { heading, width: WIDTH, height, lines, bars, dots, labels, legend }
    }

    /// A bar a row, of as many pieces as there are kinds, with their sum behind.
    pub(super) fn rows(heading: Heading, kinds: &[Kind], rows: &[(String, Vec<u64>)]) -> Self {
        let most = rows.iter().map(|(_, counts)| counts.iter().sum()).max().unwrap_or(0);
        let mut chart = Self::empty(heading, ROW * rows.len() as u64 + 4);
        chart.legend = if kinds.len() > 1 { named(kinds) } else { Vec::new() };
        for (at, (name, counts)) in (0_u64..).zip(rows) {
            let y = ROW * at + 4;
            let mut until = 0;
            let mut left = BARS.0;
            for ((class, kind), count) in kinds.iter().zip(counts) {
                until += count;
                let right = BARS.0 + scaled(BARS.1, until, most);
                if right > left {
                    let title = told(name, kind, *count);
                    chart.bars.push(Bar { x: left, y, width: right - left, height: ROW - 6, class, title });
                }
                left = right;
            }
            let label = |x, anchor, text| Label { x, y: y + 12, anchor, text };
            chart.labels.push(label(BARS.0 - 6, "end", shortened(name)));
            chart.labels.push(label(left + 5, "start", until.to_string()));
        }
        chart
    }

    /// A column for each of a few ranges, its count above it.
    pub(super) fn columns(heading: Heading, kind: Kind, columns: &[(String, u64)]) -> Self {
        let (left, top, width, height) = FIELD;
        let most = columns.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
        let mut chart = Self::empty(heading, top + height + 34);
        let each = width / (columns.len() as u64).max(1);
        for (at, (name, count)) in (0_u64..).zip(columns) {
            let x = left - 30 + at * (each + 4);
            let tall = scaled(height - 14, *count, most).max(u64::from(*count > 0));
            let y = top + height - tall;
            let title = told(name, kind.1, *count);
            chart.bars.push(Bar { x, y, width: each - 4, height: tall, class: kind.0, title });
            let middle = x + (each - 4) / 2;
            chart.labels.push(Label { x: middle, y: y - 4, anchor: "middle", text: count.to_string() });
            // two lines where one is too short
            let (first, second) =
                if name.chars().count() > 9 { name.split_once(' ').unwrap_or((name, "")) } else { (name.as_str(), "") };
            chart.labels.push(Label { x: middle, y: top + height + 15, anchor: "middle", text: first.to_owned() });
            if !second.is_empty() {
                chart.labels.push(Label { x: middle, y: top + height + 29, anchor: "middle", text: second.to_owned() });
            }
        }
        chart.lines.push(Line { path: format!("M{} {}H{WIDTH}", left - 34, top + height), class: "axis" });
        chart
    }

    /// The field of a chart over time with its grid: values from 0 to `most`, told as `tell` says.
    fn over_time(heading: Heading, names: &[String], (most, tell): (u64, impl Fn(u64) -> String)) -> Self {
        let (left, top, width, height) = FIELD;
        let mut chart = Self::empty(heading, top + height + 24);
        let grid: &[u64] = if most < 4 { &[0, most] } else { &[0, most / 2, most] };
        for value in grid {
            let y = top + height - scaled(height, *value, most);
            chart.lines.push(Line { path: format!("M{left} {y}h{width}"), class: if *value == 0 { "axis" } else { "grid" } });
            chart.labels.push(Label { x: left - 5, y: y + 4, anchor: "end", text: tell(*value) });
        }
        let last = names.len().saturating_sub(1);
        let shown = last.min(NAMES - 1);
        let mut places: Vec<usize> = (0..=shown).map(|at| (at * last).checked_div(shown).unwrap_or(0)).collect();
        places.dedup();
        for at in places {
            let Some(name) = names.get(at) else { continue };
            let anchor = if at == 0 && last > 0 {
                "start"
            } else if at == last && last > 0 {
                "end"
            } else {
                "middle"
            };
            let x = if at == 0 && last > 0 { left - 16 } else { place(at, names.len()) };
            chart.labels.push(Label { x, y: top + height + 17, anchor, text: name.clone() });
        }
        chart
    }

    /// A line for each kind over time.
    pub(super) fn lines(heading: Heading, kinds: &[Kind], (names, steps): (&[String], &[Vec<u64>])) -> Self {
        let (_, top, _, height) = FIELD;
        let most = round_above(steps.iter().flatten().copied().max().unwrap_or(0).max(1));
        let mut chart = Self::over_time(heading, names, (most, |value| value.to_string()));
        chart.legend = named(kinds);
        for (of, (class, kind)) in kinds.iter().enumerate() {
            let mut path = String::new();
            for (at, (name, counts)) in names.iter().zip(steps).enumerate() {
                let count = counts.get(of).copied().unwrap_or_default();
                let (x, y) = (place(at, names.len()), top + height - scaled(height, count, most));
                path.push_str(&format!("{}{x} {y}", if at == 0 { "M" } else { "L" }));
                chart.dots.push(Dot { x, y, class, title: told(name, kind, count) });
            }
            chart.lines.push(Line { path, class });
        }
        chart
    }

    /// A line for each series over time; a step that is not known is a gap.
    pub(super) fn with_gaps(heading: Heading, series: Vec<Series>, names: &[String]) -> Self {
        let (_, top, _, height) = FIELD;
        let most = round_above(series.iter().flat_map(|one| &one.counts).flatten().copied().max().unwrap_or(0).max(1));
        let mut chart = Self::over_time(heading, names, (most, |value| value.to_string()));
        for one in series {
            let mut path = String::new();
            let mut is_drawn = false;
            for (at, (name, count)) in names.iter().zip(&one.counts).enumerate() {
                let Some(count) = *count else {
                    is_drawn = false;
                    continue;
                };
                let (x, y) = (place(at, names.len()), top + height - scaled(height, count, most));
                path.push_str(&format!("{}{x} {y}", if is_drawn { "L" } else { "M" }));
                is_drawn = true;
                chart.dots.push(Dot { x, y, class: one.class, title: told(name, &one.name, count) });
            }
            chart.lines.push(Line { path, class: one.class });
            chart.legend.push((one.class, one.name));
        }
        chart
    }

    /// A share over time with the band of its interval; a step without one is a gap. Shares are in per mille.
    pub(super) fn share(heading: Heading, kind: Kind, (names, steps): (&[String], &[Option<[u64; 3]>])) -> Self {
        let (_, top, _, height) = FIELD;
        let percent = |value: u64| text!("reports-percent", share = value / 10);
        let mut chart = Self::over_time(heading, names, (1000, percent));
        let y = |value: u64| top + height - scaled(height, value.min(1000), 1000);
        let mut runs: Vec<Vec<(usize, [u64; 3])>> = vec![Vec::new()];
        for (at, step) in steps.iter().enumerate() {
            match (step, runs.last_mut()) {
                (Some(share), Some(run)) => run.push((at, *share)),
                _ => runs.push(Vec::new()),
            }
        }
        for run in runs.iter().filter(|run| !run.is_empty()) {
            let point = |(at, value): (usize, u64)| format!("{} {}", place(at, names.len()), y(value));
            let joined = |points: Vec<String>| points.join("L");
            let rates = joined(run.iter().map(|(at, [rate, ..])| point((*at, *rate))).collect());
            let low = run.iter().map(|(at, [_, low, _])| point((*at, *low)));
            let high = run.iter().rev().map(|(at, [.., high])| point((*at, *high)));
            chart.lines.push(Line { path: format!("M{}Z", joined(low.chain(high).collect())), class: "band" });
            chart.lines.push(Line { path: format!("M{rates}"), class: kind.0 });
            for (at, [rate, low, high]) in run {
                if run.len() == 1 {
                    // one alone has no band that could be seen
                    let x = place(*at, names.len());
                    chart.lines.push(Line { path: format!("M{x} {}V{}", y(*low), y(*high)), class: "whisker" });
                }
                let title =
                    text!("chart-share", name = names[*at], share = percent(*rate), low = percent(*low), high = percent(*high));
                chart.dots.push(Dot { x: place(*at, names.len()), y: y(*rate), class: kind.0, title });
            }
        }
        chart
    }
}

/// Where a step of so many stands.
fn place(at: usize, of: usize) -> u64 {
    let (left, _, width, _) = FIELD;
    if of < 2 { left + width / 2 } else { left + scaled(width, at as u64, of as u64 - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading() -> Heading {
        Heading { id: "c", title: "<t>".to_owned(), description: "d & e".to_owned() }
    }

    fn names(of: usize) -> Vec<String> {
        (1..=of).map(|day| format!("2026-05-{day:02}")).collect()
    }

    #[test]
    fn pieces_of_a_row_join_and_fit() {
        let rows = [("E11.9".to_owned(), vec![3, 0, 1]), ("<b>".to_owned(), vec![0, 1, 1]), ("none".to_owned(), vec![0; 3])];
        let chart = Chart::rows(heading(), &[("accepted", "A"), ("amended", "B"), ("rejected", "C")], &rows);
        let drawn: Vec<_> = chart.bars.iter().map(|bar| (bar.x - BARS.0, bar.width, bar.class)).collect();
        assert_eq!(drawn, [(0, 187, "accepted"), (187, 63, "rejected"), (0, 62, "amended"), (62, 63, "rejected")]);
        let html = chart.render().expect("renders");
        assert!(html.contains("role=\"img\"") && html.contains("aria-labelledby=\"c-title c-words\""), "{html}");
        assert!(
            !html.contains("<b>") && !html.contains("<t>") && html.contains("&#60;t&#62;") && html.contains("d &#38; e"),
            "{html}"
        );
        assert!(!html.contains("style="), "a strict policy forbids it");
        assert_eq!(html.matches("<svg class=\"swatch\"").count(), 3, "the legend");
    }

    #[test]
    fn long_names_are_shortened() {
        assert_eq!(shortened("history_and_physical_examination"), "history_and_physical…");
        assert_eq!(shortened("short"), "short");
    }

    #[test]
    fn scales_end_at_round_numbers() {
        assert_eq!([0, 1, 2, 3, 9, 11, 51, 700].map(round_above), [1, 1, 2, 5, 10, 20, 100, 1000]);
        assert_eq!(round_above(u64::MAX), u64::MAX);
    }

    #[test]
    fn lines_stay_in_their_field() {
        let steps: Vec<Vec<u64>> = (0..40).map(|at| vec![at % 7, 3]).collect();
        let chart = Chart::lines(heading(), &[("arrived", "A"), ("finished", "F")], (&names(40), &steps));
        let (left, top, width, height) = FIELD;
        assert!(chart.dots.iter().all(|dot| (left..=left + width).contains(&dot.x) && (top..=top + height).contains(&dot.y)));
        assert_eq!((chart.dots.first().map(|dot| dot.x), chart.dots.last().map(|dot| dot.x)), (Some(left), Some(left + width)));
        let below: Vec<&str> =
            chart.labels.iter().filter(|label| label.y > top + height + 10).map(|label| label.text.as_str()).collect();
        assert_eq!(below, ["2026-05-01", "2026-05-10", "2026-05-20", "2026-05-30", "2026-05-40"]);
        let one = Chart::lines(heading(), &[("arrived", "A")], (&names(1), &[vec![0]]));
        assert_eq!(one.dots.len(), 1);
        assert!(Chart::lines(heading(), &[("arrived", "A")], (&[], &[])).dots.is_empty());
    }

    #[test]
    fn a_step_without_a_share_is_a_gap() {
        let steps = [Some([500, 300, 700]), Some([600, 400, 800]), None, Some([0, 0, 1000])];
        let chart = Chart::share(heading(), ("accepted", "A"), (&names(4), &steps));
        let of = |class: &str| chart.lines.iter().filter(|line| line.class == class).count();
        assert_eq!((of("band"), of("accepted"), of("whisker"), chart.dots.len()), (2, 2, 1, 3));
    }

    #[test]
    fn a_step_that_is_not_known_is_a_gap() {
        let series = Series { class: "line-1", name: "I10".to_owned(), counts: vec![Some(0), Some(20), None, Some(10)] };
        let chart = Chart::with_gaps(heading(), vec![series], &names(4));
        let line = chart.lines.last().expect("a line");
        assert_eq!((line.path.matches('M').count(), line.path.matches('L').count(), chart.dots.len()), (2, 1, 3));
        assert_eq!(chart.legend, [("line-1", "I10".to_owned())]);
    }

    #[test]
    fn columns_have_their_counts() {
        let columns = [("within a day".to_owned(), 4), ("1 to 3 days".to_owned(), 0), ("old".to_owned(), 8)];
        let chart = Chart::columns(heading(), ("waiting", "W"), &columns);
        assert_eq!(chart.bars.iter().map(|bar| bar.height).collect::<Vec<_>>(), [68, 0, 136]);
        assert!(chart.bars.iter().all(|bar| bar.x + bar.width <= WIDTH));
        assert!(chart.labels.iter().any(|label| label.text == "a day"), "a long name stands on two lines");
    }
}
