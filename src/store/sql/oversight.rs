//! Oversight of the engine: drift, shadow runs, what was live.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::json;
use uuid::Uuid;

use super::{
    Database, SqlStore,
    audit::{self, Cause, Event},
    outbox::{self, Happened},
    unit::{Columns, Unit, bytes, micros},
    value::params,
};
use crate::{
    domain::{
        DriftAcknowledged, DriftAlert, DriftEvaluation, DriftFinding, DriftVerdict, DriftWindow, DriftWord, EngineIdentity,
        EventKind, ShadowReport,
    },
    store::{Actor, DRIFT_QUIET, DriftReference, Outgoing, OversightStore, StoreError},
};

#[async_trait]
impl<D: Database> OversightStore for SqlStore<D> {
    async fn record_drift(&self, evaluation: DriftEvaluation, actor: Actor) -> Result<Vec<DriftAlert>, StoreError> {
        let cause = Cause { actor, now: evaluation.at };
        self.database
            .write(move |unit| {
                let body = written("drift_evaluation", evaluation.id, &evaluation)?;
                unit.execute(
                    "INSERT INTO drift_evaluation (id, at, body) VALUES (?1, ?2, ?3)",
                    (bytes(evaluation.id), micros(evaluation.at), body),
                )?;
                let mut raised = Vec::new();
                for finding in evaluation.findings.iter().filter(|one| one.verdict == DriftVerdict::Drifted) {
                    raised.extend(raise(unit, (&evaluation, finding), &cause)?);
                }
                let drifted = evaluation.findings.iter().filter(|one| one.verdict == DriftVerdict::Drifted).count();
                let detail = format!("{drifted} drifted, {} alerts raised", raised.len());
                audit::append(unit, &cause, &Event::of("drift.evaluated", "drift_evaluation", evaluation.id, &detail))?;
                Ok(raised)
            })
            .await
    }

    async fn drift_evaluations(&self, limit: u32) -> Result<Vec<DriftEvaluation>, StoreError> {
        let sql = "SELECT id, body FROM drift_evaluation ORDER BY at DESC, id DESC LIMIT ?1";
        self.database.read(move |unit| unit.all("drift_evaluation", sql, [limit], |row| read("drift_evaluation", row))).await
    }

    async fn drift_alerts(&self, limit: u32) -> Result<Vec<DriftAlert>, StoreError> {
        let sql = format!("{ALERT} ORDER BY CASE WHEN acknowledged_at IS NULL THEN 0 ELSE 1 END, at DESC, measure LIMIT ?1");
        self.database.read(move |unit| unit.all("drift_alert", &sql, [limit], alert)).await
    }

    async fn waiting_drift_alerts(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) AS n FROM drift_alert WHERE acknowledged_at IS NULL";
        self.database.read(move |unit| unit.count(sql, ())).await
    }

    async fn acknowledge_drift(&self, id: Uuid, word: DriftWord, actor: Actor, now: Timestamp) -> Result<bool, StoreError> {
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                let sql = "UPDATE drift_alert SET acknowledged_by = ?2, acknowledged_at = ?3, word = ?4
                           WHERE id = ?1 AND acknowledged_at IS NULL";
                let done = unit.execute(sql, (bytes(id), &cause.actor.name, micros(now), word.as_str()))? > 0;
                if done {
                    audit::append(unit, &cause, &Event::of("drift.acknowledged", "drift_alert", id, word.as_str()))?;
                }
                Ok(done)
            })
            .await
    }

    async fn drift_reference(&self) -> Result<Option<DriftReference>, StoreError> {
        let sql = "SELECT id, from_at, until, actor, at FROM drift_reference ORDER BY at DESC, id DESC LIMIT 1";
        self.database
            .read(move |unit| {
                unit.one("drift_reference", sql, (), |row| {
                    let window = row.instant_or_none("from_at")?.zip(row.instant_or_none("until")?);
                    let window = window.map(|(from, until)| DriftWindow { from, until });
                    Ok(DriftReference { window, by: row.get("actor")?, at: row.instant("at")? })
                })
            })
            .await
    }

    async fn set_drift_reference(
        &self,
        id: Uuid,
        window: Option<DriftWindow>,
        actor: Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let cause = Cause { actor, now };
        self.database
            .write(move |unit| {
                unit.execute(
                    "INSERT INTO drift_reference (id, from_at, until, actor, at) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![
                        bytes(id),
                        window.map(|window| micros(window.from)),
                        window.map(|window| micros(window.until)),
                        cause.actor.name,
                        micros(now)
                    ],
                )?;
                let detail = window.map_or("rolling".to_owned(), |window| format!("{} to {}", window.from, window.until));
                audit::append(unit, &cause, &Event { action: "drift.reference_set", subject: None, detail: &detail })
            })
            .await
    }

    async fn add_shadow_report(&self, report: ShadowReport, actor: Actor) -> Result<(), StoreError> {
        let cause = Cause { actor, now: report.at };
        self.database
            .write(move |unit| {
                let body = written("shadow_report", report.id, &report)?;
                unit.execute(
                    "INSERT INTO shadow_report (id, at, actor, verdict, model, vocabulary, site_pack, body)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    params![
                        bytes(report.id),
                        micros(report.at),
                        cause.actor.name,
                        report.verdict.as_str(),
                        report.challenger.model,
                        report.challenger.vocabulary,
                        report.challenger.site_pack.map(|version| i64::try_from(version).unwrap_or(i64::MAX)),
                        body
                    ],
                )?;
                let detail = format!("{} encounters, {}", report.encounters, report.verdict.as_str());
                audit::append(unit, &cause, &Event::of("shadow.reported", "shadow_report", report.id, &detail))
            })
            .await
    }

    async fn shadow_reports(&self, limit: u32) -> Result<Vec<ShadowReport>, StoreError> {
        let sql = "SELECT id, body FROM shadow_report ORDER BY at DESC, id DESC LIMIT ?1";
        self.database.read(move |unit| unit.all("shadow_report", sql, [limit], |row| read("shadow_report", row))).await
    }

    async fn shadow_report(&self, id: Uuid) -> Result<Option<ShadowReport>, StoreError> {
        let sql = "SELECT id, body FROM shadow_report WHERE id = ?1";
        self.database.read(move |unit| unit.one("shadow_report", sql, [bytes(id)], |row| read("shadow_report", row))).await
    }

    async fn shadow_report_of(
        &self,
        tried: &EngineIdentity,
        beside: &EngineIdentity,
    ) -> Result<Option<ShadowReport>, StoreError> {
        let (model, vocabulary, beside) = (tried.model.clone(), tried.vocabulary.clone(), beside.clone());
        let sql = "SELECT id, body FROM shadow_report WHERE model = ?1 AND vocabulary = ?2 ORDER BY at DESC, id DESC";
        let found = move |unit: &Unit<'_>| {
            unit.all("shadow_report", sql, (model, vocabulary), |row| read::<ShadowReport>("shadow_report", row))
        };
        let reports = self.database.read(found).await?;
        Ok(reports.into_iter().find(|report| report.champion.is_configured_as(&beside)))
    }

    async fn was_live(&self, engine: &EngineIdentity) -> Result<bool, StoreError> {
        let (model, vocabulary) = (engine.model.clone(), engine.vocabulary.clone());
        let sql = "SELECT count(*) AS n FROM live_engine WHERE model = ?1 AND vocabulary = ?2";
        Ok(self.database.read(move |unit| unit.count(sql, (model, vocabulary))).await? > 0)
    }

    async fn live_engine(&self) -> Result<Option<EngineIdentity>, StoreError> {
        self.database.read(live_engine).await
    }

    async fn record_live_engine(
        &self,
        id: Uuid,
        engine: &EngineIdentity,
        actor: Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (engine, cause) = (engine.clone(), Cause { actor, now });
        self.database
            .write(move |unit| {
                let before = live_engine(unit)?;
                if before.as_ref().is_some_and(|live| live.is_configured_as(&engine)) {
                    return Ok(());
                }
                unit.execute(
                    "INSERT INTO live_engine (id, at, version, model, vocabulary) VALUES (?1, ?2, ?3, ?4, ?5)",
                    (bytes(id), micros(now), &engine.version, &engine.model, &engine.vocabulary),
                )?;
                // what the first one is stands with the start of the service
                let Some(before) = before else { return Ok(()) };
                let detail = format!(
                    "model {} -> {}, vocabulary {} -> {}",
                    before.model, engine.model, before.vocabulary, engine.vocabulary
                );
                audit::append(unit, &cause, &Event::of("engine.live", "live_engine", id, &detail))
            })
            .await
    }
}

fn live_engine(unit: &Unit<'_>) -> Result<Option<EngineIdentity>, StoreError> {
    let sql = "SELECT id, version, model, vocabulary FROM live_engine ORDER BY at DESC, id DESC LIMIT 1";
    unit.one("live_engine", sql, (), |row| {
        Ok(EngineIdentity {
            version: row.get("version")?,
            model: row.get("model")?,
            vocabulary: row.get("vocabulary")?,
            site_pack: None,
        })
    })
}

fn inconsistent(table: &'static str, id: Uuid) -> StoreError {
    StoreError::Inconsistent { table, id: id.to_string(), problem: "its JSON is not that of this table".to_owned() }
}

fn written(table: &'static str, id: Uuid, body: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(body).map_err(|_| inconsistent(table, id))
}

fn read<T: DeserializeOwned>(table: &'static str, row: &Columns<'_>) -> Result<T, StoreError> {
    let id = row.id("id")?;
    serde_json::from_str(&row.get::<String>("body")?).map_err(|_| inconsistent(table, id))
}

const ALERT: &str =
    "SELECT id, evaluation_id, measure, at, seen_at, body, acknowledged_by, acknowledged_at, word FROM drift_alert";

fn alert(row: &Columns<'_>) -> Result<DriftAlert, StoreError> {
    let acknowledged = match (row.get::<Option<String>>("acknowledged_by")?, row.instant_or_none("acknowledged_at")?) {
        (Some(by), Some(at)) => Some(DriftAcknowledged { by, at, word: row.word("word", |word| word.parse().ok())? }),
        _ => None,
    };
    Ok(DriftAlert {
        id: row.id("id")?,
        evaluation: row.id("evaluation_id")?,
        at: row.instant("at")?,
        seen_at: row.instant("seen_at")?,
        finding: read("drift_alert", row)?,
        acknowledged,
    })
}

/// The alert of what drifted, where it is a new one.
fn raise(
    unit: &Unit<'_>,
    (evaluation, finding): (&DriftEvaluation, &DriftFinding),
    cause: &Cause,
) -> Result<Option<DriftAlert>, StoreError> {
    let (measure, now) = (finding.measure.as_str(), micros(evaluation.at));
    let again = "UPDATE drift_alert SET seen_at = ?2 WHERE measure = ?1 AND acknowledged_at IS NULL";
    if unit.execute(again, (measure, now))? > 0 {
        return Ok(None);
    }
    let quiet = "SELECT count(*) AS n FROM drift_alert WHERE measure = ?1 AND acknowledged_at > ?2";
    let since = evaluation.at.saturating_sub(DRIFT_QUIET).unwrap_or(Timestamp::MIN);
    if unit.count(quiet, (measure, micros(since)))? > 0 {
        return Ok(None);
    }
    let id = super::unit::derived_id(evaluation.id, measure);
    let body = written("drift_alert", id, finding)?;
    let added = unit.execute(
        "INSERT INTO drift_alert (id, evaluation_id, measure, at, seen_at, body) VALUES (?1, ?2, ?3, ?4, ?4, ?5)
         ON CONFLICT DO NOTHING",
        (bytes(id), bytes(evaluation.id), measure, now, body),
    )?;
    if added == 0 {
        return Ok(None);
    }
    audit::append(unit, cause, &Event::of("drift.detected", "drift_alert", id, measure))?;
    let told = json!({
        "alert_id": id,
        "measure": finding.measure,
        "reference": finding.reference,
        "current": finding.current,
        "effect": finding.effect,
        "p_adjusted": finding.adjusted,
        "encounters": finding.encounters,
    });
    let hearing = unit.all("destination", "SELECT id FROM destination WHERE disabled = 0", (), |row| row.id("id"))?;
    let outgoing: Vec<Outgoing> =
        hearing.into_iter().map(|destination| Outgoing { destination, body: told.to_string() }).collect();
    let happened = Happened { event: EventKind::DriftDetected, note: None, item: None, outgoing: &outgoing };
    outbox::emit(unit, &happened, evaluation.at)?;
    Ok(Some(DriftAlert {
        id,
        evaluation: evaluation.id,
        at: evaluation.at,
        seen_at: evaluation.at,
        finding: finding.clone(),
        acknowledged: None,
    }))
}
