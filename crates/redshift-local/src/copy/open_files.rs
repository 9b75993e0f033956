//! The files of one COPY: several are fetched and decoded at once, and their rows come in the order of the files.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::command::Leniency;
use super::manifest::DataFile;
use super::target::Column;
use super::{CopyError, parquet_file};
use crate::object_store::ObjectStore;

/// How many files are open at most.
const FILES_MAX: usize = 4;
/// The files that are open beside the first have no more bytes than this together with it.
const OPEN_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Encoded batches of one file that wait for PostgreSQL; each is some megabytes at most.
const BATCHES_IN_FLIGHT: usize = 2;

/// What to read, and how.
pub(super) struct OpenFiles {
    waiting: VecDeque<DataFile>,
    open: VecDeque<OpenFile>,
    columns: Arc<[Column]>,
    leniency: Leniency,
    store: ObjectStore,
}

struct OpenFile {
    url: String,
    content_length: u64,
    batches: mpsc::Receiver<Result<Bytes, CopyError>>,
    /// One task, which ends with this value, however that ends.
    reader: JoinSet<()>,
}

impl OpenFiles {
    pub(super) fn new(
        files: impl IntoIterator<Item = DataFile>,
        columns: Vec<Column>,
        leniency: Leniency,
        store: ObjectStore,
    ) -> Self {
        Self { waiting: files.into_iter().collect(), open: VecDeque::new(), columns: columns.into(), leniency, store }
    }

    /// The next rows in PostgreSQL's binary format; `None` behind the last file's last.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, CopyError> {
        loop {
            self.open_more();
            let Some(file) = self.open.front_mut() else { return Ok(None) };
            if let Some(batch) = file.batches.recv().await {
                return batch.map(Some);
            }
            // A reader that panicked has not read to the end: the decoder trusts some numbers of a file too much.
            if let Some(Err(panic)) = file.reader.join_next().await {
                tracing::warn!(%panic, url = file.url, "the decoder gave up");
                return Err(CopyError::unreadable(format!("File '{}' is not valid Parquet", file.url)));
            }
            self.open.pop_front();
        }
    }

    /// The file whose rows come next, or whose fault came last.
    pub(super) fn current(&self) -> Option<&str> {
        self.open.front().map(|file| file.url.as_str())
    }

    fn open_more(&mut self) {
        while let Some(next) = self.waiting.front() {
            let open_bytes: u64 = self.open.iter().map(|file| file.content_length).sum();
            let has_room = self.open.len() < FILES_MAX && open_bytes + next.content_length <= OPEN_BYTES_MAX;
            if !self.open.is_empty() && !has_room {
                return;
            }
            if let Some(file) = self.waiting.pop_front() {
                self.open.push_back(self.start(file));
            }
        }
    }

    fn start(&self, file: DataFile) -> OpenFile {
        let (sender, batches) = mpsc::channel(BATCHES_IN_FLIGHT);
        let (columns, leniency, store) = (Arc::clone(&self.columns), self.leniency, self.store.clone());
        let (url, content_length) = (file.url.clone(), file.content_length);
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            if let Err(error) = parquet_file::read(&file, &columns, leniency, &store, &sender).await {
                // Without a receiver the command has ended otherwise.
                let _ = sender.send(Err(error)).await;
            }
        });
        OpenFile { url, content_length, batches, reader }
    }
}
