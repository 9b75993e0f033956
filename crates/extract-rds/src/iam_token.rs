//! IAM database authentication: a request that is signed and never sent stands for the password.

use crate::credentials::CredentialsError;
use aws_config::SdkConfig;
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials as _, SharedCredentialsProvider},
};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4::SigningParams,
};
use secrecy::SecretString;
use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

/// How long a token opens new connections; a connection that is open stays open. RDS takes no longer one.
const VALIDITY: Duration = Duration::from_secs(15 * 60);
/// The name that RDS checks signatures for.
const SERVICE: &str = "rds-db";

/// Makes tokens for one user of one server.
pub(crate) struct TokenSigner {
    host: String,
    port: u16,
    user: String,
    region: String,
    provider: SharedCredentialsProvider,
}

impl TokenSigner {
    /// # Errors
    /// When the SDK knows no credentials or no region to sign with.
    pub(crate) fn new(host: &str, port: u16, user: &str, aws: &SdkConfig) -> Result<Self, CredentialsError> {
        let region = aws.region().ok_or(CredentialsError::NoSigner { what: "region", source: None })?;
        let provider =
            aws.credentials_provider().ok_or(CredentialsError::NoSigner { what: "credentials", source: None })?;
        Ok(Self { host: host.to_owned(), port, user: user.to_owned(), region: region.to_string(), provider })
    }

    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// A token that is valid from now on.
    ///
    /// # Errors
    /// When AWS gives out no credentials at the moment.
    pub(crate) async fn token(&self) -> Result<SecretString, CredentialsError> {
        let credentials = self.provider.provide_credentials().await;
        let credentials = credentials
            .map_err(|error| CredentialsError::NoSigner { what: "credentials", source: Some(Box::new(error)) })?;
        self.token_of(credentials, SystemTime::now())
    }

    fn token_of(&self, credentials: Credentials, time: SystemTime) -> Result<SecretString, CredentialsError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| CredentialsError::Sign { source: error };
        let mut settings = SigningSettings::default();
        settings.expires_in = Some(VALIDITY);
        settings.signature_location = SignatureLocation::QueryParams;
        let identity = credentials.into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(SERVICE)
            .time(time)
            .settings(settings)
            .build()
            .map_err(|error| failed(error.into()))?
            .into();
        let place = format!("{}:{}/?Action=connect&DBUser={}", self.host, self.port, percent_encoded(&self.user));
        let url = format!("https://{place}");
        let request = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(&[]));
        let request = request.map_err(|error| failed(error.into()))?;
        let (instructions, _) = sign(request, &parameters).map_err(|error| failed(error.into()))?.into_parts();
        // The token is the signed address without its scheme.
        let token = instructions.params().iter().fold(place, |mut token, (name, value)| {
            let _ = write!(token, "&{name}={}", percent_encoded(value));
            token
        });
        Ok(token.into())
    }
}

/// Everything but what a URL may hold as it is, as signatures want it (RFC 3986).
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    /// What botocore 1.42.72 makes of the same key, region, user and time:
    /// `client("rds", region_name="eu-central-1").generate_db_auth_token(HOST, 3306, "etl+reader")` with
    /// `botocore.auth.get_current_datetime` fixed and `BOTO_DISABLE_CRT=true`.
    const BY_BOTOCORE: &str = "db.cluster-abc.eu-central-1.rds.amazonaws.com:3306/?Action=connect&DBUser=etl%2Breader&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Feu-central-1%2Frds-db%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=3e79611eeab4f7dd6588b942f5d2b178ee9808f206c361c86d937155268c6fd3";
    /// The same with the session token of a role.
    const BY_BOTOCORE_IN_A_ROLE: &str = "db.cluster-abc.eu-central-1.rds.amazonaws.com:3306/?Action=connect&DBUser=etl%2Breader&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Feu-central-1%2Frds-db%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Security-Token=session%2Ftoken%2B%3D%3D&X-Amz-Signature=ab6e36b6946b9f20b4be1e85d3f1f2131f35712630ec6ab3335608e44aaf6fa3";
    const TIME: Duration = Duration::from_secs(1_767_323_045); // 2026-01-02T03:04:05Z

    fn token(session_token: Option<&str>) -> String {
        let session_token = session_token.map(str::to_owned);
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let credentials = Credentials::new("AKIDEXAMPLE", secret, session_token, None, "test");
        let signer = TokenSigner {
            host: "db.cluster-abc.eu-central-1.rds.amazonaws.com".into(),
            port: 3306,
            user: "etl+reader".into(),
            region: "eu-central-1".into(),
            provider: SharedCredentialsProvider::new(credentials.clone()),
        };
        let token = signer.token_of(credentials, SystemTime::UNIX_EPOCH + TIME).unwrap();
        token.expose_secret().to_owned()
    }

    /// The address, and the parameters without their order, which means nothing.
    fn parts(token: &str) -> (&str, Vec<&str>) {
        let (address, parameters) = token.split_once('?').unwrap();
        let mut parameters: Vec<_> = parameters.split('&').collect();
        parameters.sort_unstable();
        (address, parameters)
    }

    #[test]
    fn a_token_is_the_one_that_aws_own_tools_make() {
        assert_eq!(parts(&token(None)), parts(BY_BOTOCORE));
        assert_eq!(parts(&token(Some("session/token+=="))), parts(BY_BOTOCORE_IN_A_ROLE));
    }
}
