//! Packets of the protocol: a length of three bytes, a sequence number, the payload. A payload of 16 MiB or more comes in several.
//! https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html

use mysql_common::constants::Command;
use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

const HEADER: usize = 4;
/// A payload of this length is continued in the next packet.
const FULL: usize = 0xff_ffff;
/// What is asked of the operating system at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// How long a signal to stop may go unnoticed while the server is silent.
const STOP_CHECK: Duration = Duration::from_millis(500);

/// Packets in both directions over one connection.
pub(super) struct PacketStream {
    transport: Transport,
    /// Received and not yet handed out: `buffer[start..end]`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Where the last payload lies in the buffer.
    payload: Range<usize>,
    /// A payload that came in several packets.
    joined: Vec<u8>,
    sequence: u8,
    /// Not until the server is known to be the right one.
    takes_long_payloads: bool,
    /// Longest silence that is borne.
    timeout: Duration,
    stop: Arc<AtomicBool>,
}

enum Transport {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl PacketStream {
    pub(super) fn plain(stream: TcpStream, timeout: Duration, stop: Arc<AtomicBool>) -> io::Result<Self> {
        stream.set_read_timeout(Some(STOP_CHECK.min(timeout)))?;
        Ok(Self {
            transport: Transport::Plain(stream),
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            payload: 0..0,
            joined: Vec::new(),
            sequence: 0,
            takes_long_payloads: false,
            timeout,
            stop,
        })
    }

    /// Encrypts from here on.
    pub(super) fn over_tls(self, config: Arc<ClientConfig>, name: ServerName<'static>) -> io::Result<Self> {
        let Transport::Plain(stream) = self.transport else { return Ok(self) };
        // Anybody on the way could have sent it, and it would pass for what came encrypted.
        if self.start != self.end {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "data in clear text where TLS begins"));
        }
        let client = ClientConnection::new(config, name).map_err(io::Error::other)?;
        let mut tls = Box::new(StreamOwned::new(client, stream));
        // Now, so that a certificate that is not trusted is seen before anything is sent.
        tls.sock.set_read_timeout(Some(self.timeout))?;
        tls.conn.complete_io(&mut tls.sock)?;
        tls.sock.set_read_timeout(Some(STOP_CHECK.min(self.timeout)))?;
        Ok(Self { transport: Transport::Tls(tls), ..self })
    }

    /// From here on the server may send rows of any length, and be silent for so long before it counts as gone.
    pub(super) fn begin_rows(&mut self, timeout: Duration) {
        self.takes_long_payloads = true;
        self.timeout = timeout;
    }

    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self.transport, Transport::Tls(_))
    }

    /// Receives the next packet and returns its payload.
    pub(super) fn read(&mut self) -> io::Result<&[u8]> {
        self.advance()?;
        Ok(self.payload())
    }

    /// Receives the next packet.
    pub(super) fn advance(&mut self) -> io::Result<()> {
        // One long row does not hold its memory for the rest of the table.
        self.joined = Vec::new();
        let mut length = self.header()?;
        while length == FULL {
            if !self.takes_long_payloads {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a packet of 16 MiB from a server that let nobody in yet",
                ));
            }
            self.take(length)?;
            self.joined.extend_from_slice(&self.buffer[self.payload.clone()]);
            length = self.header()?;
        }
        self.take(length)?;
        if !self.joined.is_empty() {
            self.joined.extend_from_slice(&self.buffer[self.payload.clone()]);
        }
        Ok(())
    }

    /// The payload of the last packet.
    pub(super) fn payload(&self) -> &[u8] {
        if self.joined.is_empty() { &self.buffer[self.payload.clone()] } else { &self.joined }
    }

    fn take(&mut self, length: usize) -> io::Result<()> {
        self.fill(length)?;
        self.payload = self.start..self.start + length;
        self.start = self.payload.end;
        Ok(())
    }

    /// Answers a packet of the same exchange.
    pub(super) fn write(&mut self, payload: &[u8]) -> io::Result<()> {
        let mut packet = Vec::with_capacity(HEADER + payload.len());
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        if payload.len() >= FULL {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a statement of 16 MiB or more"));
        }
        packet.extend_from_slice(&length.to_le_bytes()[..3]);
        packet.push(self.sequence);
        packet.extend_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        match &mut self.transport {
            Transport::Plain(stream) => stream.write_all(&packet),
            Transport::Tls(stream) => stream.write_all(&packet).and_then(|()| stream.flush()),
        }
    }

    /// Begins an exchange.
    pub(super) fn command(&mut self, command: Command, arguments: &[u8]) -> io::Result<()> {
        self.sequence = 0;
        let mut payload = vec![command as u8];
        payload.extend_from_slice(arguments);
        self.write(&payload)
    }

    /// Length of the next packet's payload.
    fn header(&mut self) -> io::Result<usize> {
        self.fill(HEADER)?;
        let header = &self.buffer[self.start..self.start + HEADER];
        let length = usize::from(header[0]) | usize::from(header[1]) << 8 | usize::from(header[2]) << 16;
        if header[3] != self.sequence {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a packet out of order"));
        }
        self.sequence = header[3].wrapping_add(1);
        self.start += HEADER;
        Ok(length)
    }

    /// Receives until so many bytes lie ready.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        if self.end - self.start >= wanted {
            return Ok(());
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        } else if self.buffer.len() > BUFFER_BYTES && wanted <= BUFFER_BYTES && self.end <= BUFFER_BYTES {
            // One long row does not hold its memory for the rest of the table.
            self.buffer.truncate(BUFFER_BYTES);
            self.buffer.shrink_to_fit();
        }
        let mut silent_since: Option<Instant> = None;
        while self.end < wanted {
            let room = &mut self.buffer[self.end..];
            let read = match &mut self.transport {
                Transport::Plain(stream) => stream.read(room),
                Transport::Tls(stream) => stream.read(room),
            };
            match read {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.end += count;
                    silent_since = None;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    if self.stop.load(Ordering::Relaxed) {
                        return Err(io::ErrorKind::Interrupted.into());
                    }
                    if silent_since.get_or_insert_with(Instant::now).elapsed() >= self.timeout {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{RootCertStore, crypto::ring};
    use std::net::TcpListener;

    /// A stream on which these bytes have arrived.
    fn received(bytes: &[u8]) -> PacketStream {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.accept().unwrap().0.write_all(bytes).unwrap();
        PacketStream::plain(client, Duration::from_secs(5), Arc::new(AtomicBool::new(false))).unwrap()
    }

    /// Whoever stands between could answer in the server's place before the server is known.
    #[test]
    fn what_came_before_tls_is_not_taken_for_what_came_over_it() {
        let mut packets = received(&[1, 0, 0, 0, 10, 1, 0, 0, 2, 0]);
        assert_eq!(packets.read().unwrap(), [10]);
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let error = packets.over_tls(Arc::new(config), name).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    }

    #[test]
    fn a_packet_out_of_order_ends_the_exchange() {
        let mut packets = received(&[1, 0, 0, 0, 10, 1, 0, 0, 3, 0]);
        packets.read().unwrap();
        assert_eq!(packets.read().unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_server_that_let_nobody_in_sends_no_long_packets() {
        let mut packets = received(&[0xff, 0xff, 0xff, 0, 10]);
        assert_eq!(packets.read().unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
