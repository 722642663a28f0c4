//! Certificates: until when they hold, whom they name, and which user has to show which one.

use std::{collections::BTreeMap, str::FromStr};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_cert::{
    Certificate,
    der::Decode as _,
    ext::pkix::{SubjectAltName, name::GeneralName},
};

/// Until when a certificate holds; none where it does not say so in a way that is understood.
pub(super) fn end(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let read = Certificate::from_der(certificate).ok()?;
    let seconds = read.tbs_certificate.validity.not_after.to_unix_duration().as_secs();
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}

/// The certificate that the other side of a connection showed; TLS has checked that the authority signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    fingerprint: [u8; 32],
    /// Host names and URIs of its subject's alternative names, in lower case.
    names: Vec<String>,
}

impl PeerCertificate {
    /// Reads what it names; a certificate that cannot be read has its fingerprint alone.
    #[must_use]
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        let fingerprint = Sha256::digest(certificate).into();
        let read = Certificate::from_der(certificate).ok();
        let alternative = read.and_then(|read| read.tbs_certificate.get::<SubjectAltName>().ok()?);
        let names = alternative.map_or_else(Vec::new, |(_, SubjectAltName(names))| names);
        let name = |name: GeneralName| match name {
            GeneralName::DnsName(name) | GeneralName::UniformResourceIdentifier(name) => Some(name.as_str().to_lowercase()),
            _ => None,
        };
        Self { fingerprint, names: names.into_iter().filter_map(name).collect() }
    }
}

/// What tells a certificate from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateName {
    /// SHA-256 of all of it: this certificate and none that comes after it.
    Fingerprint([u8; 32]),
    /// A host name or URI among its subject's alternative names: its successors too.
    Subject(String),
}

impl CertificateName {
    fn is_of(&self, certificate: &PeerCertificate) -> bool {
        match self {
            Self::Fingerprint(fingerprint) => *fingerprint == certificate.fingerprint,
            Self::Subject(name) => certificate.names.contains(name),
        }
    }
}

impl FromStr for CertificateName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hexadecimal: String = text.chars().filter(|letter| *letter != ':').collect();
        if hexadecimal.len() == 64 && hexadecimal.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let mut fingerprint = [0; 32];
            for (at, byte) in fingerprint.iter_mut().enumerate() {
                *byte = u8::from_str_radix(&hexadecimal[2 * at..2 * at + 2], 16).map_err(|error| error.to_string())?;
            }
            return Ok(Self::Fingerprint(fingerprint));
        }
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("{text:?} is no SHA-256 fingerprint and no host name or URI of a certificate"));
        }
        Ok(Self::Subject(text.to_lowercase()))
    }
}

/// The certificates of users whose tokens work only together with one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientCertificates(BTreeMap<String, Vec<CertificateName>>);

impl ClientCertificates {
    /// By login name.
    #[must_use]
    pub fn of(users: BTreeMap<String, Vec<CertificateName>>) -> Self {
        Self(users)
    }

    /// Who has to show one.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether a user may speak over a connection that showed this certificate, or none.
    #[must_use]
    pub fn permit(&self, user: &str, shown: Option<&PeerCertificate>) -> bool {
        match (self.0.get(user), shown) {
            (None, _) => true,
            (Some(names), Some(shown)) => names.iter().any(|name| name.is_of(shown)),
            (Some(_), None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(name: &str) -> CertificateDer<'static> {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("a name");
        parameters.not_after = rcgen::date_time_ymd(2031, 5, 6);
        parameters.self_signed(&key).expect("signs itself").der().clone()
    }

    #[test]
    fn who_is_named_must_show_a_certificate_and_nobody_else_must() {
        let (of_emr, of_other) = (made("EMR.hospital.example"), made("other.example"));
        let shown = PeerCertificate::of(&of_emr);
        assert_eq!(shown.names, ["emr.hospital.example"]);
        let fingerprint = Sha256::digest(&of_emr).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
        for name in ["emr.hospital.example", fingerprint.as_str(), &fingerprint.replace(':', "").to_lowercase()] {
            let users = BTreeMap::from([("emr".to_owned(), vec![name.parse().expect("names one")])]);
            let certificates = ClientCertificates::of(users);
            assert!(certificates.permit("emr", Some(&shown)), "{name}");
            assert!(!certificates.permit("emr", Some(&PeerCertificate::of(&of_other))), "{name}");
            assert!(!certificates.permit("emr", None), "{name}");
            assert!(certificates.permit("coder", None) && certificates.permit("coder", Some(&shown)));
        }
        for wrong in ["", "two words", "ümlaut.example"] {
            assert!(wrong.parse::<CertificateName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_end_of_a_certificate_is_read() {
        let end = end(&made("a.example")).expect("it says when");
        assert_eq!(end.to_string(), "2031-05-06T00:00:00Z");
        assert!(super::end(&CertificateDer::from(b"no certificate".to_vec())).is_none());
    }
}
