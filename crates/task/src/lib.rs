//! What a container task is, whichever of the two: how it reaches AWS, where the log on S3 is, what it says on stderr, and
//! how it ends.

mod aws;
mod bucket;
mod log_format;
mod metrics;
mod output_format;
mod receipt;
mod task_error;
mod termination;

pub use aws::{AwsError, sdk_config};
pub use bucket::{Bucket, BucketError, ListedObject, Object, ObjectEnd, Put, Upload, UploadedObject};
pub use log_format::{LogFormat, start_logging};
pub use metrics::{Metrics, Unit};
pub use output_format::OutputFormat;
pub use receipt::{ReceiptError, read_receipt, update_receipt};
pub use task_error::{TaskError, chain, report_failure};
pub use termination::termination;
