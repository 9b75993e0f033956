//! Our own endpoint for the two AWS services that LocalStack lacks, Redshift Data and ECS, on one port. Both speak
//! JSON 1.1: a POST whose `X-Amz-Target` header names service and operation.

use crate::ecs_tasks::{ApiError, EcsTasks};
use anyhow::Context as _;
use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::header,
    response::{IntoResponse as _, Response},
};
use std::{net::TcpListener, thread, time::Duration};
use tokio::sync::watch;
use tower::ServiceExt as _;

/// More than the longest request that ECS takes.
const ECS_REQUEST_MAX_BYTES: usize = 1 << 20;
const ECS_TARGET: &str = "AmazonEC2ContainerServiceV20141113.";
/// How long tasks and answers under way may take once the endpoint is told to end.
const STOP_DEADLINE: Duration = Duration::from_secs(15);

/// The endpoint, served by a thread and runtime of its own: it outlives the runtimes of single tests.
pub(crate) struct Endpoint {
    /// Dropping it tells the thread to end.
    stop: Option<watch::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Clone)]
struct Services {
    redshift_data: Router,
    ecs: EcsTasks,
}

impl Endpoint {
    /// Serves both services on `listener` until [`Endpoint::stop`], which also ends the tasks that still run.
    pub(crate) fn start(
        listener: TcpListener,
        redshift_data: redshift_local::Options,
        ecs: EcsTasks,
    ) -> anyhow::Result<Self> {
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (stop, mut told_to_stop) = watch::channel(());
        let mut told_to_hurry = told_to_stop.clone();
        let redshift_data = {
            let _guard = runtime.enter();
            redshift_local::router(redshift_data).context("prepare the Redshift Data endpoint")?
        };
        let services = Services { redshift_data, ecs: ecs.clone() };
        let serve = async move {
            let listener = match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => listener,
                Err(error) => return tracing::error!(%error, "cannot serve the endpoint"),
            };
            let router = Router::new().fallback(answer).with_state(services);
            let shutdown = async move {
                let _ = told_to_stop.changed().await;
                ecs.stop_all_tasks().await;
            };
            let hurry = async move {
                let _ = told_to_hurry.changed().await;
                tokio::time::sleep(STOP_DEADLINE).await;
            };
            tokio::select! {
                ended = axum::serve(listener, router).with_graceful_shutdown(shutdown) => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "the endpoint ended");
                    }
                }
                () = hurry => tracing::warn!("requests were still under way when the endpoint ended"),
            }
        };
        let thread = thread::spawn(move || {
            runtime.block_on(serve);
            runtime.shutdown_background();
        });
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }

    pub(crate) async fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread only panics if the router does, which has been reported by then.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

async fn answer(State(services): State<Services>, request: Request) -> Response {
    let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(operation) = target.strip_prefix(ECS_TARGET).map(str::to_owned) else {
        let Ok(response) = services.redshift_data.oneshot(request).await;
        return response;
    };
    let outcome = match to_bytes(request.into_body(), ECS_REQUEST_MAX_BYTES).await {
        Ok(body) => services.ecs.call(&operation, &body).await,
        Err(error) => Err(ApiError::invalid_parameter(format!("the request cannot be read: {error}"))),
    };
    match outcome {
        Ok(body) => ([(header::CONTENT_TYPE, "application/x-amz-json-1.1")], body.to_string()).into_response(),
        Err(error) => error.into_response(),
    }
}
