//! Whose word on the source's certificate is taken.

use crate::source_config::SslMode;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Amazon RDS's authorities of all regions; `certificates/README.md` tells where they are from.
const RDS_BUNDLE: &str = include_str!("../certificates/rds-global-bundle.pem");

/// Why a file names no authorities.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    #[error("read the authorities named by `RDS_SSL_CA`: `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the file named by `RDS_SSL_CA` has no certificate in PEM form that could be an authority's: `{}`", path.display())]
    NoCertificate { path: PathBuf },
}

/// The authorities to trust, in the forms that the two kinds of connections take.
#[derive(Debug)]
pub(crate) struct Authorities {
    /// For sqlx, which adds the system's authorities in every mode and cannot be told not to.
    pub(crate) pem: Vec<u8>,
    pub(crate) store: RootCertStore,
}

impl Authorities {
    /// Those of `ssl_ca` and no other. Without it Amazon RDS's, and the system's where the certificate's name is verified too:
    /// of a public authority anybody can have a certificate, for a name of their own.
    ///
    /// # Errors
    /// When `ssl_ca` cannot be read, holds none, or holds one that is broken.
    pub(crate) fn new(ssl_ca: Option<&Path>, ssl_mode: SslMode) -> Result<Self, AuthoritiesError> {
        let Some(path) = ssl_ca else {
            let pem = RDS_BUNDLE.as_bytes().to_vec();
            // That all of them are usable is tested below.
            let mut store = parsed(&pem).unwrap_or_else(RootCertStore::empty);
            match ssl_mode {
                SslMode::VerifyIdentity => {
                    let found = rustls_native_certs::load_native_certs();
                    for error in found.errors {
                        tracing::debug!(%error, "an authority of the system's cannot be read");
                    }
                    store.add_parsable_certificates(found.certs);
                }
                SslMode::VerifyCa | SslMode::Required | SslMode::Disabled => {}
            }
            return Ok(Self { pem, store });
        };
        let pem = std::fs::read(path).map_err(|source| AuthoritiesError::Read { path: path.to_owned(), source })?;
        let store = parsed(&pem).ok_or_else(|| AuthoritiesError::NoCertificate { path: path.to_owned() })?;
        Ok(Self { pem, store })
    }
}

/// All certificates of a text in PEM form, of which there must be one and none may be broken.
fn parsed(pem: &[u8]) -> Option<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        store.add(certificate.ok()?).ok()?;
    }
    (!store.is_empty()).then_some(store)
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::pem::Pem;

    #[test]
    fn the_authorities_of_rds_are_usable_and_valid() {
        let bundle: Vec<_> = Pem::iter_from_buffer(RDS_BUNDLE.as_bytes()).map(Result::unwrap).collect();
        assert!(bundle.len() > 50, "{}", bundle.len());
        assert_eq!(parsed(RDS_BUNDLE.as_bytes()).unwrap().len(), bundle.len());
        for pem in &bundle {
            let certificate = pem.parse_x509().unwrap();
            assert!(certificate.is_ca(), "{}", certificate.subject());
            assert!(certificate.validity().is_valid(), "{} is no longer valid", certificate.subject());
        }
    }

    /// Under VERIFY_CA a public authority would let everybody in.
    #[test]
    fn the_systems_authorities_count_only_where_the_name_is_verified() {
        let count = |ssl_mode| Authorities::new(None, ssl_mode).unwrap().store.len();
        let of_rds = parsed(RDS_BUNDLE.as_bytes()).unwrap().len();
        let of_system = rustls_native_certs::load_native_certs().certs.len();
        assert_eq!(count(SslMode::VerifyCa), of_rds);
        assert!(count(SslMode::VerifyIdentity) > of_rds || of_system == 0);
    }
}
