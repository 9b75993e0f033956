//! The connection phase: the server's greeting, TLS where it is asked for, and the password in the form that the server wants.
//! https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html

use super::{ERROR, OK, WireError, WireOptions, capabilities, packets::PacketStream, server_error, server_name};
use mysql_common::{
    constants::CapabilityFlags,
    io::ParseBuf,
    packets::{AuthPlugin, AuthSwitchRequest, HandshakePacket, HandshakeResponse, SslRequest},
    proto::MySerialize,
};
use secrecy::ExposeSecret as _;

/// As long a row as a server can send.
const MAX_PACKET: u32 = 1 << 30;
const UTF8MB4_GENERAL_CI: u8 = 45;
const AUTH_SWITCH: u8 = 0xfe;
const AUTH_MORE_DATA: u8 = 0x01;
/// What `caching_sha2_password` says after the scrambled password: https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html
const KNOWN_PASSWORD: u8 = 0x03;
const WANTS_PASSWORD: u8 = 0x04;

/// Takes a fresh connection through the phase.
pub(super) fn authenticate(mut packets: PacketStream, options: &WireOptions) -> Result<PacketStream, WireError> {
    let greeting = packets.read()?;
    if greeting.first() == Some(&ERROR) {
        return Err(server_error(greeting));
    }
    let greeting: HandshakePacket<'_> =
        ParseBuf(greeting).parse(()).map_err(|_| WireError::Protocol("the server's greeting"))?;
    let (offered, mut nonce) = (greeting.capabilities(), greeting.nonce());
    let mut plugin = match greeting.auth_plugin() {
        Some(plugin @ AuthPlugin::CachingSha2Password) => plugin.into_owned(),
        _ => AuthPlugin::MysqlNativePassword,
    };
    let mut flags = capabilities();
    // MariaDB leaves out the flag that says that it is MySQL.
    if !offered.contains(flags - CapabilityFlags::CLIENT_LONG_PASSWORD) {
        return Err(WireError::Protocol("a server older than MySQL 5.7 and MariaDB 10.2"));
    }
    if let Some(config) = &options.tls {
        if !offered.contains(CapabilityFlags::CLIENT_SSL) {
            return Err(WireError::NoTls);
        }
        flags |= CapabilityFlags::CLIENT_SSL;
        packets.write(&serialized(&SslRequest::new(flags, MAX_PACKET, UTF8MB4_GENERAL_CI)))?;
        packets = packets.over_tls(config.clone(), server_name(&options.host)?)?;
    }
    let password = options.password.expose_secret();
    let scrambled = plugin.gen_data(Some(password), &nonce).map(|data| serialized(&data.into_owned()));
    let response = HandshakeResponse::new(
        scrambled.as_deref(),
        // The version chooses the character set, which is utf8mb4 for every server that got here.
        (8, 0, 0),
        Some(options.user.as_bytes()),
        Some(options.database.as_bytes()),
        Some(plugin.clone()),
        flags,
        None,
        MAX_PACKET,
    );
    packets.write(&serialized(&response))?;

    let is_encrypted = packets.is_encrypted();
    loop {
        let packet = packets.read()?;
        match packet {
            [OK, ..] => return Ok(packets),
            [ERROR, ..] => return Err(server_error(packet)),
            [AUTH_SWITCH, ..] => {
                let request: AuthSwitchRequest<'_> = ParseBuf(packet)
                    .parse(())
                    .map_err(|_| WireError::Protocol("a request to authenticate otherwise"))?;
                plugin = request.auth_plugin().into_owned();
                // A closing zero byte is no part of it.
                nonce = request.plugin_data().strip_suffix(&[0]).unwrap_or(request.plugin_data()).to_vec();
                let answer = match &plugin {
                    AuthPlugin::MysqlClearPassword if options.allows_cleartext && is_encrypted => terminated(password),
                    AuthPlugin::MysqlClearPassword => return Err(WireError::Cleartext),
                    AuthPlugin::CachingSha2Password | AuthPlugin::MysqlNativePassword => plugin
                        .gen_data(Some(password), &nonce)
                        .map(|data| serialized(&data.into_owned()))
                        .unwrap_or_default(),
                    other => {
                        return Err(WireError::AuthPlugin(String::from_utf8_lossy(other.as_bytes()).into_owned()));
                    }
                };
                packets.write(&answer)?;
            }
            [AUTH_MORE_DATA, KNOWN_PASSWORD] => {}
            [AUTH_MORE_DATA, WANTS_PASSWORD] if is_encrypted => packets.write(&terminated(password))?,
            // It could be encrypted with a key that the server sends, but that may be anybody's key.
            [AUTH_MORE_DATA, WANTS_PASSWORD] => return Err(WireError::PasswordWithoutTls),
            _ => return Err(WireError::Protocol("an answer to the password")),
        }
    }
}

fn terminated(password: &str) -> Vec<u8> {
    let mut bytes = password.as_bytes().to_vec();
    bytes.push(0);
    bytes
}

fn serialized(packet: &impl MySerialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.serialize(&mut bytes);
    bytes
}
