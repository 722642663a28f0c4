//! What the doctor sees of the certificates of the service.

use jiff::{SignedDuration, Timestamp};

use super::Findings;
use crate::{
    config::Configuration,
    network::{Demand, ServerTls, TlsError},
};

/// A certificate that ends sooner is told.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// The same as [`certificate`] for the listeners of HL7 messages; files that cannot be opened were told with the configuration.
pub(super) fn certificates_of_messages(findings: &mut Findings, configuration: &Configuration, now: Timestamp) {
    for files in configuration.mllp.iter().filter_map(|listener| listener.tls.clone()) {
        let all = [Some(&files.certificate), Some(&files.key), files.client_authority.as_ref()];
        if all.into_iter().flatten().all(|file| std::fs::File::open(file).is_ok()) {
            certificate(findings, ServerTls::new(files, Demand::Required, None).map(Some), now);
        }
    }
}

/// Whether TLS can be set up, where there is some, and until when its certificate holds.
pub(super) fn certificate(findings: &mut Findings, tls: Result<Option<ServerTls>, TlsError>, now: Timestamp) {
    const CHECK: &str = "TLS";
    const REMEDY: &str = "put a new certificate in place of it: the service takes it within a minute, without a restart";
    let end = match tls {
        Ok(None) => return,
        Ok(Some(tls)) => tls.ends(),
        Err(error) => {
            let remedy = "correct certificate, key and client_authority; each is a PEM file that the service may read, and key and certificate belong together";
            return findings.error(CHECK, error.to_string(), remedy);
        }
    };
    match end {
        None => findings.warning(CHECK, "the certificate does not say until when it holds", REMEDY),
        Some(end) if end <= now => findings.error(CHECK, format!("the certificate ended at {end}"), REMEDY),
        Some(end) if end.duration_since(now) < SOON => {
            findings.warning(CHECK, format!("the certificate ends at {end}"), REMEDY)
        }
        Some(end) => findings.ok(CHECK, format!("the certificate can be used, and holds until {end}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cli::doctor::Level, network::TlsFiles};

    #[test]
    fn a_certificate_that_ends_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = TlsFiles {
            certificate: folder.path().join("server.pem"),
            key: folder.path().join("server.key"),
            client_authority: None,
        };
        let missing = ServerTls::new(files.clone(), Demand::Optional, None);
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        parameters.not_after = rcgen::date_time_ymd(2031, 5, 20);
        std::fs::write(&files.certificate, parameters.self_signed(&key).expect("signs itself").pem()).expect("is written");
        std::fs::write(&files.key, key.serialize_pem()).expect("is written");
        let level = |tls: Result<Option<ServerTls>, TlsError>, now: &str| {
            let mut findings = Findings::default();
            certificate(&mut findings, tls, now.parse().expect("a time"));
            findings.0.first().map(|finding| finding.level)
        };
        let now = "2031-01-01T00:00:00Z";
        assert_eq!(level(Ok(None), now), None);
        assert_eq!(level(missing.map(Some), now), Some(Level::Error));
        for (now, expected) in
            [(now, Level::Ok), ("2031-05-07T00:00:00Z", Level::Warning), ("2031-05-20T00:00:00Z", Level::Error)]
        {
            let tls = ServerTls::new(files.clone(), Demand::Optional, None);
            assert_eq!(level(tls.map(Some), now), Some(expected), "{now}");
        }
    }
}
