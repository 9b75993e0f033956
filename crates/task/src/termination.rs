//! The signals with which a task is told to end.

use tokio::signal::unix::{SignalKind, signal};

/// Completes when the program is told to stop: SIGTERM from ECS, SIGINT from a keyboard.
pub async fn termination() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
