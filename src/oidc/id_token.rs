//! What an ID token must be before anything of it is believed (OpenID Connect Core 3.1.3.7), and which login name it is then.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, jwk::Jwk};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{Settings, SignInProblem};
use crate::auth::jws::{self, SignedToken, TokenProblem};

/// What is taken. Never `none`, and never one whose key both sides know.
const ALGORITHMS: [Algorithm; 4] = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384];
/// How far two clocks may differ, in seconds.
const LEEWAY: i64 = 60;
/// How long ago a token may have been made, in seconds: it is fetched as soon as it is. One provider dates its tokens five minutes back.
const OLDEST: i64 = 600;
/// The longest token read: a user may be in hundreds of groups.
const LONGEST: usize = 131_072;

/// Why an ID token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IdTokenProblem {
    /// No token, or one without what each must have.
    #[error("it is no ID token")]
    Malformed,
    /// Another algorithm.
    #[error("it must be signed with RS256, PS256, ES256 or ES384")]
    Algorithm,
    /// No key of the provider's set.
    #[error("the provider's key set has no key that it may be signed with")]
    Key,
    /// The signature.
    #[error("its signature does not verify")]
    Signature,
    /// From somebody else.
    #[error("it is from another issuer")]
    Issuer,
    /// For somebody else.
    #[error("it is for another client")]
    Audience,
    /// Over.
    #[error("its time is over, by this machine's clock")]
    Expired,
    /// Made too long ago, or not yet.
    #[error("it was made too long ago or at a time that is still to come, by this machine's clock")]
    Issued,
    /// Of another attempt.
    #[error("it was made for another attempt")]
    Nonce,
}

impl IdTokenProblem {
    /// A stable word.
    #[must_use]
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::Algorithm => "token_algorithm",
            Self::Key => "token_key",
            Self::Signature => "token_signature",
            Self::Issuer => "token_issuer",
            Self::Audience => "token_audience",
            Self::Expired => "token_expired",
            Self::Issued => "token_issued",
            Self::Nonce => "token_nonce",
        }
    }
}

impl From<TokenProblem> for IdTokenProblem {
    fn from(problem: TokenProblem) -> Self {
        match problem {
            TokenProblem::Malformed => Self::Malformed,
            TokenProblem::Algorithm => Self::Algorithm,
            TokenProblem::UnknownKey => Self::Key,
            TokenProblem::Signature => Self::Signature,
        }
    }
}

/// What a token must be of.
pub(super) struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
}

/// What a token claims, when it is believed.
pub(super) fn verify(
    token: &str,
    keys: &[Jwk],
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Map<String, Value>, IdTokenProblem> {
    if token.len() > LONGEST {
        return Err(IdTokenProblem::Malformed);
    }
    let claims = SignedToken::read(token, &ALGORITHMS)?.verified(keys)?;
    check(&claims, expected, now.as_second())?;
    Ok(claims)
}

/// Holds the claims of a token that verified against what they must be.
fn check(claims: &Map<String, Value>, expected: &Expected<'_>, now: i64) -> Result<(), IdTokenProblem> {
    let text = |name: &str| jws::text(claims, name);
    let seconds = |name: &str| jws::seconds(claims, name);
    if text("iss").ok_or(IdTokenProblem::Malformed)? != expected.issuer {
        return Err(IdTokenProblem::Issuer);
    }
    let audience = jws::audience(claims).ok_or(IdTokenProblem::Malformed)?;
    // of several audiences, the one that asked for the token has to be named
    let party = claims.get("azp").map(|_| text("azp"));
    let is_party = match party {
        Some(party) => party == Some(expected.client_id),
        None => audience.len() == 1,
    };
    if !audience.contains(&expected.client_id) || !is_party {
        return Err(IdTokenProblem::Audience);
    }
    let (expires, issued) = seconds("exp").zip(seconds("iat")).ok_or(IdTokenProblem::Malformed)?;
    if now >= expires.saturating_add(LEEWAY) {
        return Err(IdTokenProblem::Expired);
    }
    let begins = if claims.contains_key("nbf") { seconds("nbf").ok_or(IdTokenProblem::Malformed)? } else { issued };
    let latest = now.saturating_add(LEEWAY);
    if issued > latest || begins > latest || issued < now.saturating_sub(OLDEST + LEEWAY) {
        return Err(IdTokenProblem::Issued);
    }
    // hashes are compared, so that the time it takes tells nothing
    let nonce = text("nonce").ok_or(IdTokenProblem::Nonce)?;
    if Sha256::digest(nonce) != Sha256::digest(expected.nonce) {
        return Err(IdTokenProblem::Nonce);
    }
    if text("sub").is_none_or(str::is_empty) {
        return Err(IdTokenProblem::Malformed);
    }
    Ok(())
}

/// The login name that the claims of a believed token are of.
pub(super) fn user_of(claims: &Map<String, Value>, settings: &Settings) -> Result<String, SignInProblem> {
    if !settings.required_claims.iter().all(|(name, values)| has_one_of(claims.get(name), values)) {
        return Err(SignInProblem::Claim);
    }
    let acr = settings.accept_acr.is_empty() || has_one_of(claims.get("acr"), &settings.accept_acr);
    let amr = settings.accept_amr.is_empty() || has_one_of(claims.get("amr"), &settings.accept_amr);
    if !acr || !amr {
        return Err(SignInProblem::SecondFactor);
    }
    let name = jws::text(claims, &settings.user_claim).and_then(|claim| claim.strip_suffix(settings.user_suffix.as_str()));
    // no login name has a NUL character, and PostgreSQL refuses to look for one
    let name = name.filter(|name| !name.is_empty() && !name.contains('\0'));
    name.map(str::to_owned).ok_or(SignInProblem::NoUserClaim)
}

/// Whether a claim is one of these words, or a list that holds one.
fn has_one_of(claim: Option<&Value>, words: &[String]) -> bool {
    let is_one = |value: &Value| value.as_str().is_some_and(|text| words.iter().any(|word| word == text));
    match claim {
        Some(Value::Array(several)) => several.iter().any(is_one),
        Some(one) => is_one(one),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_780_000_000;
    const EXPECTED: Expected<'_> = Expected { issuer: "https://idp.example", client_id: "abstractor", nonce: "n" };

    fn claims(change: &[(&str, Value)]) -> Map<String, Value> {
        let claims = json!({"iss": "https://idp.example", "sub": "1", "aud": "abstractor", "exp": NOW + 300, "iat": NOW,
            "nonce": "n", "preferred_username": "ada", "groups": ["coders", "staff"], "acr": "2", "amr": ["pwd", "otp"]});
        let Value::Object(mut claims) = claims else { unreachable!("an object") };
        for (name, value) in change {
            if value.is_null() {
                claims.remove(*name);
            } else {
                claims.insert((*name).to_owned(), value.clone());
            }
        }
        claims
    }

    #[test]
    fn what_is_believed() {
        for change in [
            vec![],
            vec![("aud", json!(["abstractor"]))],
            vec![("aud", json!(["abstractor", "other"])), ("azp", json!("abstractor"))],
            vec![("azp", json!("abstractor"))],
            vec![("exp", json!(NOW - 59))],
            vec![("iat", json!(NOW + 60)), ("nbf", json!(NOW + 60))],
            vec![("iat", json!(NOW - 660))],
        ] {
            assert_eq!(check(&claims(&change), &EXPECTED, NOW), Ok(()), "{change:?}");
        }
    }

    #[test]
    fn what_is_not_believed() {
        let none = Value::Null;
        for (change, problem) in [
            (vec![("iss", json!("https://idp.example/"))], IdTokenProblem::Issuer),
            (vec![("iss", none.clone())], IdTokenProblem::Malformed),
            (vec![("iss", json!(["https://idp.example"]))], IdTokenProblem::Malformed),
            (vec![("aud", json!("other"))], IdTokenProblem::Audience),
            (vec![("aud", json!([]))], IdTokenProblem::Audience),
            (vec![("aud", none.clone())], IdTokenProblem::Malformed),
            (vec![("aud", json!(["abstractor", "other"]))], IdTokenProblem::Audience),
            (vec![("aud", json!(["abstractor", "other"])), ("azp", json!("other"))], IdTokenProblem::Audience),
            (vec![("azp", json!("other"))], IdTokenProblem::Audience),
            (vec![("azp", json!(7))], IdTokenProblem::Audience),
            (vec![("exp", json!(NOW - 60))], IdTokenProblem::Expired),
            (vec![("exp", none.clone())], IdTokenProblem::Malformed),
            (vec![("exp", json!("tomorrow"))], IdTokenProblem::Malformed),
            (vec![("iat", json!(NOW + 61))], IdTokenProblem::Issued),
            (vec![("iat", json!(NOW - 661))], IdTokenProblem::Issued),
            (vec![("iat", none.clone())], IdTokenProblem::Malformed),
            (vec![("nbf", json!(NOW + 61))], IdTokenProblem::Issued),
            (vec![("nbf", json!("now"))], IdTokenProblem::Malformed),
            (vec![("nonce", json!("m"))], IdTokenProblem::Nonce),
            (vec![("nonce", none.clone())], IdTokenProblem::Nonce),
            (vec![("sub", none.clone())], IdTokenProblem::Malformed),
            (vec![("sub", json!(""))], IdTokenProblem::Malformed),
        ] {
            assert_eq!(check(&claims(&change), &EXPECTED, NOW), Err(problem), "{change:?}");
        }
    }

    fn settings() -> Settings {
        Settings {
            issuer: "https://idp.example".to_owned(),
            client_id: "abstractor".to_owned(),
            client_secret: None,
            scopes: vec!["openid".to_owned()],
            user_claim: "preferred_username".to_owned(),
            user_suffix: String::new(),
            required_claims: BTreeMap::new(),
            accept_acr: Vec::new(),
            accept_amr: Vec::new(),
            authority: None,
            is_only: false,
        }
    }

    #[test]
    fn a_login_name_is_the_claim_without_its_suffix() {
        let suffixed = Settings { user_suffix: "@hospital.example".to_owned(), ..settings() };
        let of = |settings: &Settings, name: Value| user_of(&claims(&[("preferred_username", name)]), settings);
        assert_eq!(of(&settings(), json!("ada")), Ok("ada".to_owned()));
        assert_eq!(of(&suffixed, json!("ada@hospital.example")), Ok("ada".to_owned()));
        for name in [json!("ada"), json!("ada@evil.example"), json!("@hospital.example"), json!(7), Value::Null] {
            assert_eq!(of(&suffixed, name.clone()), Err(SignInProblem::NoUserClaim), "{name}");
        }
        assert_eq!(of(&settings(), json!("")), Err(SignInProblem::NoUserClaim));
        assert_eq!(of(&settings(), json!("a\0")), Err(SignInProblem::NoUserClaim));
    }

    #[test]
    fn required_claims_and_second_factors() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let requiring =
            |values: &[&str]| Settings { required_claims: [("groups".to_owned(), words(values))].into(), ..settings() };
        let of = |settings: &Settings, change: &[(&str, Value)]| user_of(&claims(change), settings).err();
        assert_eq!(of(&requiring(&["coders"]), &[]), None);
        assert_eq!(of(&requiring(&["leads", "coders"]), &[]), None);
        assert_eq!(of(&requiring(&["coders"]), &[("groups", json!("coders"))]), None);
        for groups in [json!(["staff"]), json!("coders staff"), json!([["coders"]]), json!({"coders": true}), Value::Null] {
            assert_eq!(of(&requiring(&["coders"]), &[("groups", groups.clone())]), Some(SignInProblem::Claim), "{groups}");
        }
        let by_acr = Settings { accept_acr: words(&["2", "3"]), ..settings() };
        let by_amr = Settings { accept_amr: words(&["otp", "hwk"]), ..settings() };
        assert_eq!((of(&by_acr, &[]), of(&by_amr, &[])), (None, None));
        assert_eq!(of(&by_acr, &[("acr", json!("1"))]), Some(SignInProblem::SecondFactor));
        assert_eq!(of(&by_acr, &[("acr", Value::Null)]), Some(SignInProblem::SecondFactor));
        assert_eq!(of(&by_amr, &[("amr", json!(["pwd"]))]), Some(SignInProblem::SecondFactor));
    }
}
