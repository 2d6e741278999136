//! Signatures of modules: Ed25519 over [`booster_core::modules::statement`].

use std::path::Path;

use booster_core::config::ConfigError;
use booster_core::digest::hex;
use booster_core::{Config, ModuleError, ModuleVersion};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};

/// What stands before the 32 bytes of an Ed25519 public key in its DER form (RFC 8410, section 4).
const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// Bytes of an Ed25519 public key.
const KEY_BYTES: usize = 32;
/// Most trusted keys.
const MAX_KEYS: usize = 64;
/// Largest key file, bytes.
const MAX_FILE: u64 = 256 * 1024;

/// The keys whose signatures admit a module.
#[derive(Debug, Clone)]
pub struct TrustedKeys(Vec<Vec<u8>>);

impl TrustedKeys {
    /// The keys of `modules.trustedKeys`; `None` when that is empty, so that every module is admitted.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] when the file cannot be read or is no list of Ed25519 public keys.
    pub fn configured(config: &Config) -> Result<Option<Self>, ConfigError> {
        let path = &config.modules.trusted_keys;
        if path.is_empty() {
            return Ok(None);
        }
        Self::read(path.as_ref()).map(Some).map_err(|detail| ConfigError::Invalid {
            key: "modules.trustedKeys".into(),
            source_name: "the configuration".into(),
            found: path.clone(),
            expected: format!("a PEM file with 1 to {MAX_KEYS} Ed25519 public keys ({detail})"),
        })
    }

    fn read(path: &Path) -> Result<Self, String> {
        let pem = read_file(path)?;
        let mut keys = Vec::new();
        for key in SubjectPublicKeyInfoDer::pem_slice_iter(&pem) {
            let der = key.map_err(|error| error.to_string())?;
            let raw = der.strip_prefix(&ED25519_SPKI).filter(|raw| raw.len() == KEY_BYTES);
            keys.push(raw.ok_or("one of its keys is no Ed25519 key")?.to_vec());
        }
        match keys.len() {
            1..=MAX_KEYS => Ok(Self(keys)),
            count => Err(format!("it has {count} public keys")),
        }
    }

    /// Checks that one of the keys has signed this version.
    ///
    /// # Errors
    /// [`ModuleError::Untrusted`].
    pub fn verify(&self, reference: &str, version: &ModuleVersion) -> Result<(), ModuleError> {
        let untrusted = |detail| ModuleError::Untrusted { reference: reference.to_owned(), detail };
        let Some(signature) = &version.signature else { return Err(untrusted("is not signed")) };
        let bytes = unhex(signature).ok_or_else(|| untrusted("has a signature that is not hexadecimal"))?;
        let statement = version.statement(reference);
        let is_good = |key: &Vec<u8>| {
            UnparsedPublicKey::new(&ED25519, key).verify(statement.as_bytes(), &bytes).is_ok()
        };
        if self.0.iter().any(is_good) { Ok(()) } else { Err(untrusted("has a signature of no trusted key")) }
    }
}

/// A key that signs modules.
pub struct Signer(Ed25519KeyPair);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// The private key of a PEM file (PKCS #8, as `openssl genpkey -algorithm ed25519` makes it).
    ///
    /// # Errors
    /// [`ModuleError::Key`] when the file cannot be read or holds no such key.
    pub fn from_file(path: &Path) -> Result<Self, ModuleError> {
        let wrong = |detail: String| ModuleError::Key { path: path.display().to_string(), detail };
        let pem = read_file(path).map_err(wrong)?;
        let expected = "expected a PEM file with an Ed25519 private key (PKCS #8)";
        let der = PrivatePkcs8KeyDer::from_pem_slice(&pem)
            .map_err(|error| wrong(format!("{error}; {expected}")))?;
        // OpenSSL leaves the public key out, so there is nothing to compare the private one with.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der());
        pair.map(Self).map_err(|error| wrong(format!("{error}; {expected}")))
    }

    /// The signature of a statement, in hexadecimal.
    pub(crate) fn sign(&self, statement: &str) -> String {
        hex(self.0.sign(statement.as_bytes()))
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > MAX_FILE {
        return Err(format!("{size} bytes; at most {MAX_FILE} are read"));
    }
    std::fs::read(path).map_err(|error| error.to_string())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let is_hex = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let pair = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).ok();
    is_hex.then(|| (0..text.len()).step_by(2).map(pair).collect::<Option<_>>()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    /// A new key: private and public, each as PEM.
    fn key() -> (String, String) {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        (pair.serialize_pem(), pair.public_key_pem())
    }

    fn version(signature: Option<String>) -> ModuleVersion {
        ModuleVersion {
            digest: "a".repeat(64),
            size: 1,
            stored_size: 1,
            pushed_at: 1,
            signature,
            manifest: RawValue::from_string("{}".into()).unwrap(),
        }
    }

    #[test]
    fn only_what_a_trusted_key_signed_is_admitted() {
        let ((private, public), (_, other)) = (key(), key());
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let signer = Signer::from_file(&file("key.pem", &private)).unwrap();
        let signature = signer.sign(&version(None).statement("m@1.0.0"));
        let trusted = TrustedKeys::read(&file("keys.pem", &format!("{other}\n{public}"))).unwrap();
        let signed = version(Some(signature.clone()));
        trusted.verify("m@1.0.0", &signed).unwrap();
        let code = |reference: &str, signature: Option<String>| {
            trusted.verify(reference, &version(signature)).unwrap_err().code()
        };
        assert_eq!(code("m@1.0.1", Some(signature.clone())), "module_untrusted");
        assert_eq!(code("m@1.0.0", None), "module_untrusted");
        assert_eq!(code("m@1.0.0", Some("zz".into())), "module_untrusted");
        assert_eq!(code("m@1.0.0", Some("é".into())), "module_untrusted");
        let others = TrustedKeys::read(&file("other.pem", &other)).unwrap();
        assert!(others.verify("m@1.0.0", &signed).is_err());
    }

    #[test]
    fn a_file_without_keys_is_refused() {
        let (private, public) = key();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.pem");
        for text in ["", "nonsense", &private, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"]
        {
            std::fs::write(&path, text).unwrap();
            assert!(TrustedKeys::read(&path).is_err(), "{text}");
        }
        let mut config = Config::default();
        assert!(TrustedKeys::configured(&config).unwrap().is_none());
        config.modules.trusted_keys = path.display().to_string();
        let error = TrustedKeys::configured(&config).unwrap_err().to_string();
        assert!(error.contains("modules.trustedKeys") && error.contains("keys.pem"), "{error}");
        std::fs::write(&path, public).unwrap();
        assert_eq!(Signer::from_file(&path).unwrap_err().code(), "module_key_invalid");
    }
}
