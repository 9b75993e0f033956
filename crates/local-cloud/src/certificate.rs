//! A certificate authority of our own and the source database's certificate, so that TLS is verified here as it is
//! against Aurora.

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// PEM files of one server.
pub(crate) struct ServerCertificate {
    pub(crate) authority: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Makes an authority and, signed by it, a certificate for `localhost` and 127.0.0.1. The authority's key is not kept.
pub(crate) fn make_server_certificate(folder: &Path) -> anyhow::Result<ServerCertificate> {
    let authority_key = KeyPair::generate()?;
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, "rental-local authority");
    let authority_pem = authority.self_signed(&authority_key)?.pem();

    let server_key = KeyPair::generate()?;
    let mut server = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    server.distinguished_name.push(DnType::CommonName, "localhost");
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let server_pem = server.signed_by(&server_key, &Issuer::new(authority, authority_key))?.pem();

    let write = |name: &str, text: &str, mode| -> anyhow::Result<PathBuf> {
        let path = folder.join(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(mode);
        let written = options.open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.with_context(|| format!("write {}", path.display()))?;
        Ok(path)
    };
    Ok(ServerCertificate {
        authority: write("authority.pem", &authority_pem, 0o644)?,
        certificate: write("server.pem", &server_pem, 0o644)?,
        // The server runs as the user that writes it.
        key: write("server.key", &server_key.serialize_pem(), 0o600)?,
    })
}
