//! Signatures of tokens: HMAC with SHA-256, by the library that TLS uses, too. The providers of
//! jsonwebtoken know every algorithm, and would be a second library of cryptography in the binary.

use jsonwebtoken::{
    Algorithm,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{ErrorKind, Result},
};
use ring::hmac::{self, HMAC_SHA256, Key};
use signature::{Error, Signer, Verifier};

/// The only accepted algorithm; the header of a token cannot select another (RFC 8725, 3.1).
pub const ALGORITHM: Algorithm = Algorithm::HS256;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| Ok(Box::new(Hmac::new(*algorithm, key.as_bytes())?)),
    verifier_factory: |algorithm, key| {
        Ok(Box::new(Hmac::new(*algorithm, key.try_get_as_bytes()?)?))
    },
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes this the provider of jsonwebtoken, for the process.
pub fn install() {
    // It fails when it is installed already.
    let _ = PROVIDER.install_default();
}

struct Hmac(Key);

impl Hmac {
    fn new(algorithm: Algorithm, key: &[u8]) -> Result<Self> {
        if algorithm == ALGORITHM {
            Ok(Self(Key::new(HMAC_SHA256, key)))
        } else {
            Err(ErrorKind::InvalidAlgorithm.into())
        }
    }
}

impl Signer<Vec<u8>> for Hmac {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hmac {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        hmac::verify(&self.0, message, signature).map_err(|_| Error::new())
    }
}

impl JwtSigner for Hmac {
    fn algorithm(&self) -> Algorithm {
        ALGORITHM
    }
}

impl JwtVerifier for Hmac {
    fn algorithm(&self) -> Algorithm {
        ALGORITHM
    }
}
