//! Queries to providers: how many, how fast they are answered, how long the open ones wait, and what the answers led to.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Series, Spread, Step, spread};
use crate::domain::{Period, Query, QueryAct, QueryEffect, QueryKind, QueryState};

/// Hours after which an answer, or the age of an open query, stands in the next column; what is longer than the last stands in one more.
pub const TURNAROUND_HOURS: [i64; 6] = [4, 24, 48, 72, 168, 336];

/// What a report needs of a query: none of its words but who answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryFact {
    /// Why it is asked.
    pub kind: QueryKind,
    /// Where it stands.
    pub state: QueryState,
    /// Login name of who drafted it.
    pub drafted_by: String,
    /// When.
    pub drafted_at: Timestamp,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// When its answer was recorded.
    pub answered_at: Option<Timestamp>,
    /// When it was closed, and what the answer led to.
    pub closed: Option<(Timestamp, QueryEffect)>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
    /// Who answered.
    pub provider: Option<String>,
}

impl From<&Query> for QueryFact {
    fn from(query: &Query) -> Self {
        let when = |wanted: fn(&QueryAct) -> bool| query.events.iter().find(|event| wanted(&event.act)).map(|event| event.at);
        Self {
            kind: query.content.kind,
            state: query.state(),
            drafted_by: query.drafted_by.1.clone(),
            drafted_at: query.drafted_at,
            sent_at: when(|act| matches!(act, QueryAct::Send {})),
            answered_at: when(|act| matches!(act, QueryAct::Answer(_))),
            closed: query.events.iter().find_map(|event| match event.act {
                QueryAct::Close { effect, .. } => Some((event.at, effect)),
                _ => None,
            }),
            withdrawn_at: when(|act| matches!(act, QueryAct::Withdraw { .. })),
            provider: query.answer().and_then(|(answer, _)| answer.provider.clone()),
        }
    }
}

/// The counts of one kind of query, of one coder, of one provider, or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct KindOfQuery {
    /// The kind's word, or the name.
    pub value: String,
    /// Drafts written in this time.
    pub drafted: u64,
    /// Sent in this time.
    pub sent: u64,
    /// Answers recorded in this time.
    pub answered: u64,
    /// Closed in this time.
    pub closed: u64,
    /// Withdrawn in this time, sent or not.
    pub withdrawn: u64,
    /// Waiting for an answer now, whenever they were sent.
    pub open: u64,
    /// From sending to the answer, of the answers of this time.
    pub turnaround: Spread,
}

/// One step of the series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct QueryStep {
    /// Its first day.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// Sent in it.
    pub sent: u64,
    /// Answers recorded in it.
    pub answered: u64,
}

/// The report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct QueryReport {
    /// All of them.
    pub all: KindOfQuery,
    /// By why they are asked.
    pub by_kind: Vec<KindOfQuery>,
    /// By who drafted them, by login name.
    pub by_coder: Vec<KindOfQuery>,
    /// By who answered, as the answer names them; empty for a reader who may not read queries.
    pub by_provider: Vec<KindOfQuery>,
    /// Answers of this time by how many hours they took: up to each of [`TURNAROUND_HOURS`], and longer.
    pub turnaround: [u64; 7],
    /// Queries that wait for an answer now, by how many hours ago they were sent.
    pub open_ages: [u64; 7],
    /// What answers led to, of the queries closed in this time.
    pub effects: BTreeMap<String, u64>,
    /// Sent and answered by day, week or month.
    pub steps: Vec<QueryStep>,
}

#[derive(Default)]
struct Counting {
    counts: KindOfQuery,
    seconds: Vec<i64>,
}

impl Counting {
    fn add(&mut self, fact: &QueryFact, period: &Period) {
        let within = |at: Option<Timestamp>| u64::from(at.is_some_and(|at| period.has(at)));
        let counts = &mut self.counts;
        counts.drafted += within(Some(fact.drafted_at));
        counts.sent += within(fact.sent_at);
        counts.answered += within(fact.answered_at);
        counts.closed += within(fact.closed.map(|(at, _)| at));
        counts.withdrawn += within(fact.withdrawn_at);
        counts.open += u64::from(fact.state == QueryState::Sent);
        self.seconds.extend(took(fact).filter(|_| within(fact.answered_at) > 0));
    }

    fn told(self, value: String) -> KindOfQuery {
        KindOfQuery { value, turnaround: spread(self.seconds), ..self.counts }
    }
}

/// Seconds from sending to the answer; a clock that went back is none.
fn took(fact: &QueryFact) -> Option<i64> {
    Some(fact.answered_at?.duration_since(fact.sent_at?).as_secs().max(0))
}

fn column(seconds: i64) -> usize {
    TURNAROUND_HOURS.partition_point(|hours| seconds > hours * 3_600)
}

fn sorted(counted: BTreeMap<String, Counting>) -> Vec<KindOfQuery> {
    let mut rows: Vec<KindOfQuery> = counted.into_iter().map(|(value, counting)| counting.told(value)).collect();
    rows.retain(|row| row.drafted + row.sent + row.answered + row.closed + row.withdrawn + row.open > 0);
    rows.sort_by_key(|row| std::cmp::Reverse(row.sent + row.answered + row.open));
    rows
}

/// The report of queries that were touched in a period, and of those that wait now.
#[must_use]
pub fn query_report(facts: &[QueryFact], (period, zone): (&Period, &TimeZone), now: Timestamp) -> QueryReport {
    let mut all = Counting::default();
    let (mut by_kind, mut by_coder, mut by_provider) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut report = QueryReport::default();
    let mut series = Series::<(u64, u64)>::new(*period, Step::of(period), zone);
    let put = |into: &mut BTreeMap<String, Counting>, name: &str, fact: &QueryFact| {
        into.entry(name.to_owned()).or_default().add(fact, period);
    };
    for fact in facts {
        all.add(fact, period);
        put(&mut by_kind, fact.kind.as_str(), fact);
        put(&mut by_coder, &fact.drafted_by, fact);
        if let Some(provider) = &fact.provider {
            put(&mut by_provider, provider.trim(), fact);
        }
        if let Some(step) = fact.sent_at.and_then(|at| series.at(at)) {
            step.0 += 1;
        }
        if let Some(answered) = fact.answered_at {
            if let Some(step) = series.at(answered) {
                step.1 += 1;
            }
            if let Some(seconds) = took(fact).filter(|_| period.has(answered)) {
                report.turnaround[column(seconds)] += 1;
            }
        }
        if let (QueryState::Sent, Some(sent)) = (fact.state, fact.sent_at) {
            report.open_ages[column(now.duration_since(sent).as_secs())] += 1;
        }
        if let Some((_, effect)) = fact.closed.filter(|(at, _)| period.has(*at)) {
            *report.effects.entry(effect.as_str().to_owned()).or_default() += 1;
        }
    }
    report.all = all.told(String::new());
    report.by_kind = sorted(by_kind);
    report.by_coder = sorted(by_coder);
    report.by_provider = sorted(by_provider);
    report.steps = series.steps.into_iter().map(|(day, (sent, answered))| QueryStep { day, sent, answered }).collect();
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_780_272_000 + 3_600 * hour).expect("a time")
    }

    fn fact(state: QueryState, sent: Option<i64>, answered: Option<i64>) -> QueryFact {
        QueryFact {
            kind: QueryKind::Specificity,
            state,
            drafted_by: "kim".to_owned(),
            drafted_at: at(sent.unwrap_or_default()),
            sent_at: sent.map(at),
            answered_at: answered.map(at),
            closed: (state == QueryState::Closed).then(|| (at(answered.unwrap_or_default() + 1), QueryEffect::EntryAmended)),
            withdrawn_at: (state == QueryState::Withdrawn).then(|| at(3)),
            provider: answered.map(|_| "Dr. Grey ".to_owned()),
        }
    }

    #[test]
    fn queries_are_counted_by_what_was_done_when() {
        let facts = [
            fact(QueryState::Closed, Some(0), Some(4)),
            fact(QueryState::Answered, Some(0), Some(30)),
            // sent before, answered within
            fact(QueryState::Answered, Some(-100), Some(2)),
            // answered after
            fact(QueryState::Answered, Some(1), Some(100)),
            fact(QueryState::Sent, Some(-400), None),
            fact(QueryState::Sent, Some(40), None),
            fact(QueryState::Withdrawn, Some(1), None),
            QueryFact { kind: QueryKind::CauseAndEffect, drafted_by: "lee".to_owned(), ..fact(QueryState::Draft, None, None) },
        ];
        let period = Period { from: at(0), until: at(48) };
        let report = query_report(&facts, (&period, &TimeZone::UTC), at(41));
        let all = &report.all;
        assert_eq!((all.drafted, all.sent, all.answered, all.closed, all.withdrawn, all.open), (6, 5, 3, 1, 1, 2));
        let hours = |spread: &Spread| (spread.median_seconds.map(|s| s / 3600), spread.p90_seconds.map(|s| s / 3600));
        assert_eq!(hours(&all.turnaround), (Some(30), Some(102)));
        assert_eq!(report.turnaround, [1, 0, 1, 0, 1, 0, 0], "up to four hours is four hours");
        assert_eq!(report.open_ages, [1, 0, 0, 0, 0, 0, 1]);
        assert_eq!(report.effects, BTreeMap::from([("entry_amended".to_owned(), 1)]));
        let kinds: Vec<(&str, u64)> = report.by_kind.iter().map(|row| (row.value.as_str(), row.sent)).collect();
        assert_eq!(kinds, [("specificity", 5), ("cause_and_effect", 0)]);
        assert_eq!(
            report.by_provider.iter().map(|row| (row.value.as_str(), row.answered)).collect::<Vec<_>>(),
            [("Dr. Grey", 3)]
        );
        assert_eq!(report.by_coder.len(), 2);
        assert_eq!(report.steps.iter().map(|step| (step.sent, step.answered)).collect::<Vec<_>>(), [(4, 2), (1, 1)]);
    }
}
