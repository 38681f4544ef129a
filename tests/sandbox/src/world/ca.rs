//! The sandbox's certificate authority, new at every start.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

/// A certificate authority that makes a certificate for any host it is asked for.
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    configs: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

impl Authority {
    /// A new authority with a key of its own.
    ///
    /// # Errors
    /// No key could be made.
    pub fn new() -> anyhow::Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.distinguished_name.push(DnType::CommonName, "extoauth sandbox");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().context("key of the certificate authority")?;
        let pem = params.self_signed(&key).context("certificate of the authority")?.pem();
        Ok(Self { pem, issuer: Issuer::new(params, key), configs: Mutex::default() })
    }

    /// The authority's certificate.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The server side of TLS for this host name or IP address, HTTP/1.1 alone.
    ///
    /// # Errors
    /// The name is none that a certificate can hold.
    pub fn server(&self, host: &str) -> anyhow::Result<Arc<ServerConfig>> {
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = configs.get(host) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.leaf(&[host]).with_context(|| format!("certificate for {host}"))?);
        configs.insert(host.to_owned(), Arc::clone(&config));
        Ok(config)
    }

    /// The server side of TLS under all of these names and addresses, for a protocol that is not HTTP.
    ///
    /// # Errors
    /// As [`Authority::server`].
    pub fn server_of(&self, hosts: &[&str]) -> anyhow::Result<Arc<ServerConfig>> {
        let mut config = self.leaf(hosts).with_context(|| format!("certificate for {}", hosts.join(", ")))?;
        config.alpn_protocols.clear();
        Ok(Arc::new(config))
    }

    fn leaf(&self, hosts: &[&str]) -> anyhow::Result<ServerConfig> {
        let mut params = CertificateParams::new(hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>())?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, hosts.first().copied().unwrap_or_default());
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}
