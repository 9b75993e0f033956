//! The manifest of a COPY: which files it reads, and how long each must be.

use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;

use super::CopyError;
use crate::object_store::ObjectStore;

/// How many files are looked up at once.
const LOOKUPS_IN_FLIGHT: usize = 16;

/// A Parquet file that exists.
#[derive(Debug, Clone)]
pub(super) struct DataFile {
    pub(super) url: String,
    pub(super) content_length: u64,
}

#[derive(Deserialize)]
struct Manifest {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    url: String,
    /// Whether a missing file is a fault; else it is skipped without a word.
    #[serde(default)]
    mandatory: bool,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    content_length: Option<u64>,
}

/// Reads the manifest at `url` and looks up its files. A file listed twice is there twice.
///
/// # Errors
/// A manifest that cannot be read, a mandatory file that is missing, none of its files, or lengths that differ.
pub(super) async fn read(url: &str, store: &ObjectStore) -> Result<Vec<DataFile>, CopyError> {
    let text = store.whole(url).await?;
    let entries = parse(&text).map_err(|problem| CopyError::Manifest { url: url.to_owned(), problem })?;
    let looked_up = entries.into_iter().map(|(file, is_mandatory)| async move {
        match store.length(&file.url).await? {
            Some(actual) => check_length(&file, actual).map(|()| Some(file)),
            None if is_mandatory => Err(CopyError::unreadable(format!("File not found: {}", file.url))),
            None => Ok(None),
        }
    });
    let looked_up: Vec<Option<DataFile>> = stream::iter(looked_up).buffered(LOOKUPS_IN_FLIGHT).try_collect().await?;
    let files: Vec<DataFile> = looked_up.into_iter().flatten().collect();
    if files.is_empty() {
        return Err(CopyError::unreadable(format!("none of the files in the manifest exists: {url}")));
    }
    Ok(files)
}

fn parse(text: &[u8]) -> Result<Vec<(DataFile, bool)>, String> {
    let manifest: Manifest = serde_json::from_slice(text).map_err(|error| format!("not a manifest: {error}"))?;
    if manifest.entries.is_empty() {
        return Err("The manifest has no entries.".to_owned());
    }
    let files = manifest.entries.into_iter().map(|entry| {
        if !entry.url.starts_with("s3://") {
            return Err(format!("not a URL of S3: {}", entry.url));
        }
        let Some(meta) = entry.meta else {
            return Err(format!("File entry does not have 'meta' key. {}", entry.url));
        };
        let Some(content_length) = meta.content_length else {
            return Err(format!("File entry does not have 'content_length' in its 'meta'. {}", entry.url));
        };
        Ok((DataFile { url: entry.url, content_length }, entry.mandatory))
    });
    files.collect()
}

/// Redshift looks for the footer where the stated length ends.
fn check_length(file: &DataFile, actual: u64) -> Result<(), CopyError> {
    let stated = file.content_length;
    if stated > actual {
        return Err(CopyError::unreadable(format!(
            "HTTP response error code: 416 Message: 416 Requested range not satisfiable, InvalidRange: \
             the manifest says {stated} bytes, the object has {actual}: {}",
            file.url
        )));
    }
    if stated < actual {
        return Err(CopyError::unreadable(format!(
            "File '{}' has an invalid version number: no footer ends at byte {stated}, which the manifest names as the \
             length; the object has {actual}",
            file.url
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn entries_need_their_length() {
        let entry = |meta: &str| format!(r#"{{"entries":[{{"url":"s3://b/k","mandatory":true{meta}}}]}}"#);
        let files = parse(entry(r#","meta":{"content_length":7}"#).as_bytes()).expect("manifest");
        assert_eq!((files[0].0.content_length, files[0].1), (7, true));
        for meta in ["", r#","meta":{}"#, r#","meta":{"content_length":"7"}"#] {
            assert!(parse(entry(meta).as_bytes()).is_err(), "{meta}");
        }
        for text in ["", "[]", r#"{"entries":[]}"#, r#"{"entries":[{"url":"/tmp/k","meta":{"content_length":1}}]}"#] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
