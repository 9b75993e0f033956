//! A stretch of network before S3 that a test can stop or damage, and that sees what is on its way.

use super::cloud;
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::sync::{Arc, Mutex};
use tokio::{net::TcpListener, sync::watch};

/// What happens to requests.
#[derive(Debug, Default, Clone)]
pub(crate) struct Disturbance {
    /// Parts wait before they reach S3.
    pub(crate) parts_wait: bool,
    /// A part that is refused.
    pub(crate) refused_part: Option<u32>,
    /// The next request that makes an object is answered with an error once S3 has done it.
    pub(crate) loses_answer: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct S3Proxy {
    pub(crate) endpoint: String,
    network: Arc<Network>,
}

#[derive(Debug)]
struct Network {
    client: Client<HttpConnector, Body>,
    disturbance: watch::Sender<Disturbance>,
    /// Parts under way now, and at most so far.
    part_counts: watch::Sender<(usize, usize)>,
    lost_answers: Mutex<usize>,
}

impl S3Proxy {
    /// Serves until the test's runtime ends.
    pub(crate) async fn start(disturbance: Disturbance) -> Self {
        let network = Arc::new(Network {
            client: Client::builder(TokioExecutor::new()).build_http(),
            disturbance: watch::Sender::new(disturbance),
            part_counts: watch::Sender::new((0, 0)),
            lost_answers: Mutex::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("find a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("address of the proxy"));
        let router = Router::new().fallback(forward).with_state(network.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, network }
    }

    pub(crate) fn disturb(&self, disturbance: Disturbance) {
        self.network.disturbance.send_replace(disturbance);
    }

    /// Completes once so many parts are on their way.
    pub(crate) async fn parts_are_under_way(&self, count: usize) {
        let mut part_counts = self.network.part_counts.subscribe();
        part_counts.wait_for(|(now, _)| *now >= count).await.expect("the proxy runs");
    }

    pub(crate) fn most_parts_under_way(&self) -> usize {
        self.network.part_counts.borrow().1
    }

    pub(crate) fn lost_answer_count(&self) -> usize {
        *self.network.lost_answers.lock().expect("no test panics while it counts")
    }
}

async fn forward(State(network): State<Arc<Network>>, mut request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let part = query.split('&').find_map(|pair| pair.strip_prefix("partNumber=")?.parse::<u32>().ok());
    let makes_an_object = match *request.method() {
        Method::PUT => part.is_none(),
        Method::POST => query.contains("uploadId="),
        _ => false,
    };
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    *request.uri_mut() = format!("{}{path}", cloud().connection().aws_endpoint).parse().expect("address of S3");

    if part.is_some() {
        network.part_counts.send_modify(|(now, most)| {
            *now += 1;
            *most = (*most).max(*now);
        });
        let mut disturbance = network.disturbance.subscribe();
        disturbance.wait_for(|disturbance| !disturbance.parts_wait).await.expect("the proxy runs");
    }
    let disturbance = network.disturbance.borrow().clone();
    let answer = if part.is_some() && part == disturbance.refused_part {
        (StatusCode::FORBIDDEN, "<Error><Code>AccessDenied</Code><Message>not this part</Message></Error>")
            .into_response()
    } else {
        network.client.request(request).await.expect("S3 answers").into_response()
    };
    if part.is_some() {
        network.part_counts.send_modify(|(now, _)| *now -= 1);
    }
    if makes_an_object && disturbance.loses_answer {
        network.disturbance.send_modify(|disturbance| disturbance.loses_answer = false);
        *network.lost_answers.lock().expect("no test panics while it counts") += 1;
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    answer
}
