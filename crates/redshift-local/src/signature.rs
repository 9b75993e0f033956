//! Signatures of requests (AWS Signature Version 4). They are looked at only where an endpoint asks for one pair of
//! credentials: the request is signed once more with that pair, and both signatures must be the same.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use axum::http::{HeaderMap, Uri, header};
use chrono::NaiveDateTime;

/// The name that requests of the Data API are signed for.
const SERVICE: &str = "redshift-data";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How far the client's clock may be from ours, as at AWS.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(5 * 60);

/// Why a request is not taken for one of the owner of the credentials. The wording is AWS's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignatureFault {
    #[error("Missing Authentication Token")]
    Missing,
    #[error("Authorization header requires {0}")]
    Incomplete(&'static str),
    #[error("The security token included in the request is invalid.")]
    UnknownAccessKey,
    #[error("Signature expired: the request is of another time than this server's")]
    Expired,
    #[error("Credential should be scoped to a valid region.")]
    OtherRegion,
    #[error("Credential should be scoped to correct service: '{SERVICE}'.")]
    OtherService,
    #[error(
        "The request signature we calculated does not match the signature you provided. \
         Check your AWS Secret Access Key and signing method."
    )]
    Mismatch,
}

impl SignatureFault {
    /// The exception that AWS's JSON services answer with.
    pub(crate) fn exception(&self) -> &'static str {
        match self {
            Self::Missing => "MissingAuthenticationTokenException",
            Self::Incomplete(_) => "IncompleteSignatureException",
            Self::UnknownAccessKey => "UnrecognizedClientException",
            Self::Expired | Self::OtherRegion | Self::OtherService | Self::Mismatch => "InvalidSignatureException",
        }
    }
}

/// Checks that a POST was signed with `credentials` for `region`, within five minutes of now.
///
/// # Errors
/// No signature, half of one, one of another key, time, region or service, or one that is not that of these headers and this body.
pub(crate) fn verify(
    credentials: &Credentials,
    region: &str,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), SignatureFault> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = text(header::AUTHORIZATION.as_str()).ok_or(SignatureFault::Missing)?;
    let signed = Authorization::read(authorization)?;
    let date = text("x-amz-date").ok_or(SignatureFault::Incomplete("existence of an 'X-Amz-Date' header"))?;
    let date = NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ")
        .map_err(|_| SignatureFault::Incomplete("an 'X-Amz-Date' of the form 20250131T235959Z"))?;
    let time = SystemTime::from(date.and_utc());
    if signed.access_key_id != credentials.access_key_id() {
        return Err(SignatureFault::UnknownAccessKey);
    }
    if signed.region != region {
        return Err(SignatureFault::OtherRegion);
    }
    if signed.service != SERVICE {
        return Err(SignatureFault::OtherService);
    }
    let now = SystemTime::now();
    let difference = now.duration_since(time).or_else(|_| time.duration_since(now)).unwrap_or(Duration::MAX);
    if difference > CLOCK_SKEW_MAX {
        return Err(SignatureFault::Expired);
    }
    // Exactly the headers that the client signed; the time is given with the parameters.
    let mut settings = SigningSettings::default();
    settings.excluded_headers = Some(Vec::new());
    let names = signed.headers.split(';').filter(|name| *name != "x-amz-date");
    let signed_headers: Vec<(&str, &str)> = names.filter_map(|name| Some((name, text(name)?))).collect();
    let identity = credentials.clone().into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(signed.region)
        .name(SERVICE)
        .time(time)
        .settings(settings)
        .build()
        .map_err(|_| SignatureFault::Mismatch)?
        .into();
    let url = format!("http://{}{}", text("host").unwrap_or_default(), uri.path());
    let request = SignableRequest::new("POST", url, signed_headers.into_iter(), SignableBody::Bytes(body));
    let again = request.and_then(|request| sign(request, &parameters)).map_err(|_| SignatureFault::Mismatch)?;
    if again.signature() == signed.signature { Ok(()) } else { Err(SignatureFault::Mismatch) }
}

/// What the header `Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…` says.
struct Authorization<'a> {
    access_key_id: &'a str,
    region: &'a str,
    service: &'a str,
    headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn read(header: &'a str) -> Result<Self, SignatureFault> {
        let incomplete = SignatureFault::Incomplete;
        let fields = header.strip_prefix(ALGORITHM).ok_or(incomplete("the algorithm AWS4-HMAC-SHA256"))?;
        let field = |name: &str| {
            fields.split(',').find_map(|field| field.trim().strip_prefix(name).and_then(|rest| rest.strip_prefix('=')))
        };
        let credential = field("Credential").ok_or(incomplete("'Credential' parameter."))?;
        let scope: Vec<&str> = credential.split('/').collect();
        let [access_key_id, _date, region, service, "aws4_request"] = scope.as_slice() else {
            return Err(incomplete("'Credential' of the form key/date/region/service/aws4_request"));
        };
        Ok(Self {
            access_key_id,
            region,
            service,
            headers: field("SignedHeaders").ok_or(incomplete("'SignedHeaders' parameter."))?,
            signature: field("Signature").ok_or(incomplete("'Signature' parameter."))?,
        })
    }
}
