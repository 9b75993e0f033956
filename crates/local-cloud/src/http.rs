//! Plain HTTP to servers on this machine, for what no SDK of ours covers.

use anyhow::{Context as _, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, body::Bytes, header};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);

/// The body of a successful answer.
pub(crate) async fn get(url: &str) -> anyhow::Result<Bytes> {
    exchange(Request::get(url).body(Full::default())?).await
}

/// Calls an operation of an AWS service that speaks JSON 1.1, on LocalStack: it reads account, region and service from the
/// signature's scope and does not check the signature itself.
pub(crate) async fn call_aws_json(
    endpoint: &str,
    region: &str,
    service: &str,
    target: &str,
    body: &serde_json::Value,
) -> anyhow::Result<Bytes> {
    let scope = format!("{}/20000101/{region}/{service}/aws4_request", crate::connection::ACCESS_KEY_ID);
    let request = Request::post(endpoint)
        .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
        .header("x-amz-target", target)
        .header(header::AUTHORIZATION, format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"))
        .body(Full::from(body.to_string()))?;
    exchange(request).await.with_context(|| format!("call {target}"))
}

async fn exchange(request: Request<Full<Bytes>>) -> anyhow::Result<Bytes> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let ask = async {
        let response = client.request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        ensure!(status.is_success(), "HTTP status {status}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    };
    tokio::time::timeout(TIMEOUT, ask).await.context("no answer in time")?
}
