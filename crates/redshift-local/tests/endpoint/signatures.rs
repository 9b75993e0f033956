//! An endpoint that asks for one pair of credentials takes what is signed with it and nothing else.

use aws_sdk_redshiftdata::Client;
use aws_sdk_redshiftdata::config::{Config, Credentials, Region};
use aws_sdk_redshiftdata::error::ProvideErrorMetadata;

use crate::support::{Warehouse, client};

const KEY: &str = "AKIAIOSFODNN7LOCAL00";
const SECRET: &str = "a secret/of+forty characters, more or less";

fn pair(key: &str, secret: &str) -> Credentials {
    Credentials::new(key, secret, None, None, "tests")
}

async fn refusal(client: &Client) -> (String, String) {
    let error = client.list_statements().send().await.expect_err("the request is refused");
    (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn requests_signed_with_the_pair_are_taken() {
    let warehouse = Warehouse::start_with_credentials("signed", pair(KEY, SECRET)).await;
    assert_eq!(warehouse.value("select 'é' || ' signed'").await, "é signed");
    // A token of a temporary session is signed as the other headers are.
    let temporary = Credentials::new(KEY, SECRET, Some("token".to_owned()), None, "tests");
    client(&warehouse.endpoint, temporary).list_statements().send().await.expect("a signed request is taken");
}

#[tokio::test]
async fn requests_that_are_not_signed_with_the_pair_are_refused() {
    let warehouse = Warehouse::start_with_credentials("unsigned", pair(KEY, SECRET)).await;
    let refused = async |key, secret| refusal(&client(&warehouse.endpoint, pair(key, secret))).await;
    let (code, message) = refused(KEY, "another secret").await;
    assert_eq!(code, "InvalidSignatureException");
    assert!(!message.contains(SECRET), "{message}");
    let elsewhere = Config::builder().region(Region::new("eu-west-1"));
    let call = warehouse.client.list_statements().customize().config_override(elsewhere);
    let error = call.send().await.expect_err("another region");
    assert_eq!(error.message(), Some("Credential should be scoped to a valid region."));
    assert_eq!(refused("AKIAIOSFODNN7OTHER00", SECRET).await.0, "UnrecognizedClientException");
}

/// The signature of another body, an older one, and none.
#[tokio::test]
async fn requests_that_were_changed_or_kept_are_refused() {
    let warehouse = Warehouse::start_with_credentials("tampered", pair(KEY, SECRET)).await;
    for (date, authorization, expected) in [
        (None, None, "MissingAuthenticationTokenException"),
        (None, Some("Basic abc"), "IncompleteSignatureException"),
        (Some("20200101T000000Z"), Some("AWS4-HMAC-SHA256 Credential=x"), "IncompleteSignatureException"),
        (Some("yesterday"), Some(FORGED), "IncompleteSignatureException"),
        (Some("20200101T000000Z"), Some(FORGED), "InvalidSignatureException"),
    ] {
        let mut headers = String::new();
        for (name, value) in [("x-amz-date", date), ("authorization", authorization)] {
            if let Some(value) = value {
                headers.push_str(&format!("\r\n{name}: {value}"));
            }
        }
        let target = format!("RedshiftData.ListStatements{headers}");
        let (status, answer) = warehouse.post(target.as_bytes(), b"{}").await;
        assert!(status == 400 && answer.contains(expected), "{status} {answer}, not {expected}");
    }
}

const FORGED: &str = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7LOCAL00/20200101/us-east-1/redshift-data/aws4_request, \
    SignedHeaders=host;x-amz-date, Signature=0000000000000000000000000000000000000000000000000000000000000000";
