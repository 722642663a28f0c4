//! Decisions on proposals: append-only rows, each with a key of its own, since what was proposed has words of notes.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    Database, SqlStore,
    audit::{self, Cause, Event},
    unit::{Columns, Unit, bytes, micros},
    value::params,
};
use crate::{
    domain::{DecidedProposal, PackChange, ProposalEffect},
    store::{Actor, NewProposalDecision, ProposalStore, StoreError},
};

#[async_trait]
impl<D: Database> ProposalStore for SqlStore<D> {
    async fn decide_proposals(
        &self,
        decisions: Vec<NewProposalDecision>,
        actor: Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let cause = Cause { actor, now };
        self.database.write(move |unit| decisions.iter().try_for_each(|decision| add(unit, decision, &cause))).await
    }

    async fn decided_proposals(&self, limit: u32) -> Result<Vec<DecidedProposal>, StoreError> {
        let sql = "SELECT id, verdict, data_key, body, support, saved, broken, encounters_read, pack_version, actor, at
                   FROM proposal_decision ORDER BY at DESC, id LIMIT ?1";
        self.database.read(move |unit| unit.all("proposal_decision", sql, [limit], |row| open(unit, row))).await
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn add(unit: &Unit<'_>, decision: &NewProposalDecision, cause: &Cause) -> Result<(), StoreError> {
    let NewProposalDecision { id, proposal, verdict, pack_version } = decision;
    let body = serde_json::to_vec(&proposal.change).map_err(|_| StoreError::Inconsistent {
        table: "proposal_decision",
        id: id.to_string(),
        problem: "it cannot be written as JSON".to_owned(),
    })?;
    let (key, data_key) = unit.vault.new_data_key("proposal_decision", *id);
    unit.execute(
        "INSERT INTO proposal_decision
            (id, verdict, data_key, body, support, saved, broken, encounters_read, pack_version, actor_id, actor, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            bytes(*id),
            verdict.as_str(),
            data_key,
            key.seal("body", &body),
            signed(proposal.evidence.support),
            signed(proposal.effect.would_have_saved),
            signed(proposal.effect.would_have_broken),
            proposal.effect.encounters_read.map(signed),
            pack_version.map(signed),
            cause.actor.user_id.map(bytes),
            &cause.actor.name,
            micros(cause.now)
        ],
    )?;
    let into = pack_version.map_or_else(String::new, |version| format!(", version {version}"));
    let detail = format!("{} {}{into}, decision {id}", proposal.change.as_str(), verdict.as_str());
    audit::append(unit, cause, &Event { action: "proposal.decided", subject: None, detail: &detail })
}

fn open(unit: &Unit<'_>, row: &Columns<'_>) -> Result<DecidedProposal, StoreError> {
    let key = unit.vault.data_key("proposal_decision", row.id("id")?, &row.get::<Vec<u8>>("data_key")?)?;
    let optional = |column: &str| Ok::<_, StoreError>(row.get::<Option<i64>>(column)?.and_then(|one| u64::try_from(one).ok()));
    let change = key.open_json::<PackChange>("body", &row.get::<Vec<u8>>("body")?)?;
    Ok(DecidedProposal {
        id: change.proposal_id(),
        change,
        verdict: row.word("verdict", |word| word.parse().ok())?,
        support: row.unsigned("support")?,
        effect: ProposalEffect {
            would_have_saved: row.unsigned("saved")?,
            would_have_broken: row.unsigned("broken")?,
            encounters_read: optional("encounters_read")?,
        },
        pack_version: optional("pack_version")?,
        by: row.get("actor")?,
        at: row.instant("at")?,
    })
}
