//! A connection for the bulk read, which hands out each row as the bytes that the server sent.
//!
//! Every public driver builds a row object with a value for each column before anybody can look at it. For 5 million bookings that
//! costs 1.3 s of CPU time where hashing the bytes as they lie in the receive buffer costs 0.4 s, and of an unchanged chunk
//! nothing else is needed. So this module frames packets and runs prepared statements; what the packets of the connection
//! phase mean, and how passwords are scrambled, is left to `mysql_common`, and TLS to rustls. It blocks: it belongs on a thread of
//! its own.

mod handshake;
mod packets;
mod tls;

pub(crate) use tls::{TlsError, tls_config};

use crate::source_row::{SourceRow, SourceValue};
use mysql_common::{
    constants::{CapabilityFlags, ColumnFlags, ColumnType as WireType, Command},
    io::ParseBuf,
    packets::{Column, ErrPacket, StmtPacket},
};
use packets::PacketStream;
use rustls::{ClientConfig, pki_types::ServerName};
use secrecy::SecretString;
use std::{
    io,
    net::{TcpStream, ToSocketAddrs as _},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

const OK: u8 = 0x00;
const END: u8 = 0xfe;
const ERROR: u8 = 0xff;
/// An end packet of a result set that begins like a very long row is never this long.
const LONGEST_END: usize = 0xff_ffff;

/// Where to connect, as whom, and how.
#[derive(Debug, Clone)]
pub(crate) struct WireOptions {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) user: String,
    pub(crate) password: SecretString,
    /// Whether the password may be sent as it is: IAM tokens are, over TLS only.
    pub(crate) allows_cleartext: bool,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    /// The statement that sets up the session.
    pub(crate) session: String,
    /// Longest silence of the server that is borne until the session is set up.
    pub(crate) connect_timeout: Duration,
    /// The same afterwards.
    pub(crate) read_timeout: Duration,
    /// Ends every wait once it is set.
    pub(crate) stop: Arc<AtomicBool>,
}

/// Why the server could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("the connection failed")]
    Io(#[source] io::Error),
    #[error("the host has no address")]
    UnknownHost(#[source] io::Error),
    #[error("the server does not answer")]
    ConnectTimeout,
    #[error("the server says: {message} (error {code})")]
    Server { code: u16, message: String },
    #[error("the server offers no TLS")]
    NoTls,
    #[error("the host's name cannot stand in a certificate: `{0}`")]
    ServerName(String),
    #[error("the server asks for authentication by `{0}`, which is not supported")]
    AuthPlugin(String),
    #[error("the server asks for the password in clear text, which is for IAM tokens over TLS")]
    Cleartext,
    #[error("the server asks for the password, which is sent over TLS only")]
    PasswordWithoutTls,
    #[error("the server gives no consistent snapshot: {0}")]
    NoSnapshot(String),
    #[error("stopped by a signal")]
    Stopped,
    #[error("the server's answer cannot be understood: {0}")]
    Protocol(&'static str),
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::Interrupted { Self::Stopped } else { Self::Io(error) }
    }
}

/// What the bytes of a column mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WireColumn {
    pub(crate) wire_type: WireType,
    pub(crate) is_unsigned: bool,
    /// Digits after the decimal point, of seconds for times.
    pub(crate) decimals: u8,
}

/// An authenticated connection that does one thing at a time.
pub struct WireConnection {
    packets: PacketStream,
}

/// The result of a statement, row by row.
pub(crate) struct WireRows<'c> {
    packets: &'c mut PacketStream,
    statement_id: u32,
    columns: Vec<WireColumn>,
    is_done: bool,
}

impl WireConnection {
    /// Connects, authenticates and sets up the session.
    ///
    /// # Errors
    /// When the server cannot be reached, is not trusted, or does not let the user in.
    pub(crate) fn open(options: &WireOptions) -> Result<Self, WireError> {
        let open = || {
            let stream = connect(options)?;
            stream.set_nodelay(true)?;
            stream.set_write_timeout(Some(options.read_timeout))?;
            let packets = PacketStream::plain(stream, options.connect_timeout, options.stop.clone())?;
            let mut connection = Self { packets: handshake::authenticate(packets, options)? };
            connection.execute(&options.session)?;
            connection.packets.begin_rows(options.read_timeout);
            Ok(connection)
        };
        open().map_err(|error| match error {
            WireError::Io(io) if matches!(io.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => {
                WireError::ConnectTimeout
            }
            error => error,
        })
    }

    /// All values of a statement that returns few whole numbers; `None` for NULL and for what does not fit.
    ///
    /// # Errors
    /// When the server refuses it or is gone.
    pub(crate) fn integers(&mut self, sql: &str) -> Result<Vec<Vec<Option<i64>>>, WireError> {
        let mut rows = self.select(sql)?;
        let columns = rows.columns().to_vec();
        let mut found = Vec::new();
        while let Some(bytes) = rows.next()? {
            let number = |value| match value? {
                SourceValue::Int(number) => Ok(Some(number)),
                _ => Ok(None),
            };
            let values = SourceRow::new(columns.len(), bytes)?.values(&columns);
            found.push(values.map(number).collect::<Result<_, WireError>>()?);
        }
        Ok(found)
    }

    /// One column of the first row of a statement, as text.
    ///
    /// # Errors
    /// When the server refuses it or is gone.
    pub fn text(&mut self, sql: &str, column: usize) -> Result<Option<String>, WireError> {
        let mut rows = self.select(sql)?;
        let columns = rows.columns().to_vec();
        let mut text = None;
        let mut is_first = true;
        while let Some(bytes) = rows.next()? {
            if std::mem::take(&mut is_first) {
                let mut values = SourceRow::new(columns.len(), bytes)?.values(&columns);
                if let (Some(value), Some(definition)) = (values.nth(column), columns.get(column)) {
                    text = value?.to_text(definition);
                }
            }
        }
        Ok(text)
    }

    /// Runs a statement that returns no rows; the count of warnings that it gave.
    ///
    /// # Errors
    /// When the server refuses it or is gone.
    pub fn execute(&mut self, sql: &str) -> Result<u16, WireError> {
        self.packets.command(Command::COM_QUERY, sql.as_bytes())?;
        let packet = self.packets.read()?;
        match packet.first() {
            Some(&OK) => warnings(packet).ok_or(WireError::Protocol("an OK packet that is cut off")),
            Some(&ERROR) => Err(server_error(packet)),
            _ => Err(WireError::Protocol("rows of a statement that has none")),
        }
    }

    /// Runs a statement by the binary protocol.
    ///
    /// # Errors
    /// When the server refuses it or is gone.
    pub(crate) fn select(&mut self, sql: &str) -> Result<WireRows<'_>, WireError> {
        self.packets.command(Command::COM_STMT_PREPARE, sql.as_bytes())?;
        let packet = self.packets.read()?;
        if packet.first() == Some(&ERROR) {
            return Err(server_error(packet));
        }
        let prepared: StmtPacket =
            ParseBuf(packet).parse(()).map_err(|_| WireError::Protocol("a prepared statement"))?;
        for _ in 0..usize::from(prepared.num_params()) + usize::from(prepared.num_columns()) {
            self.packets.read()?;
        }

        // Statement, no cursor, one iteration.
        let mut execute = prepared.statement_id().to_le_bytes().to_vec();
        execute.extend_from_slice(&[0, 1, 0, 0, 0]);
        self.packets.command(Command::COM_STMT_EXECUTE, &execute)?;
        let packet = self.packets.read()?;
        let column_count = match packet.first() {
            Some(&ERROR) => return Err(server_error(packet)),
            Some(&OK) | None => return Err(WireError::Protocol("no rows of a statement that has some")),
            // Not more than 4,096 columns fit into a table: one byte, or two after a mark.
            Some(0xfc) if packet.len() >= 3 => usize::from(u16::from_le_bytes([packet[1], packet[2]])),
            Some(count) => usize::from(*count),
        };
        let mut columns = Vec::with_capacity(column_count);
        for _ in 0..column_count {
            let column: Column =
                ParseBuf(self.packets.read()?).parse(()).map_err(|_| WireError::Protocol("a column definition"))?;
            columns.push(WireColumn {
                wire_type: column.column_type(),
                is_unsigned: column.flags().contains(ColumnFlags::UNSIGNED_FLAG),
                decimals: column.decimals(),
            });
        }
        Ok(WireRows { packets: &mut self.packets, statement_id: prepared.statement_id(), columns, is_done: false })
    }
}

impl WireRows<'_> {
    pub(crate) fn columns(&self) -> &[WireColumn] {
        &self.columns
    }

    /// The next row in the binary protocol's form, after its leading zero byte: NULL bitmap and values.
    ///
    /// # Errors
    /// When the connection is lost, or the server gives up in the middle.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, WireError> {
        if self.is_done {
            return Ok(None);
        }
        self.packets.advance()?;
        let packet = self.packets.payload();
        match packet.first() {
            Some(&OK) => return Ok(Some(&self.packets.payload()[1..])),
            Some(&END) if packet.len() < LONGEST_END => {}
            Some(&ERROR) => {
                self.is_done = true;
                return Err(server_error(packet));
            }
            _ => return Err(WireError::Protocol("a row")),
        }
        self.is_done = true;
        self.packets.command(Command::COM_STMT_CLOSE, &self.statement_id.to_le_bytes())?;
        Ok(None)
    }
}

/// What the client says of itself. Without `CLIENT_DEPRECATE_EOF` further packets would stand around the column definitions.
fn capabilities() -> CapabilityFlags {
    CapabilityFlags::CLIENT_PROTOCOL_41
        | CapabilityFlags::CLIENT_SECURE_CONNECTION
        | CapabilityFlags::CLIENT_LONG_PASSWORD
        | CapabilityFlags::CLIENT_TRANSACTIONS
        | CapabilityFlags::CLIENT_PLUGIN_AUTH
        | CapabilityFlags::CLIENT_CONNECT_WITH_DB
        | CapabilityFlags::CLIENT_DEPRECATE_EOF
}

fn connect(options: &WireOptions) -> Result<TcpStream, WireError> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    let addresses = (options.host.as_str(), options.port).to_socket_addrs().map_err(WireError::UnknownHost)?;
    for address in addresses {
        match TcpStream::connect_timeout(&address, options.connect_timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last.into())
}

fn server_name(host: &str) -> Result<ServerName<'static>, WireError> {
    ServerName::try_from(host.to_owned()).map_err(|_| WireError::ServerName(host.to_owned()))
}

/// The count of warnings in an OK packet: after two numbers of variable length and two bytes of status.
fn warnings(packet: &[u8]) -> Option<u16> {
    let skip = |bytes: &[u8]| match bytes.first()? {
        0xfc => Some(3),
        0xfd => Some(4),
        0xfe => Some(9),
        _ => Some(1),
    };
    let rest = packet.get(1..)?;
    let rest = rest.get(skip(rest)?..)?;
    let rest = rest.get(skip(rest)? + 2..)?;
    Some(u16::from_le_bytes([*rest.first()?, *rest.get(1)?]))
}

fn server_error(packet: &[u8]) -> WireError {
    match ParseBuf(packet).parse::<ErrPacket<'_>>(capabilities()) {
        Ok(ErrPacket::Error(error)) => {
            WireError::Server { code: error.error_code(), message: error.message_str().into_owned() }
        }
        Ok(ErrPacket::Progress(_)) | Err(_) => WireError::Protocol("an error packet"),
    }
}
