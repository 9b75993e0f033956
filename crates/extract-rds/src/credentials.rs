//! As whom the source is entered: with a password, with what a secret holds, or with tokens of IAM.

use crate::iam_token::TokenSigner;
use aws_config::{Region, SdkConfig};
use aws_sdk_secretsmanager::{
    config::Builder,
    error::{DisplayErrorContext, ProvideErrorMetadata as _},
};
use rental_task::AwsError;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::error::Error;
use tokio::sync::Mutex;

/// How a user proves who they are.
#[derive(Debug, Clone)]
pub enum Authentication {
    Password(SecretString),
    /// A secret of Secrets Manager as RDS makes them: JSON with `username` and `password`, `host`, `port` and `dbname` where
    /// there are any.
    Secret {
        id: String,
    },
    /// IAM database authentication.
    IamToken,
}

/// Why there is nothing to enter the source with.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error("read secret `{id}`: {message}")]
    Secret { id: String, message: String, is_final: bool },
    // What the parser says may quote the secret, so it is left out.
    #[error("secret `{id}` is not a JSON object with the texts `username` and `password`")]
    SecretForm { id: String },
    #[error("secret `{id}` has no `{field}`, and `{variable}` is not set")]
    SecretField { id: String, field: &'static str, variable: &'static str },
    #[error("`RDS_USER` is `{user}`, but secret `{id}` holds the password of `{username}`")]
    OtherUser { id: String, user: String, username: String },
    #[error("AWS gives no {what} to sign a token for the source with")]
    NoSigner { what: &'static str, source: Option<Box<dyn Error + Send + Sync>> },
    #[error("sign a token for the source")]
    Sign { source: Box<dyn Error + Send + Sync> },
}

impl CredentialsError {
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Aws(error) => error.is_retryable(),
            Self::Secret { is_final, .. } => !is_final,
            // The service that gives them out may be away for a moment.
            Self::NoSigner { source, .. } => source.is_some(),
            Self::SecretForm { .. } | Self::SecretField { .. } | Self::OtherUser { .. } | Self::Sign { .. } => false,
        }
    }

    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Aws(error) => error.hint(),
            Self::Secret { .. } => {
                "check `RDS_SECRET_ARN`, and that the task's role may `secretsmanager:GetSecretValue` on it"
            }
            Self::SecretForm { .. } => {
                "name a secret as RDS makes them in `RDS_SECRET_ARN`, or set `RDS_USER` and `RDS_PASSWORD` instead"
            }
            Self::SecretField { .. } => "set the variable; a secret of an Aurora cluster may lack it",
            Self::OtherUser { .. } => "leave out `RDS_USER`: the secret names the user",
            Self::NoSigner { .. } | Self::Sign { .. } => {
                "`RDS_IAM_AUTH` needs AWS credentials, of the task's role for one, that may `rds-db:connect`"
            }
        }
    }
}

/// A user and what lets them in.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: SecretString,
}

/// What a secret of RDS holds.
#[derive(Deserialize)]
pub(crate) struct SecretContent {
    pub(crate) username: String,
    password: SecretString,
    pub(crate) host: Option<String>,
    /// A number in RDS's own secrets, a text in some that people make.
    port: Option<serde_json::Value>,
    pub(crate) dbname: Option<String>,
}

/// A secret that may be read again.
pub(crate) struct Secret {
    id: String,
    client: aws_sdk_secretsmanager::Client,
}

/// Where a login comes from, without what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginWay {
    Password,
    Secret,
    IamToken,
}

/// Where logins come from.
pub(crate) enum Credentials {
    Password(Login),
    Secret {
        secret: Secret,
        /// What it held when it was read last.
        current: Mutex<Login>,
    },
    IamToken(TokenSigner),
}

impl Secret {
    pub(crate) fn new(id: &str, aws: &SdkConfig) -> Self {
        let mut config = Builder::from(aws);
        if let Some(region) = region_of(id) {
            config = config.region(Region::new(region.to_owned()));
        }
        Self { id: id.to_owned(), client: aws_sdk_secretsmanager::Client::from_conf(config.build()) }
    }

    /// # Errors
    /// When the secret cannot be read, or is none of a database.
    pub(crate) async fn read(&self) -> Result<SecretContent, CredentialsError> {
        let read = self.client.get_secret_value().secret_id(&self.id).send().await;
        let value = read.map_err(|error| {
            // A name that is not there and a right that is missing stay so; all else may pass.
            let code = error.as_service_error().and_then(|error| error.code()).unwrap_or_default();
            let finals = ["AccessDenied", "ResourceNotFound", "InvalidParameter", "InvalidRequest", "Validation"];
            let is_final = finals.iter().any(|name| code.starts_with(name));
            let message = error.as_service_error().and_then(|error| error.message()).map(str::to_owned);
            let message = message.unwrap_or_else(|| DisplayErrorContext(&error).to_string());
            CredentialsError::Secret { id: self.id.clone(), message, is_final }
        })?;
        let text = value.secret_string().unwrap_or_default();
        SecretContent::parse(text).ok_or_else(|| CredentialsError::SecretForm { id: self.id.clone() })
    }
}

impl SecretContent {
    fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(crate) fn port(&self) -> Option<u16> {
        match self.port.as_ref()? {
            serde_json::Value::Number(number) => number.as_u64()?.try_into().ok(),
            serde_json::Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn login(&self) -> Login {
        Login { user: self.username.clone(), password: self.password.clone() }
    }
}

impl Credentials {
    /// Who enters, as far as is known before.
    pub(crate) async fn user(&self) -> String {
        match self {
            Self::Password(login) => login.user.clone(),
            Self::Secret { current, .. } => current.lock().await.user.clone(),
            Self::IamToken(signer) => signer.user().to_owned(),
        }
    }

    pub(crate) fn way(&self) -> LoginWay {
        match self {
            Self::Password(_) => LoginWay::Password,
            Self::Secret { .. } => LoginWay::Secret,
            Self::IamToken(_) => LoginWay::IamToken,
        }
    }

    /// Whether the password is sent as it is, which only a verified server may see.
    pub(crate) fn is_token(&self) -> bool {
        self.way() == LoginWay::IamToken
    }

    /// What to enter with now: a token is made anew each time.
    ///
    /// # Errors
    /// When there are no AWS credentials to sign a token with.
    pub(crate) async fn login(&self) -> Result<Login, CredentialsError> {
        match self {
            Self::Password(login) => Ok(login.clone()),
            Self::Secret { current, .. } => Ok(current.lock().await.clone()),
            Self::IamToken(signer) => Ok(Login { user: signer.user().to_owned(), password: signer.token().await? }),
        }
    }

    /// What to try after `denied` was turned away: what the secret holds by now, if that is something else.
    ///
    /// # Errors
    /// When the secret cannot be read any more.
    pub(crate) async fn rotated(&self, denied: &Login) -> Result<Option<Login>, CredentialsError> {
        match self {
            Self::Password(_) | Self::IamToken(_) => Ok(None),
            Self::Secret { secret, current } => {
                let mut current = current.lock().await;
                if current.is(denied) {
                    *current = secret.read().await?.login();
                }
                Ok((!current.is(denied)).then(|| current.clone()))
            }
        }
    }
}

impl Login {
    fn is(&self, other: &Self) -> bool {
        self.user == other.user && self.password.expose_secret() == other.password.expose_secret()
    }
}

/// The region that a secret's ARN names; a secret may lie in another one than all else.
fn region_of(id: &str) -> Option<&str> {
    let mut parts = id.strip_prefix("arn:")?.split(':').skip(1);
    (parts.next()? == "secretsmanager").then(|| parts.next())?.filter(|region| !region.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_as_rds_and_people_make_them() {
        let of_rds = r#"{"username":"u","password":"p","engine":"mysql","host":"h","port":3307,"dbname":"d","dbClusterIdentifier":"c"}"#;
        let content = SecretContent::parse(of_rds).unwrap();
        assert_eq!((content.username.as_str(), content.password.expose_secret()), ("u", "p"));
        assert_eq!(
            (content.host.as_deref(), content.port(), content.dbname.as_deref()),
            (Some("h"), Some(3307), Some("d"))
        );
        let content = SecretContent::parse(r#"{"username":"u","password":"p","port":"3307"}"#).unwrap();
        assert_eq!((content.host.as_deref(), content.port(), content.dbname.as_deref()), (None, Some(3307), None));
        for faulty in ["", "p", r#"{"password":"p"}"#, r#"{"username":"u"}"#, r#"{"username":"u","password":1}"#] {
            assert!(SecretContent::parse(faulty).is_none(), "{faulty}");
        }
    }

    #[test]
    fn a_secret_is_looked_for_in_its_own_region() {
        let cases = [
            ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:source-AbCdEf", Some("eu-west-1")),
            ("arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:source-AbCdEf", Some("cn-north-1")),
            ("arn:aws:ssm:eu-west-1:123456789012:parameter/source", None),
            ("source", None),
        ];
        for (id, expected) in cases {
            assert_eq!(region_of(id), expected, "{id}");
        }
    }
}
