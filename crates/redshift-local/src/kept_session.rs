//! Sessions that outlive a call (`SessionKeepAliveSeconds`): one PostgreSQL connection each, for one statement at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use sqlx::Connection;
use sqlx::postgres::PgConnection;

use crate::api_error::ApiError;
use crate::statement::Connection as Target;

/// Sessions open at once on one warehouse.
const SESSIONS_MAX: usize = 500;
/// A session is closed after a day; a statement that runs in it then comes to its end first.
const LIFETIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Closed sessions are listed for as long as results are kept.
const CLOSED_RETENTION: Duration = LIFETIME_MAX;

/// What ListSessions tells of a session.
#[derive(Debug, Clone)]
pub(crate) struct KeptSession {
    pub(crate) id: String,
    pub(crate) target: Target,
    pub(crate) state: SessionState,
    pub(crate) keep_alive: Duration,
    pub(crate) created_at: SystemTime,
    pub(crate) updated_at: SystemTime,
    pub(crate) expires_at: SystemTime,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SessionState {
    Available,
    /// Runs the statement of this id.
    Busy(String),
    Closed,
}

impl SessionState {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Available => "AVAILABLE",
            Self::Busy(_) => "BUSY",
            Self::Closed => "CLOSED",
        }
    }
}

#[derive(Debug)]
struct Entry {
    session: KeptSession,
    /// With a statement while it runs, and none before the first.
    connection: Option<PgConnection>,
}

/// All kept sessions of one endpoint.
#[derive(Debug, Default, Clone)]
pub(crate) struct KeptSessions {
    entries: Arc<Mutex<HashMap<String, Entry>>>,
}

impl KeptSessions {
    /// Opens a session, which runs `statement_id` first. The server has `places` for kept sessions.
    ///
    /// # Errors
    /// More sessions than a warehouse or the server has.
    pub(crate) fn open(
        &self,
        target: Target,
        keep_alive: Duration,
        statement_id: &str,
        places: usize,
    ) -> Result<String, ApiError> {
        let now = SystemTime::now();
        let mut entries = self.lock();
        entries.retain(|_, entry| {
            entry.session.state != SessionState::Closed
                || now.duration_since(entry.session.updated_at).is_ok_and(|age| age < CLOSED_RETENTION)
        });
        if entries.values().filter(|entry| entry.session.state != SessionState::Closed).count()
            >= places.min(SESSIONS_MAX)
        {
            let most = places.min(SESSIONS_MAX);
            return Err(ApiError::ActiveSessionsExceeded(format!("{most} sessions are open already")));
        }
        let session = KeptSession {
            id: uuid::Uuid::new_v4().to_string(),
            target,
            state: SessionState::Busy(statement_id.to_owned()),
            keep_alive,
            created_at: now,
            updated_at: now,
            expires_at: now + LIFETIME_MAX,
        };
        let id = session.id.clone();
        entries.insert(id.clone(), Entry { session, connection: None });
        Ok(id)
    }

    /// Reserves an open session for `statement_id`; tells what it is connected to.
    ///
    /// # Errors
    /// No session of this id, one that is closed, or one that runs another statement: sessions have no queue.
    pub(crate) fn reserve(
        &self,
        id: &str,
        keep_alive: Option<Duration>,
        statement_id: &str,
    ) -> Result<Target, ApiError> {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(id) else {
            return Err(ApiError::ResourceNotFound {
                message: "Session does not exist.".to_owned(),
                resource_id: id.to_owned(),
            });
        };
        match &entry.session.state {
            SessionState::Available => {}
            SessionState::Busy(running) => {
                let text =
                    format!("Session {id} is not available: it runs statement {running}, and takes one at a time");
                return Err(ApiError::Validation(text));
            }
            SessionState::Closed => return Err(ApiError::Validation(format!("Session {id} is closed"))),
        }
        if let Some(keep_alive) = keep_alive {
            entry.session.keep_alive = keep_alive;
        }
        entry.session.state = SessionState::Busy(statement_id.to_owned());
        entry.session.updated_at = SystemTime::now();
        Ok(entry.session.target.clone())
    }

    /// The connection of a reserved session; none when no statement ran in it yet.
    pub(crate) fn take_connection(&self, id: &str) -> Option<PgConnection> {
        self.lock().get_mut(id).and_then(|entry| entry.connection.take())
    }

    /// Gives a session back after its statement; it is closed when its time without another has passed.
    pub(crate) fn release(&self, id: &str, connection: PgConnection) {
        self.with_entry(id, |entry| entry.connection = Some(connection));
        self.make_available(id);
    }

    /// Undoes a reservation whose statement never ran; a session that ran none is closed.
    pub(crate) fn unreserve(&self, id: &str) {
        if self.with_entry(id, |entry| entry.connection.is_none()) == Some(true) {
            self.close(id);
        } else {
            self.make_available(id);
        }
    }

    fn make_available(&self, id: &str) {
        let now = SystemTime::now();
        let Some(wait) = self.with_entry(id, |entry| {
            let session = &mut entry.session;
            session.state = SessionState::Available;
            session.updated_at = now;
            session.expires_at = (now + session.keep_alive).min(session.created_at + LIFETIME_MAX);
            session.expires_at.duration_since(now).unwrap_or_default()
        }) else {
            return;
        };
        let (sessions, id) = (self.clone(), id.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            sessions.close_expired(&id).await;
        });
    }

    /// Closes a session whose connection is lost.
    pub(crate) fn close(&self, id: &str) {
        self.with_entry(id, |entry| {
            entry.session.state = SessionState::Closed;
            entry.session.updated_at = SystemTime::now();
            entry.connection = None;
        });
    }

    async fn close_expired(&self, id: &str) {
        let connection = self.with_entry(id, |entry| {
            let session = &mut entry.session;
            if session.state != SessionState::Available || session.expires_at > SystemTime::now() {
                return None;
            }
            session.state = SessionState::Closed;
            session.updated_at = SystemTime::now();
            entry.connection.take()
        });
        if let Some(Some(connection)) = connection
            && let Err(error) = connection.close().await
        {
            tracing::debug!(session_id = %id, %error, "close session");
        }
    }

    /// All sessions, newest first.
    pub(crate) fn list(&self) -> Vec<KeptSession> {
        let mut sessions: Vec<KeptSession> = self.lock().values().map(|entry| entry.session.clone()).collect();
        sessions.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
        sessions
    }

    fn with_entry<T>(&self, id: &str, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        self.lock().get_mut(id).map(change)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
