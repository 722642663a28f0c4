//! Sign-in with the hospital's own OpenID provider (Keycloak, Entra ID, AD FS): authorization code flow with PKCE, state and nonce.
//!
//! - `attempt` is what the browser carries meanwhile, sealed.
//! - `provider` is what is asked of the provider: its description, its keys, a token for a code. Nothing is asked before somebody signs in.
//! - `id_token` is what a token must be before anything of it is believed.
//!
//! What comes out is a login name. Which user that is, and what they may do, is the business of our own tables: nobody is made by signing in.
//!
//! Why not a library for the whole of it? The one there is brings its own signatures over a crate with a known weakness in time, and dates and
//! random numbers of its own, for three requests. Signatures are verified by what verifies those of SMART clients, requests are made by what
//! sends webhooks.

mod attempt;
mod id_token;
mod provider;

use std::{collections::BTreeMap, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::Deserialize;
use thiserror::Error;
use zeroize::Zeroizing;

pub use attempt::Attempt;
pub use id_token::IdTokenProblem;
pub use provider::is_secure_address;

use self::{
    id_token::Expected,
    provider::{Asked, Description, Provider},
};
use crate::interop::fhir::percent_encoded;

/// The longest code of a provider.
const LONGEST_CODE: usize = 8_192;

/// A provider, as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Its address: what its tokens say they are from.
    pub issuer: String,
    /// What it knows this service by.
    pub client_id: String,
    /// File with the secret that both know; a public client has none.
    pub client_secret: Option<PathBuf>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The claim that is a login name.
    pub user_claim: String,
    /// What stands behind the login name in it.
    pub user_suffix: String,
    /// Claims that must have, or be lists with, one of these values.
    pub required_claims: BTreeMap<String, Vec<String>>,
    /// Classes of authentication of which one is needed; any when empty.
    pub accept_acr: Vec<String>,
    /// Methods of authentication of which one is needed; any when empty.
    pub accept_amr: Vec<String>,
    /// Who signs the provider's certificate, as PEM; those whom the machine trusts when left out.
    pub authority: Option<PathBuf>,
    /// Whether nobody signs in otherwise, but by a one-time code.
    pub is_only: bool,
}

/// Why the provider cannot be used as it is configured.
#[derive(Debug, Error)]
pub enum SetUpError {
    /// A file cannot be read, or holds something else.
    #[error("cannot read {what} of [sign_in.oidc] from {}: see that it is there, not empty, and that this program may read it", .file.display())]
    File {
        /// What it should hold.
        what: &'static str,
        /// The file.
        file: PathBuf,
    },
}

/// Why nobody is signed in. None of it quotes what the provider or the browser said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignInProblem {
    /// The browser did not begin here, or its cookie is not one of ours.
    #[error("the browser brings no attempt that was begun here")]
    NoAttempt,
    /// It took too long.
    #[error("the attempt was begun more than ten minutes ago")]
    Expired,
    /// The answer belongs to another attempt.
    #[error("the answer belongs to another attempt: somebody may have tried to sign a browser in by a forged link")]
    WrongState,
    /// The same answer again.
    #[error("this attempt was used before")]
    Used,
    /// Another provider answers.
    #[error("the answer is from another provider")]
    WrongIssuer,
    /// The provider says no.
    #[error("the provider did not let the user in")]
    Refused,
    /// It says neither yes nor no.
    #[error("the answer has no code")]
    NoCode,
    /// It cannot be reached, or fails.
    #[error("the provider cannot be reached; see that it runs, and that its name and certificate are right")]
    Unreachable,
    /// Its answer is not what the protocol says.
    #[error("the provider answers something else than OpenID Connect; see that issuer is right")]
    Answer,
    /// It cannot do what is needed.
    #[error("the provider says that it takes no PKCE with S256")]
    NoPkce,
    /// It gives no token for the code.
    #[error("the provider gives no token for the code; see that client_id, its secret and its redirect address are right")]
    CodeRefused,
    /// Its token is not believed.
    #[error("the provider's token is not believed: {0}")]
    Token(IdTokenProblem),
    /// A required claim is missing.
    #[error("the user lacks a claim that required_claims asks for")]
    Claim,
    /// No second factor.
    #[error("the user did not authenticate as accept_acr or accept_amr ask for")]
    SecondFactor,
    /// No login name.
    #[error("the token has no user_claim with user_suffix")]
    NoUserClaim,
}

impl SignInProblem {
    /// A stable word, for the audit trail and the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoAttempt => "no_attempt",
            Self::Expired => "expired",
            Self::WrongState => "wrong_state",
            Self::Used => "used",
            Self::WrongIssuer => "wrong_issuer",
            Self::Refused => "refused_by_provider",
            Self::NoCode => "no_code",
            Self::Unreachable => "provider_unreachable",
            Self::Answer => "provider_answer",
            Self::NoPkce => "no_pkce",
            Self::CodeRefused => "code_refused",
            Self::Token(problem) => problem.word(),
            Self::Claim => "claim_missing",
            Self::SecondFactor => "second_factor_missing",
            Self::NoUserClaim => "no_user_claim",
        }
    }
}

/// What the provider sends the browser back with.
#[derive(Default, Deserialize)]
pub struct Callback {
    code: Option<String>,
    /// The state of the attempt.
    #[serde(default)]
    pub state: String,
    iss: Option<String>,
    error: Option<String>,
}

/// This service, as the provider knows it.
pub struct RelyingParty {
    settings: Settings,
    provider: Provider,
    secret: Option<Zeroizing<String>>,
}

impl RelyingParty {
    /// Reads the files that the settings name. The provider is not asked yet: it may be away when the service starts.
    ///
    /// # Errors
    /// [`SetUpError`].
    pub fn new(settings: Settings) -> Result<Self, SetUpError> {
        let secret = settings.client_secret.as_ref().map(|file| {
            let unreadable = || SetUpError::File { what: "client_secret_file", file: file.clone() };
            let text = Zeroizing::new(std::fs::read_to_string(file).map_err(|_| unreadable())?);
            let secret = text.trim();
            if secret.is_empty() { Err(unreadable()) } else { Ok(Zeroizing::new(secret.to_owned())) }
        });
        let provider = Provider::new(settings.issuer.clone(), settings.authority.as_deref())?;
        Ok(Self { provider, secret: secret.transpose()?, settings })
    }

    /// What it asks of everybody: twice where the site names what it must have asked for.
    #[must_use]
    pub const fn proved_twice(&self) -> bool {
        !self.settings.accept_acr.is_empty() || !self.settings.accept_amr.is_empty()
    }

    /// Whether nobody signs in otherwise, but by a one-time code.
    #[must_use]
    pub const fn is_only(&self) -> bool {
        self.settings.is_only
    }

    /// Where the browser begins an attempt.
    ///
    /// # Errors
    /// When the provider cannot be asked where that is.
    pub async fn begin(&self, attempt: &Attempt, now: Timestamp) -> Result<String, SignInProblem> {
        let description = self.provider.description(now).await?;
        if !description.takes_pkce() {
            return Err(SignInProblem::NoPkce);
        }
        let settings = &self.settings;
        let (scope, acr) = (settings.scopes.join(" "), settings.accept_acr.join(" "));
        let challenge = attempt.challenge();
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", &settings.client_id),
            ("redirect_uri", attempt.redirect()),
            ("scope", &scope),
            ("state", attempt.state()),
            ("nonce", attempt.nonce()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        if !acr.is_empty() {
            parameters.push(("acr_values", &acr));
        }
        Ok(with_parameters(&description.authorization_endpoint, &parameters))
    }

    /// The login name of who the provider let in, after an attempt that is known to be the browser's own.
    ///
    /// # Errors
    /// [`SignInProblem`].
    pub async fn finish(&self, attempt: &Attempt, callback: &Callback, now: Timestamp) -> Result<String, SignInProblem> {
        let description = self.provider.description(now).await?;
        let is_told = callback.iss.is_some() || description.authorization_response_iss_parameter_supported;
        if is_told && callback.iss.as_deref() != Some(&self.settings.issuer) {
            return Err(SignInProblem::WrongIssuer);
        }
        if callback.error.is_some() {
            return Err(SignInProblem::Refused);
        }
        let code = callback.code.as_deref().filter(|code| (1..=LONGEST_CODE).contains(&code.len()));
        let code = code.ok_or(SignInProblem::NoCode)?;
        let token = self.exchange(&description, attempt, code).await?;
        let expected = Expected { issuer: &self.settings.issuer, client_id: &self.settings.client_id, nonce: attempt.nonce() };
        let keys = self.provider.keys(&description, now).await?;
        let claims = match id_token::verify(&token, &keys, &expected, now) {
            // a provider that signs with a new key has it in its set by now
            Err(IdTokenProblem::Key) => {
                let keys = self.provider.new_keys(&description, now).await?;
                id_token::verify(&token, &keys, &expected, now)
            }
            verified => verified,
        };
        id_token::user_of(&claims.map_err(SignInProblem::Token)?, &self.settings)
    }

    /// Where a browser signs out at the provider, when it has such a place. Our own session has ended by then; the provider asks the user
    /// itself, since no token of its is kept here that would say who it is.
    ///
    /// # Errors
    /// When the provider cannot be asked.
    pub async fn sign_out_address(&self, now: Timestamp) -> Result<Option<String>, SignInProblem> {
        let description = self.provider.description(now).await?;
        let client = [("client_id", self.settings.client_id.as_str())];
        Ok(description.end_session_endpoint.as_deref().map(|address| with_parameters(address, &client)))
    }

    /// The ID token for a code.
    async fn exchange(&self, description: &Description, attempt: &Attempt, code: &str) -> Result<String, SignInProblem> {
        #[derive(Deserialize)]
        struct Answer {
            id_token: String,
        }
        let (id, secret) = (&self.settings.client_id, self.secret.as_ref());
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", attempt.redirect().to_owned()),
            ("code_verifier", attempt.verifier().to_owned()),
        ];
        let mut authorization = None;
        match secret {
            Some(secret) if description.takes_basic() => {
                let both = Zeroizing::new(format!("{}:{}", percent_encoded(id), percent_encoded(secret)));
                authorization = Some(Zeroizing::new(format!("Basic {}", STANDARD.encode(both.as_bytes()))));
            }
            Some(secret) => form.extend([("client_id", id.clone()), ("client_secret", secret.to_string())]),
            None => form.push(("client_id", id.clone())),
        }
        let asked = Asked::Post { url: description.token_endpoint.clone(), form, authorization };
        let (status, body) = self.provider.ask(asked).await?;
        match status {
            200 => serde_json::from_slice::<Answer>(&body).map(|answer| answer.id_token).map_err(|_| SignInProblem::Answer),
            400..500 => Err(SignInProblem::CodeRefused),
            500.. => Err(SignInProblem::Unreachable),
            _ => Err(SignInProblem::Answer),
        }
    }
}

impl std::fmt::Debug for RelyingParty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RelyingParty(..)")
    }
}

/// An address, which may have parameters already, with these behind.
fn with_parameters(address: &str, parameters: &[(&str, &str)]) -> String {
    let parameters: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}{}", parameters.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_put_behind_those_of_the_provider() {
        let parameters = [("scope", "openid profile"), ("redirect_uri", "https://a.example/b?c=d&e")];
        let behind = "scope=openid%20profile&redirect_uri=https%3A%2F%2Fa.example%2Fb%3Fc%3Dd%26e";
        assert_eq!(with_parameters("https://idp.example/auth", &parameters), format!("https://idp.example/auth?{behind}"));
        assert_eq!(
            with_parameters("https://idp.example/auth?p=1", &parameters),
            format!("https://idp.example/auth?p=1&{behind}")
        );
    }

    #[test]
    fn a_secret_that_is_not_there_stops_the_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret");
        let settings = |secret, authority| Settings {
            issuer: "https://idp.example".to_owned(),
            client_id: "abstractor".to_owned(),
            client_secret: secret,
            scopes: vec!["openid".to_owned()],
            user_claim: "preferred_username".to_owned(),
            user_suffix: String::new(),
            required_claims: BTreeMap::new(),
            accept_acr: Vec::new(),
            accept_amr: Vec::new(),
            authority,
            is_only: false,
        };
        let told = |settings| RelyingParty::new(settings).expect_err("cannot be used").to_string();
        assert!(told(settings(Some(file.clone()), None)).contains("client_secret_file"));
        std::fs::write(&file, " \n").expect("is written");
        assert!(told(settings(Some(file.clone()), None)).contains("client_secret_file"));
        assert!(told(settings(None, Some(file.clone()))).contains("authority"));
        std::fs::write(&file, "secret\n").expect("is written");
        let party = RelyingParty::new(settings(Some(file), None)).expect("can be used");
        assert_eq!(party.secret.as_deref().map(String::as_str), Some("secret"));
        assert_eq!(format!("{party:?}"), "RelyingParty(..)");
    }
}
