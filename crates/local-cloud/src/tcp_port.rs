//! Free ports for servers that cannot be handed a bound socket.

use std::{io, net::TcpListener};

/// Below the range from which systems take ports for outgoing connections, so that nothing grabs a port between our look
/// and the server's start, except another stack that draws the same one.
const RANGE: std::ops::Range<u16> = 20_000..32_000;
const ATTEMPT_COUNT: usize = 200;

/// A port of 127.0.0.1 that nothing listens on.
///
/// # Errors
/// When none of many tries finds one.
pub(crate) fn free_port() -> io::Result<u16> {
    (0..ATTEMPT_COUNT)
        .map(|_| rand::random_range(RANGE))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .ok_or_else(|| io::Error::other(format!("no free port between {} and {}", RANGE.start, RANGE.end)))
}
