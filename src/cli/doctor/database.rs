//! What the doctor asks of the database: whether it is whole and may be used, its schema and its keys, who sends messages, and the work that
//! waits. Nothing is written.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::{
    AS_THE_SERVICE, CLOCKS_DIFFER, CLOCKS_DISAGREE, Findings,
    machine::{gigabytes, is_writable},
};
use crate::{
    cli::serve::unfit_sender,
    mllp,
    seal::SiteKeys,
    store::{
        Holdings, KeyFit, SchemaState, TrailReport,
        postgres::{PostgresSettings, ServerInspection},
        sqlite,
    },
};

/// Jobs that nobody does for so long are told.
const NOBODY_DOES: SignedDuration = SignedDuration::from_mins(5);
/// What only the owner of the schema can do.
const AS_THE_OWNER: &str = "its owner has to run `abstractor migrate --database postgres://OWNER@HOST/NAME`, and to grant its use to this user, as \
                            deploy/compose/grants.sql does";

/// What the file holds; none where that cannot be told.
pub(super) fn file(findings: &mut Findings, path: &Path, keys: Option<&SiteKeys>) -> Option<Holdings> {
    const CHECK: &str = "database";
    if !path.exists() {
        let remedy = "see that --data is right; the first start makes a new database";
        findings.warning(CHECK, format!("there is none in {}", path.parent().unwrap_or(path).display()), remedy);
        return Some(Holdings::default());
    }
    if !is_writable(path) {
        findings.error(CHECK, format!("{} cannot be read and written", path.display()), AS_THE_SERVICE);
        return None;
    }
    match sqlite::inspect(path, keys) {
        Err(error) => {
            let remedy =
                "stop the service, keep a copy of the whole folder, and bring back the last backup with `abstractor restore`";
            findings.error(CHECK, error.to_string(), remedy);
            None
        }
        Ok(found) => {
            let state = if found.is_open { "in use, or not closed by its last service" } else { "closed" };
            if found.has_write_ahead_log {
                findings.ok(CHECK, format!("{} is whole and {state}; what is written goes through a log", path.display()));
            } else {
                let remedy = "let no other program set its journal mode; the next start of the service sets it";
                findings.warning(CHECK, format!("{} is whole, but written to without a log", path.display()), remedy);
            }
            schema(findings, &found.schema, true);
            key_fit(findings, found.key);
            trail(findings, found.trail.as_ref());
            found.holds
        }
    }
}

pub(super) fn server(findings: &mut Findings, settings: &PostgresSettings, found: &ServerInspection) {
    const CHECK: &str = "database";
    match (&found.refused, &found.tls) {
        (Some(refused), _) => {
            findings.error(CHECK, refused.clone(), "mend that in PostgreSQL: the service does not start on it")
        }
        (None, None) if found.is_elsewhere => {
            let remedy = "leave sslmode out of --database, or write sslmode=verify-full";
            findings.error(CHECK, "PostgreSQL on another machine is spoken to without TLS", remedy);
        }
        (None, tls) => {
            let tls = tls.as_ref().map_or("on this machine, without TLS", String::as_str);
            let size = gigabytes(found.bytes);
            let server = format!("PostgreSQL {} ({tls}), {size}; fsync and full_page_writes are on", found.version);
            let kept = format!("synchronous_commit is {}, and on for the service", found.synchronous_commit);
            findings.ok(CHECK, format!("{server}, {kept}"));
        }
    }
    schema(findings, &found.schema, found.may_change_schema);
    key_fit(findings, found.key);
    trail(findings, found.trail.as_ref());
    if found.is_superuser {
        let remedy = "give the service a role that owns nothing, and run `abstractor migrate` as the owner (SECURITY.md)";
        findings.warning(CHECK, "its user is a superuser, who could change the audit trail", remedy);
    }
    let (most, open) = (found.most_connections, found.connections);
    let wanted = i64::try_from(settings.connections).unwrap_or(i64::MAX);
    let found_connections = format!("of {most} connections {open} are open, and this service may want {wanted}");
    if most < wanted {
        let remedy = "raise max_connections or the limit of the user, or lower --database-connections";
        findings.error("connections", found_connections, remedy);
    } else if most - open < wanted {
        let remedy = "raise max_connections, or lower --database-connections, unless the open ones are this service's own";
        findings.warning("connections", found_connections, remedy);
    } else {
        findings.ok("connections", found_connections);
    }
    let (ahead, remedy) = (found.ahead.abs(), "let NTP keep the clocks of both machines right");
    let told =
        format!("the database's clock differs from this machine's by {}.{:03} s", ahead.as_secs(), ahead.subsec_millis());
    if ahead > CLOCKS_DISAGREE {
        findings.error("clock", told, remedy);
    } else if ahead > CLOCKS_DIFFER {
        findings.warning("clock", told, remedy);
    } else {
        findings.ok("clock", told);
    }
}

fn schema(findings: &mut Findings, state: &SchemaState, may_change: bool) {
    const CHECK: &str = "schema";
    match state {
        SchemaState::Current { version } => findings.ok(CHECK, format!("version {version}, that of this program")),
        SchemaState::Missing if !may_change => {
            findings.error(CHECK, "there is none yet, and this user of the database may not make one", AS_THE_OWNER);
        }
        SchemaState::Closed => {
            findings.error(CHECK, "this user of the database may not use its tables as a service has to", AS_THE_OWNER);
        }
        SchemaState::Older { version, own, .. } if !may_change => findings.error(
            CHECK,
            format!("version {version} is older than this program's {own}, and this user of the database may not change it"),
            AS_THE_OWNER,
        ),
        SchemaState::Missing => {
            findings.warning(CHECK, "there is none yet", "run `abstractor migrate`, or let the first start make it");
        }
        SchemaState::Older { version, own, steps } => findings.warning(
            CHECK,
            format!("version {version} is older than this program's {own}; steps that are missing: {steps}"),
            "take a backup, then run `abstractor migrate`, or let the next start do it",
        ),
        SchemaState::Newer { version, own } => findings.warning(
            CHECK,
            format!("version {version} is newer than this program's {own}, which may use it all the same"),
            "bring this program up to the release of the other servers",
        ),
        SchemaState::Refused { message } => {
            findings.error(CHECK, message.clone(), "install that release or a newer one: a schema is never taken back");
        }
    }
}

fn key_fit(findings: &mut Findings, fit: Option<KeyFit>) {
    const CHECK: &str = "site key";
    match fit {
        None | Some(KeyFit::NewDatabase) => {}
        Some(KeyFit::First) => findings.ok(CHECK, "the first key opens the database"),
        Some(KeyFit::Older) => findings.warning(
            CHECK,
            "an older key of the file opens the database",
            "run `abstractor key rewrap`, and take the older key out of the file afterwards",
        ),
        Some(KeyFit::None) => findings.error(
            CHECK,
            "no key of the file opens the database: it was made with another",
            "put the key that it was made with into the file, from the copy that was kept elsewhere",
        ),
    }
}

/// Whether the end of the audit trail is as it was sealed.
fn trail(findings: &mut Findings, report: Option<&TrailReport>) {
    const CHECK: &str = "audit trail";
    let Some(report) = report else { return };
    let unsealed = report.unsealed;
    match (&report.problem, &report.checkpoint) {
        (Some(problem), _) => findings.error(
            CHECK,
            problem.clone(),
            "keep a copy of the database as it is, run `abstractor audit verify`, and find out who wrote to it by other means than this program",
        ),
        (None, None) => findings.ok(CHECK, format!("events that are not sealed yet: {unsealed}; a running service seals them")),
        (None, Some(checkpoint)) => {
            let (sequence, at) = (checkpoint.sequence, checkpoint.sealed_at);
            findings.ok(CHECK, format!("its end is as it was sealed, signed up to event {sequence} at {at}; not sealed yet: {unsealed}"));
        }
    }
}

/// Whether those may send messages whom the configuration names for it.
pub(super) fn senders(findings: &mut Findings, listeners: &[mllp::Settings], holds: &Holdings) {
    const CHECK: &str = "HL7 messages";
    for name in listeners.iter().map(|listener| &listener.user) {
        let user = holds.users.iter().find(|user| user.name == *name);
        match unfit_sender(name, user) {
            Some((found, remedy)) => findings.error(CHECK, found, remedy),
            None if user.is_some_and(|user| user.disabled) => {
                let remedy = format!("`abstractor user enable {name}`, if the messages are wanted");
                findings.warning(CHECK, format!("the user {name:?} is disabled, so that every message is refused"), remedy);
            }
            None => findings.ok(CHECK, format!("the user {name:?} may send them")),
        }
    }
}

/// Whether somebody does the work that waits.
pub(super) fn jobs(findings: &mut Findings, holds: &Holdings, now: Timestamp) {
    const CHECK: &str = "jobs";
    let waits = holds.due_since.map(|at| now.duration_since(at)).filter(|waits| *waits > NOBODY_DOES);
    match waits {
        Some(waits) if holds.held_until.is_none_or(|until| until <= now) => findings.warning(
            CHECK,
            format!("not done: {}, the oldest waits for {} minutes, and nobody does them", holds.jobs, waits.as_mins()),
            "start `abstractor worker`, or `serve` without --without-worker and --paused",
        ),
        _ => findings.ok(CHECK, format!("not done: {}; none of them is left lying", holds.jobs)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Level;

    #[test]
    fn work_that_nobody_does_is_told() {
        let now = Timestamp::UNIX_EPOCH;
        let minutes = |minutes| now + SignedDuration::from_mins(minutes);
        for (due_since, held_until, level) in [
            (None, None, Level::Ok),
            (Some(minutes(-5)), None, Level::Ok),
            (Some(minutes(-6)), None, Level::Warning),
            // a worker that does others
            (Some(minutes(-6)), Some(minutes(1)), Level::Ok),
            // one that died
            (Some(minutes(-6)), Some(minutes(-6)), Level::Warning),
            // one that failed and is tried again later
            (Some(minutes(3)), None, Level::Ok),
        ] {
            let mut findings = Findings::default();
            jobs(&mut findings, &Holdings { users: Vec::new(), jobs: 1, due_since, held_until }, now);
            assert_eq!(findings.0[0].level, level, "{findings:?}");
        }
    }

    #[test]
    fn what_only_the_owner_of_a_schema_may_do_is_told() {
        let older = SchemaState::Older { version: 1, own: 2, steps: 1 };
        for (state, may_change, level) in [
            (SchemaState::Missing, true, Level::Warning),
            (SchemaState::Missing, false, Level::Error),
            (older.clone(), true, Level::Warning),
            (older, false, Level::Error),
            (SchemaState::Closed, false, Level::Error),
            (SchemaState::Current { version: 2 }, false, Level::Ok),
        ] {
            let mut findings = Findings::default();
            schema(&mut findings, &state, may_change);
            assert_eq!(findings.0[0].level, level, "{findings:?}");
        }
    }
}
