//! Destinations that an admin configures, and what became of what was sent to them.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use thiserror::Error;
use uuid::Uuid;

use super::{Service, access::scope_of, actor};
use crate::{
    auth::{Permission, permits},
    domain::{Channel, Delivery, Destination, EventKind, ReviewEntry, ReviewItem, User},
    interop::hl7::{Stamp, abstract_message},
    network::ReachError,
    seal::random_bytes,
    store::{DeliveryFilter, Outgoing, StoreError},
};

/// How long is waited for the addresses of a destination that is added.
const LOOK_UP: Duration = Duration::from_secs(1);

/// Why a destination is not added.
#[derive(Debug, Error)]
pub enum DestinationError {
    /// The name cannot be one.
    #[error("name must be 1 to 64 letters, digits, dots, dashes or underscores")]
    Name,
    /// The name is taken.
    #[error("there is a destination of this name; disable it, and give this one another name")]
    NameTaken,
    /// It would hear of nothing.
    #[error("events must name at least one of {}", EventKind::ALL.map(EventKind::as_str).join(", "))]
    NoEvents,
    /// The address cannot be one.
    #[error("url must be http://HOST... or https://HOST... without user and password")]
    Url,
    /// The address of a receiver of HL7 messages cannot be one.
    #[error("address must be HOST:PORT")]
    Address,
    /// Where it leads nothing may be sent.
    #[error(
        "the address leads to this machine, or to a private or reserved network; where that is meant, name the network in [deliveries] allow of the configuration and restart"
    )]
    NotAllowed,
    /// It would hear of something that it cannot be told.
    #[error("a destination of kind hl7 hears of review.finished and nothing else")]
    OnlyFinished,
    /// A header cannot be one.
    #[error("a header must be a name and a value of visible ASCII characters")]
    Header,
    /// The secret cannot be one.
    #[error("secret must be whsec_ and 24 to 64 bytes in base64; leave it out to have one made")]
    Secret,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Service {
    /// Adds a destination and gives it back, with the secret that was made where none was given.
    ///
    /// # Errors
    /// [`DestinationError`].
    pub async fn add_destination(
        &self,
        user: &User,
        name: String,
        events: Vec<EventKind>,
        channel: Channel,
    ) -> Result<Destination, DestinationError> {
        let is_name_character = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if !(1..=64).contains(&name.len()) || !name.bytes().all(is_name_character) {
            return Err(DestinationError::Name);
        }
        if events.is_empty() {
            return Err(DestinationError::NoEvents);
        }
        let channel = checked(channel)?;
        if matches!(channel, Channel::Hl7 { .. }) && events.iter().any(|event| *event != EventKind::ReviewFinished) {
            return Err(DestinationError::OnlyFinished);
        }
        // whoever adds it does not wait for a name that nobody knows; what is sent is looked at again
        let place = host_and_port(&channel);
        if let Ok(Err(ReachError::Refused)) = tokio::time::timeout(LOOK_UP, self.reach.addresses_of(&place)).await {
            return Err(DestinationError::NotAllowed);
        }
        let now = self.surroundings.now();
        let mut events = events;
        events.sort_unstable();
        events.dedup();
        let destination =
            Destination { id: self.surroundings.new_id(), name, channel, events, disabled: false, created_at: now };
        if self.store.add_destination(destination.clone(), actor(user), now).await? {
            Ok(destination)
        } else {
            Err(DestinationError::NameTaken)
        }
    }

    /// Disables or enables a destination; `false` when there is none of that name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_destination_disabled(&self, user: &User, name: &str, disabled: bool) -> Result<bool, StoreError> {
        self.store.set_destination_disabled(name, disabled, actor(user), self.surroundings.now()).await
    }

    /// Sends a delivery once more; `false` when there is none, or it is being sent.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resend(&self, user: &User, delivery: Uuid) -> Result<bool, StoreError> {
        let wanted = DeliveryFilter { id: Some(delivery), limit: 1, ..DeliveryFilter::default() };
        if self.deliveries(user, wanted).await?.is_empty() {
            return Ok(false);
        }
        self.store.resend_delivery(delivery, actor(user), self.surroundings.now()).await
    }

    /// What was or will be sent: who arranges destinations sees all of it, everybody else what is about encounters in their scope.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn deliveries(&self, user: &User, filter: DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        let scope = (!permits(user.role, Permission::ManageDestinations)).then(|| scope_of(user));
        self.store.deliveries(DeliveryFilter { scope, ..filter }).await
    }

    /// What the receivers of HL7 messages are sent of an encounter that is being finished, made of what is finished.
    pub(super) async fn abstracts(&self, item: &ReviewItem, entries: &[ReviewEntry]) -> Result<Vec<Outgoing>, StoreError> {
        let at = self.surroundings.now();
        let destinations = self.store.destinations().await?;
        let hearing = destinations.into_iter().filter(|one| !one.disabled && one.events.contains(&EventKind::ReviewFinished));
        Ok(hearing
            .filter_map(|destination| {
                let Channel::Hl7 { settings, .. } = &destination.channel else { return None };
                // MSH-10 has twenty characters
                let id = self.surroundings.new_id().simple().to_string();
                let stamp = Stamp { control_id: &id[..20], at };
                let body = abstract_message(settings, item, entries, stamp);
                Some(Outgoing { destination: destination.id, body })
            })
            .collect())
    }
}

/// The channel when it can be used, with a secret.
fn checked(channel: Channel) -> Result<Channel, DestinationError> {
    match channel {
        Channel::Webhook { url, secret } => {
            check_url(&url)?;
            let secret = if secret.is_empty() {
                format!("whsec_{}", STANDARD.encode(random_bytes::<32>()))
            } else {
                let key = secret.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
                if !key.is_some_and(|key| (24..=64).contains(&key.len())) {
                    return Err(DestinationError::Secret);
                }
                secret
            };
            Ok(Channel::Webhook { url, secret })
        }
        Channel::RestHook { url, headers } => {
            check_url(&url)?;
            let is_header = |(name, value): &(String, String)| {
                name.parse::<ureq::http::HeaderName>().is_ok() && value.parse::<ureq::http::HeaderValue>().is_ok()
            };
            if !headers.iter().all(is_header) {
                return Err(DestinationError::Header);
            }
            Ok(Channel::RestHook { url, headers })
        }
        Channel::Hl7 { address, authority, settings } => {
            let (host, port) = address.rsplit_once(':').unwrap_or_default();
            if host.is_empty() || host.contains('/') || !port.parse::<u16>().is_ok_and(|port| port > 0) {
                return Err(DestinationError::Address);
            }
            Ok(Channel::Hl7 { address, authority, settings })
        }
    }
}

/// What is connected to for a channel that was checked. A name that has no address yet may have one when something is sent, and what it is is
/// looked at again then.
fn host_and_port(channel: &Channel) -> String {
    match channel {
        Channel::Webhook { url, .. } | Channel::RestHook { url, .. } => {
            let address: ureq::http::Uri = url.parse().unwrap_or_default();
            let port = address.port_u16().unwrap_or(if address.scheme_str() == Some("https") { 443 } else { 80 });
            format!("{}:{port}", address.host().unwrap_or_default())
        }
        Channel::Hl7 { address, .. } => address.clone(),
    }
}

fn check_url(url: &str) -> Result<(), DestinationError> {
    let address: ureq::http::Uri = url.parse().map_err(|_| DestinationError::Url)?;
    let is_http = matches!(address.scheme_str(), Some("http" | "https"));
    let has_credentials = address.authority().is_some_and(|authority| authority.as_str().contains('@'));
    let is_usable = is_http && !has_credentials && address.host().is_some_and(|host| !host.is_empty());
    if is_usable { Ok(()) } else { Err(DestinationError::Url) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_connected_to() {
        for (url, expected) in [
            ("https://ehr.example/hook", "ehr.example:443"),
            ("http://10.0.0.5/x:9", "10.0.0.5:80"),
            ("http://[fd00::1]:8080", "[fd00::1]:8080"),
        ] {
            assert_eq!(host_and_port(&Channel::RestHook { url: url.to_owned(), headers: Vec::new() }), expected);
        }
    }

    #[test]
    fn addresses_and_secrets() {
        let webhook = |url: &str, secret: &str| checked(Channel::Webhook { url: url.to_owned(), secret: secret.to_owned() });
        assert!(webhook("https://ehr.example/hook?x=1", "").is_ok());
        let Ok(Channel::Webhook { secret, .. }) = webhook("http://10.0.0.5:8080", "") else { panic!("is fine") };
        assert!(webhook("http://10.0.0.5:8080", &secret).is_ok(), "a secret that was made is one");
        for url in ["", "ehr.example", "ftp://ehr.example", "https://", "https://user:pass@ehr.example", "/hook"] {
            assert!(matches!(webhook(url, ""), Err(DestinationError::Url)), "{url}");
        }
        for secret in ["x", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64"] {
            assert!(matches!(webhook("https://ehr.example", secret), Err(DestinationError::Secret)), "{secret}");
        }
    }
}
