//! Access tokens: JSON Web Tokens (RFC 7519), signed by the service.

use std::{collections::HashMap, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    hmac::{self, ALGORITHM},
    recent::Recent,
};
use crate::{
    config::{AppEnv, Config, Env},
    error::Cause,
};

/// As long as the hash (RFC 7518, 3.2).
const MIN_KEY_BYTES: usize = 32;

/// Signs access tokens with the first key, and verifies them with any key.
pub struct Tokens {
    header: Header,
    signing: EncodingKey,
    verifying: HashMap<String, DecodingKey>,
    validation: Validation,
    issuer: String,
    ttl: Duration,
    /// A signature is checked once, and not with every request of a client.
    verified: Recent<String, Known>,
}

/// What is known of a verified token.
#[derive(Clone, Copy)]
struct Known {
    /// What it says; `None` once its session has ended.
    identity: Option<Identity>,
    /// The last second in which it is valid.
    last: i64,
}

/// The account and the session of a token. The role is not in it: it may change while the token is
/// valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// ID of the account.
    pub account: Uuid,
    /// Session of the token.
    pub session: Uuid,
}

/// Registered claims (RFC 7519, 4.1), and the session (`sid`, as `OpenID` has it).
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    sid: Uuid,
    nbf: i64,
    exp: i64,
    jti: Uuid,
}

impl Tokens {
    /// Tokens of `issuer`, each valid for `ttl` at most, with `leeway` for differences between clocks.
    pub fn new(
        keys: &SecretString,
        issuer: &str,
        leeway: Duration,
        ttl: Duration,
    ) -> Result<Self, Cause> {
        hmac::install();
        let keys = parse(keys)?;
        let (kid, key) = keys.first().ok_or("no key")?;
        let mut validation = Validation::new(ALGORITHM);
        validation.leeway = leeway.as_secs();
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[issuer]);
        Ok(Self {
            header: Header { kid: Some(kid.clone()), ..Header::new(ALGORITHM) },
            signing: EncodingKey::from_secret(key),
            verifying: keys
                .iter()
                .map(|(kid, key)| (kid.clone(), DecodingKey::from_secret(key)))
                .collect(),
            validation,
            issuer: issuer.to_owned(),
            ttl,
            verified: Recent::default(),
        })
    }

    /// A token for an account, valid from `now` and no longer than its session, and the time for which
    /// it is valid.
    pub fn issue(
        &self,
        identity: Identity,
        now: DateTime<Utc>,
        session_ends: DateTime<Utc>,
    ) -> Result<(String, Duration), Cause> {
        let left = (session_ends - now).to_std().unwrap_or_default();
        let ttl = self.ttl.min(left);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.issuer.clone(),
            sub: identity.account,
            sid: identity.session,
            nbf: now.timestamp(),
            exp: (now + ttl).timestamp(),
            jti: Uuid::now_v7(),
        };
        Ok((jsonwebtoken::encode(&self.header, &claims, &self.signing)?, ttl))
    }

    /// What a token says; `None` for a token of another issuer, or one that is not valid now.
    pub fn verify(&self, token: &str) -> Option<Identity> {
        let now = Utc::now().timestamp();
        if let Some(known) = self.known(token, now) {
            return known.identity;
        }
        let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
        let key = self.verifying.get(&kid)?;
        let Claims { sub, sid, exp, .. } =
            jsonwebtoken::decode(token, key, &self.validation).ok()?.claims;
        let identity = Identity { account: sub, session: sid };
        let last = exp.saturating_add_unsigned(self.validation.leeway);
        self.verified.keep(token.to_owned(), Known { identity: Some(identity), last });
        Some(identity)
    }

    fn known(&self, token: &str, now: i64) -> Option<Known> {
        self.verified.get(token).filter(|known| now <= known.last)
    }

    /// The session of a verified token has ended: from now on, the token is not valid.
    pub fn refuse(&self, token: &str) {
        if let Some(known) = self.verified.lock().get_mut(token) {
            known.identity = None;
        }
    }
}

/// The signing keys of the settings; without any, as only development can be, a key of this process.
pub fn keys(config: &Config) -> Result<SecretString, Cause> {
    if let Some(keys) = &config.auth_signing_keys {
        return Ok(keys.clone());
    }
    tracing::warn!("AUTH_SIGNING_KEYS is not set: no other process accepts the tokens of this one");
    let mut key = [0; MIN_KEY_BYTES];
    SystemRandom::new().fill(&mut key)?;
    Ok(format!("dev:{}", BASE64_STANDARD.encode(key)).into())
}

/// `kid:base64,kid:base64`, the signing key first.
fn parse(keys: &SecretString) -> Result<Vec<(String, Vec<u8>)>, &'static str> {
    const FORM: &str = "must be kid:key,kid:key with keys in base64";
    let mut parsed: Vec<(String, Vec<u8>)> = Vec::new();
    for pair in keys.expose_secret().split(',') {
        let (kid, key) = pair.trim().split_once(':').ok_or(FORM)?;
        let key = BASE64_STANDARD.decode(key).map_err(|_| FORM)?;
        if kid.is_empty() || parsed.iter().any(|(other, _)| other == kid) {
            return Err("must give each key a unique name");
        }
        if key.len() < MIN_KEY_BYTES {
            return Err("must hold keys of at least 32 bytes");
        }
        parsed.push((kid.to_owned(), key));
    }
    Ok(parsed)
}

/// Checks the signing keys.
pub fn check(config: &Config, env: &mut Env) {
    let Some(keys) = &config.auth_signing_keys else {
        // Reported as missing already, or drawn later.
        return;
    };
    match parse(keys) {
        Err(why) => env.fault("AUTH_SIGNING_KEYS", why),
        Ok(keys) if config.app_env == AppEnv::Production && keys.iter().any(is_published) => {
            env.fault("AUTH_SIGNING_KEYS", "holds a key that is published in the template");
        }
        Ok(_) => {}
    }
}

/// Whether a key is one that the template has published, under any name.
fn is_published((_, key): &(String, Vec<u8>)) -> bool {
    key == b"development-development-development"
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;

    const OLD: &str = "b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2w=";
    const NEW: &str = "bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmU=";

    fn tokens(keys: &str) -> Tokens {
        let (leeway, ttl) = (Duration::from_secs(5), Duration::from_mins(15));
        Tokens::new(&keys.into(), "demo", leeway, ttl).unwrap()
    }

    /// A token of a session that does not end soon.
    fn issue(tokens: &Tokens, identity: Identity, now: DateTime<Utc>) -> String {
        tokens.issue(identity, now, now + TimeDelta::days(7)).unwrap().0
    }

    fn identity() -> Identity {
        Identity { account: Uuid::now_v7(), session: Uuid::now_v7() }
    }

    #[test]
    fn a_token_identifies_its_account() {
        let (tokens, user) = (tokens(&format!("new:{NEW}")), identity());
        let token = issue(&tokens, user, Utc::now());
        assert_eq!(tokens.verify(&token), Some(user));
    }

    #[test]
    fn no_token_outlives_its_session() {
        let (tokens, now) = (tokens(&format!("new:{NEW}")), Utc::now());
        let (in_a_minute, past) = (now + TimeDelta::minutes(1), now - TimeDelta::minutes(1));
        let later = now + TimeDelta::days(7);
        for (ends, valid_for) in [(in_a_minute, 60_u32), (later, 900), (past, 0)] {
            let (token, ttl) = tokens.issue(identity(), now, ends).unwrap();
            assert_eq!(ttl.as_secs(), u64::from(valid_for));
            let claims: Claims = jsonwebtoken::dangerous::insecure_decode(&token).unwrap().claims;
            assert_eq!(claims.exp, now.timestamp() + i64::from(valid_for));
        }
    }

    #[test]
    fn clocks_may_differ_by_at_most_the_leeway() {
        let (tokens, user) = (tokens(&format!("new:{NEW}")), identity());
        let good = |skew: TimeDelta| {
            let token = issue(&tokens, user, Utc::now() + skew);
            tokens.verify(&token).is_some()
        };
        assert!(good(TimeDelta::seconds(3)));
        assert!(!good(TimeDelta::seconds(60)), "not yet");
        assert!(good(-TimeDelta::minutes(15) + TimeDelta::seconds(60)));
        assert!(!good(-TimeDelta::minutes(16)), "no longer");
    }

    #[test]
    fn a_verified_token_is_refused_once_it_has_expired_or_is_altered() {
        let (tokens, user) = (tokens(&format!("new:{NEW}")), identity());
        let token = issue(&tokens, user, Utc::now());
        assert_eq!(tokens.verify(&token), Some(user));
        let claims: Claims = jsonwebtoken::dangerous::insecure_decode(&token).unwrap().claims;
        let known = |second| tokens.known(&token, second).is_some();
        assert!(known(claims.exp + 5), "within the leeway");
        assert!(!known(claims.exp + 6));
        let (unsigned, _) = token.rsplit_once('.').unwrap();
        for altered in [format!("{unsigned}."), format!("{token}A"), token.to_uppercase()] {
            assert_eq!(tokens.verify(&altered), None);
        }
        tokens.refuse(&token);
        assert_eq!(tokens.verify(&token), None);
    }

    #[test]
    fn no_token_that_is_refused_is_kept() {
        let tokens = tokens(&format!("new:{NEW}"));
        assert!(tokens.verify("a.b.c").is_none() && tokens.verified.lock().is_empty());
    }

    #[test]
    fn a_rotated_key_still_verifies_tokens() {
        let token = issue(&tokens(&format!("old:{OLD}")), identity(), Utc::now());
        assert!(tokens(&format!("new:{NEW},old:{OLD}")).verify(&token).is_some());
        assert!(tokens(&format!("new:{NEW}")).verify(&token).is_none());
        assert!(tokens(&format!("old:{NEW}")).verify(&token).is_none(), "another key of that name");
    }

    #[test]
    fn the_algorithm_in_a_token_is_ignored() {
        let tokens = tokens(&format!("new:{NEW}"));
        let token = issue(&tokens, identity(), Utc::now());
        let [_, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else {
            panic!("three parts");
        };
        for alg in ["none", "HS384", "RS256"] {
            let header = json!({"alg": alg, "typ": "JWT", "kid": "new"}).to_string();
            let header = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(header);
            assert!(tokens.verify(&format!("{header}.{claims}.{signature}")).is_none(), "{alg}");
            assert!(tokens.verify(&format!("{header}.{claims}.")).is_none(), "{alg}, unsigned");
        }
    }

    #[test]
    fn tokens_with_wrong_or_missing_claims_are_refused() {
        let key = EncodingKey::from_base64_secret(NEW).unwrap();
        let header = Header { kid: Some("new".to_owned()), ..Header::new(ALGORITHM) };
        let now = Utc::now().timestamp();
        let claims = json!({"iss": "demo", "aud": "demo", "sub": Uuid::nil(), "sid": Uuid::nil(),
            "nbf": now, "exp": now + 60, "jti": Uuid::nil()});
        let tokens = tokens(&format!("new:{NEW}"));
        let verify = |claims: &serde_json::Value| {
            let token = jsonwebtoken::encode(&header, claims, &key).unwrap();
            tokens.verify(&token).is_some()
        };
        assert!(verify(&claims));
        for (claim, other) in [("iss", "another"), ("aud", "another")] {
            let mut claims = claims.clone();
            claims[claim] = other.into();
            assert!(!verify(&claims), "{claim}");
        }
        for claim in ["iss", "aud", "sub", "exp", "nbf", "sid"] {
            let mut claims = claims.clone();
            claims.as_object_mut().unwrap().remove(claim);
            assert!(!verify(&claims), "without {claim}");
        }
    }

    #[test]
    fn keys_need_a_name_and_a_minimum_length() {
        for bad in [
            "",
            "new",
            "new:",
            "new:c2hvcnQ=",
            "new:!",
            &format!(":{NEW}"),
            &format!("a:{NEW},a:{OLD}"),
        ] {
            assert!(parse(&bad.into()).is_err(), "{bad}");
        }
        assert!(parse(&format!("a:{NEW}, b:{OLD}").into()).is_ok());
    }
}
