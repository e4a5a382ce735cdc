//! Who may speak to the API server: an authority for client certificates, a signer of service account tokens, and
//! kubeconfigs for both.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use eyre::{Context as _, Result, eyre};
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

/// The issuer that the API server is started with.
pub const ISSUER: &str = "https://kubernetes.default.svc";

/// Seconds for which the API server takes a token after its end, for clocks that differ (found on 1.36.3).
const LEEWAY: i64 = 60;

/// The authority behind client certificates (`ca.crt`), and the key behind service account tokens (`sa.key`, `sa.pub`).
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    tokens: EcdsaKeyPair,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl Authority {
    /// Makes both and writes what the API server reads into the folder.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn found(folder: &Path) -> Result<Authority> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "pilothouse-test-ca");
        let key = KeyPair::generate()?;
        std::fs::write(folder.join("ca.crt"), params.self_signed(&key)?.pem())?;
        let signer = KeyPair::generate()?;
        std::fs::write(folder.join("sa.key"), signer.serialize_pem())?;
        std::fs::write(folder.join("sa.pub"), signer.public_key_pem())?;
        let tokens = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &signer.serialize_der(),
            &SystemRandom::new(),
        )
        .map_err(|error| eyre!("the key for tokens: {error}"))?;
        Ok(Authority { issuer: Issuer::new(params, key), tokens })
    }

    /// Certificate and key (PEM) of a person by that name in those groups.
    ///
    /// # Errors
    /// When the name cannot stand in a certificate.
    pub fn certificate(&self, name: &str, groups: &[&str]) -> Result<(String, String)> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        for group in groups {
            params.distinguished_name.push(DnType::OrganizationName, *group);
        }
        params.extended_key_usages.push(rcgen::ExtendedKeyUsagePurpose::ClientAuth);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    /// A token of a service account that the API server takes for so long from now, and up to ten seconds more when it
    /// remembers it. The API server itself gives none for less than ten minutes.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token(&self, namespace: &str, name: &str, uid: &str, good_for: Duration) -> Result<String> {
        let now = Timestamp::now().as_second();
        let end = now + i64::try_from(good_for.as_secs())? - LEEWAY;
        let claims = json!({
            "iss": ISSUER, "aud": [ISSUER], "sub": format!("system:serviceaccount:{namespace}:{name}"),
            "iat": now - 2 * LEEWAY, "nbf": now - 2 * LEEWAY, "exp": end,
            "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid}},
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&json!({"alg": "ES256", "typ": "JWT"})), part(&claims));
        let signature = self
            .tokens
            .sign(&SystemRandom::new(), text.as_bytes())
            .map_err(|error| eyre!("cannot sign a token: {error}"))?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// What a kubeconfig's user shows the server.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A bearer token.
    Token(String),
    /// A file with the token, read anew by clients.
    TokenFile(PathBuf),
    /// Certificate and key, PEM.
    Certificate(String, String),
    /// A plugin and its arguments.
    Exec(Vec<String>),
}

/// A kubeconfig with one context, as JSON, which is YAML too.
pub fn kubeconfig(
    name: &str,
    server: &str,
    authority: Option<&Path>,
    namespace: Option<&str>,
    credentials: &Credentials,
) -> Value {
    let mut cluster = json!({"server": server});
    if let Some(authority) = authority {
        cluster["certificate-authority"] = json!(authority);
    }
    let user = match credentials {
        Credentials::Token(token) => json!({"token": token}),
        Credentials::TokenFile(file) => json!({"tokenFile": file}),
        Credentials::Certificate(certificate, key) => json!({
            "client-certificate-data": STANDARD.encode(certificate), "client-key-data": STANDARD.encode(key),
        }),
        Credentials::Exec(words) => json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "IfAvailable",
            "command": words.first(), "args": words.get(1..),
        }}),
    };
    let mut context = json!({"cluster": name, "user": name});
    if let Some(namespace) = namespace {
        context["namespace"] = json!(namespace);
    }
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": name,
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": context}],
    })
}

/// Writes a kubeconfig for its owner alone.
///
/// # Errors
/// When the file cannot be written.
pub fn write(file: &Path, kubeconfig: &Value) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(file, kubeconfig.to_string())
        .wrap_err_with(|| format!("cannot write {}", file.display()))?;
    Ok(std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))?)
}
