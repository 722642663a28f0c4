//! Sending what the outbox holds to the destinations that an admin configured. Beside it only traces and the hospital's own OpenID provider
//! are connected to, and only where the configuration names them.
//!
//! Each destination gets its deliveries one after another, in the order of their causes; one destination that does not answer holds up no
//! other. A failed try is made again with a growing delay; a delivery that is given up stays in the outbox and can be sent again.

mod webhook;

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::sync::watch;

use crate::{
    domain::{Channel, Surroundings},
    mllp::{self, Receiver, SendError},
    network::{ClientTls, Reach, ReachError},
    store::{ClaimedDelivery, DeliveryEnd, Store, StoreError},
};

/// How long a claimed delivery is ours: longer than any try takes.
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// How long to wait before looking for deliveries that are due.
const IDLE: Duration = Duration::from_millis(500);
/// The first delay after a failed try, doubled at each further one.
const FIRST_DELAY: SignedDuration = SignedDuration::from_secs(5);
/// The longest delay of a webhook.
const LONGEST_DELAY: SignedDuration = SignedDuration::from_hours(1);
/// The longest delay of a message that is tried until it is taken.
const LONGEST_DELAY_OF_MESSAGES: SignedDuration = SignedDuration::from_mins(5);
/// How long a receiver may take to answer a message.
const PATIENCE: Duration = Duration::from_secs(30);

/// The problem of a delivery whose destination leads where nothing may be sent.
const NOT_ALLOWED: &str = "address_not_allowed";

/// Why a try failed: stable words, and whether another one may help.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure {
    problem: String,
    is_final: bool,
}

/// What sends deliveries.
pub struct Sender {
    /// The outbox.
    pub store: Arc<dyn Store>,
    /// Clock.
    pub surroundings: Surroundings,
    /// What may be connected to.
    pub reach: Reach,
}

impl Sender {
    /// Runs until `stop` turns true; what is being sent by then is finished first.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let sender = Arc::new(self);
        let mut running = tokio::task::JoinSet::new();
        while !*stop.borrow() {
            match sender.store.claim_deliveries(LEASE, sender.surroundings.now()).await {
                Ok(claimed) => {
                    for delivery in claimed {
                        let sender = Arc::clone(&sender);
                        running.spawn(async move { sender.deliver(delivery).await });
                    }
                }
                Err(error) => tracing::error!(%error, "deliveries cannot be claimed"),
            }
            tokio::select! {
                // a destination that took one may take the next at once
                Some(_) = running.join_next() => {}
                () = tokio::time::sleep(IDLE) => {}
                _ = stop.changed() => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    async fn deliver(&self, delivery: ClaimedDelivery) {
        if let Err(error) = self.try_to_deliver(&delivery).await {
            // the lease runs out and the delivery is claimed again
            tracing::error!(delivery = %delivery.delivery.id, %error, "what became of a delivery could not be recorded");
        }
    }

    async fn try_to_deliver(&self, claimed: &ClaimedDelivery) -> Result<(), StoreError> {
        let sent = match &claimed.destination.channel {
            Channel::Webhook { url, secret } => {
                let told = (&claimed.delivery, claimed.body.as_deref());
                self.post(url, webhook::request(told, secret, self.surroundings.now())).await
            }
            Channel::RestHook { url, headers } => self.post(url, webhook::empty_request(headers)).await,
            Channel::Hl7 { address, authority, .. } => {
                let message = claimed.body.as_deref().unwrap_or_default();
                self.send_message(address, authority.as_deref(), message)
                    .await
                    .map_err(|problem| Failure { problem, is_final: false })
            }
        };
        let now = self.surroundings.now();
        let channel = &claimed.destination.channel;
        let end = match sent {
            Ok(()) => DeliveryEnd::Delivered,
            Err(failure) => {
                let delivery = &claimed.delivery;
                let tries = delivery.tries;
                let is_last = channel.max_tries().is_some_and(|most| tries >= most);
                let problem = failure.problem;
                tracing::warn!(delivery = %delivery.id, destination = %claimed.destination.name, tries, problem, "a delivery failed");
                if failure.is_final || is_last {
                    DeliveryEnd::Dead { problem }
                } else {
                    DeliveryEnd::Retry { at: now + delay(channel, tries), problem }
                }
            }
        };
        let ended = match end {
            DeliveryEnd::Delivered => "delivered",
            DeliveryEnd::Retry { .. } => "retry",
            DeliveryEnd::Dead { .. } => "dead",
        };
        metrics::counter!("abstractor_deliveries_total", "ended" => ended).increment(1);
        self.store.end_delivery(claimed, end, now).await.map(drop)
    }

    /// Sends a request once, on a thread that may wait.
    async fn post(&self, url: &str, request: webhook::Request) -> Result<(), Failure> {
        let (url, reach) = (url.to_owned(), self.reach.clone());
        let failed = |_| Err(Failure { problem: "failed".to_owned(), is_final: false });
        tokio::task::spawn_blocking(move || webhook::send(&url, &request, reach)).await.unwrap_or_else(failed)
    }

    /// Sends a message once; it is delivered when the receiver says that it took it.
    async fn send_message(&self, address: &str, authority: Option<&str>, message: &str) -> Result<(), String> {
        let tls = authority.map(|file| ClientTls::new(std::path::Path::new(file), None));
        let tls = tls.transpose().map_err(|_| "authority_unusable".to_owned())?;
        let receiver = Receiver { address, tls: tls.as_ref(), reach: &self.reach };
        match mllp::send(receiver, message.as_bytes(), PATIENCE).await {
            Ok(answer) if answer.is_accepted() => Ok(()),
            Ok(answer) => Err(format!("answered_{}", answer.code)),
            Err(SendError::TimedOut) => Err("timeout".to_owned()),
            Err(SendError::OtherAnswer) => Err("other_answer".to_owned()),
            Err(SendError::Unreached(ReachError::Refused)) => Err(NOT_ALLOWED.to_owned()),
            Err(SendError::Unreached(_) | SendError::Connection(_) | SendError::Address | SendError::NoAnswer) => {
                Err("unreachable".to_owned())
            }
        }
    }
}

/// The delay after this many tries.
fn delay(channel: &Channel, tries: u32) -> SignedDuration {
    let longest = match channel {
        Channel::Webhook { .. } | Channel::RestHook { .. } => LONGEST_DELAY,
        Channel::Hl7 { .. } => LONGEST_DELAY_OF_MESSAGES,
    };
    FIRST_DELAY.checked_mul(1 << tries.saturating_sub(1).min(16)).unwrap_or(longest).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_an_hour() {
        let webhook = Channel::Webhook { url: String::new(), secret: String::new() };
        let seconds = |tries| delay(&webhook, tries).as_secs();
        assert_eq!([seconds(1), seconds(2), seconds(3), seconds(4)], [5, 10, 20, 40]);
        assert_eq!([seconds(11), seconds(12), seconds(1_000)], [3_600, 3_600, 3_600]);
    }
}
