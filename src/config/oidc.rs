//! `[sign_in.oidc]`: the hospital's own OpenID provider.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::oidc::{Settings, is_secure_address};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OidcTable {
    issuer: String,
    client_id: String,
    client_secret_file: Option<PathBuf>,
    scopes: Option<Vec<String>>,
    user_claim: Option<String>,
    user_suffix: Option<String>,
    #[serde(default)]
    required_claims: BTreeMap<String, Values>,
    #[serde(default)]
    accept_acr: Vec<String>,
    #[serde(default)]
    accept_amr: Vec<String>,
    authority: Option<PathBuf>,
    #[serde(default)]
    only: bool,
}

/// One value, or several of which one is enough.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Several(Vec<String>),
}

impl OidcTable {
    /// Files lie relative to `folder`.
    pub(super) fn checked(self, folder: &Path) -> Result<Settings, String> {
        if !is_secure_address(&self.issuer) {
            return Err("issuer of [sign_in.oidc] must begin with https:// (http:// does for this machine alone)".to_owned());
        }
        let scopes = self.scopes.unwrap_or_else(|| vec!["openid".to_owned(), "profile".to_owned()]);
        if !scopes.iter().any(|scope| scope == "openid") {
            return Err("scopes of [sign_in.oidc] must hold \"openid\"".to_owned());
        }
        let user_claim = self.user_claim.unwrap_or_else(|| "preferred_username".to_owned());
        if self.client_id.is_empty() || user_claim.is_empty() {
            return Err("client_id and user_claim of [sign_in.oidc] must not be empty".to_owned());
        }
        let required_claims: BTreeMap<_, _> =
            self.required_claims.into_iter().map(|(name, values)| (name, values.list())).collect();
        if required_claims.values().any(Vec::is_empty) {
            return Err("a claim of required_claims of [sign_in.oidc] must have a value, or a list of values".to_owned());
        }
        Ok(Settings {
            issuer: self.issuer,
            client_id: self.client_id,
            client_secret: self.client_secret_file.map(|file| folder.join(file)),
            scopes,
            user_claim,
            user_suffix: self.user_suffix.unwrap_or_default(),
            required_claims,
            accept_acr: self.accept_acr,
            accept_amr: self.accept_amr,
            authority: self.authority.map(|file| folder.join(file)),
            is_only: self.only,
        })
    }
}

impl Values {
    fn list(self) -> Vec<String> {
        match self {
            Self::One(value) => vec![value],
            Self::Several(values) => values,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Configuration;

    fn read(text: &str) -> Result<Option<crate::oidc::Settings>, String> {
        Configuration::parse(text, Path::new("/etc/abstractor")).map(|configuration| configuration.oidc)
    }

    const NEEDED: &str = "[sign_in.oidc]\nissuer = \"https://idp.example/realms/a\"\nclient_id = \"abstractor\"\n";

    #[test]
    fn nobody_is_asked_unless_it_is_said() {
        assert!(read("").expect("can be used").is_none());
        let least = read(NEEDED).expect("can be used").expect("a provider");
        assert_eq!((least.issuer.as_str(), least.user_claim.as_str()), ("https://idp.example/realms/a", "preferred_username"));
        assert_eq!(least.scopes, ["openid", "profile"]);
        assert!(!least.is_only && least.client_secret.is_none() && least.required_claims.is_empty());
    }

    #[test]
    fn everything_can_be_said() {
        let text = format!(
            "{NEEDED}client_secret_file = \"secret\"\nscopes = [\"openid\", \"groups\"]\nuser_claim = \"upn\"\nuser_suffix = \"@a.example\"\n\
             required_claims = {{ groups = \"coders\", site = [\"north\", \"south\"] }}\naccept_acr = [\"2\"]\naccept_amr = [\"otp\"]\n\
             authority = \"/ca.pem\"\nonly = true\n"
        );
        let all = read(&text).expect("can be used").expect("a provider");
        assert_eq!(all.client_secret.as_deref(), Some(Path::new("/etc/abstractor/secret")));
        assert_eq!(all.authority.as_deref(), Some(Path::new("/ca.pem")));
        assert_eq!(
            (all.required_claims["groups"].as_slice(), all.required_claims["site"].len()),
            (&["coders".to_owned()][..], 2)
        );
        assert!(all.is_only && all.user_claim == "upn" && all.user_suffix == "@a.example");
        assert_eq!((all.accept_acr, all.accept_amr), (vec!["2".to_owned()], vec!["otp".to_owned()]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, named) in [
            ("[sign_in.oidc]\nissuer = \"https://idp.example\"\n".to_owned(), "client_id"),
            (NEEDED.replace("https://", "http://"), "issuer"),
            (format!("{NEEDED}scopes = [\"profile\"]\n"), "scopes"),
            (format!("{NEEDED}user_claim = \"\"\n"), "user_claim"),
            (format!("{NEEDED}required_claims = {{ groups = [] }}\n"), "required_claims"),
            (format!("{NEEDED}client_secret = \"s\"\n"), "client_secret"),
        ] {
            let message = read(&text).expect_err(&text);
            assert!(message.contains(named), "{text}: {message}");
        }
    }
}
