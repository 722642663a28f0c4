//! From which address somebody tries to sign in, or a client asks for a token, and how many of these tries may fail.

use std::net::IpAddr;

use super::Service;
use crate::{auth::Attempt, store::Actor};

impl Service {
    /// Begins a try to sign in, or to get a token, from an address.
    ///
    /// # Errors
    /// When too many of this address failed: the seconds until one is taken, at least one.
    pub async fn begin_from(&self, address: IpAddr) -> Result<Attempt<'_>, u64> {
        let now = || self.surroundings.now();
        self.sign_in.failures.begin(address, now).await.map_err(|until| {
            metrics::counter!("abstractor_refused_total", "reason" => "sign_in_address").increment(1);
            u64::try_from(until.duration_since(now()).as_secs()).unwrap_or_default().saturating_add(1)
        })
    }

    /// Counts that a try failed. That the address has none left is recorded by a word for it, which says nothing of the address and is another one
    /// after a restart; whoever was refused is told the same whether or not that succeeds.
    pub async fn count_failure(&self, attempt: Attempt<'_>) {
        let now = self.surroundings.now();
        let Some(word) = attempt.failed(now) else { return };
        let detail = format!("address {word}: {} failures an hour", self.sign_in.failures.an_hour());
        if let Err(error) = self.store.record_audit(Actor::service(), "sign_in.address_refused", None, &detail, now).await {
            tracing::error!(%error, "that an address failed too often could not be recorded");
        }
    }
}
