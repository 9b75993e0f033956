//! Somebody between us and the server.

use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Bit of the lower half of the server's capabilities that says that it speaks TLS.
const CLIENT_SSL: u16 = 0x0800;

/// Passes connections on to a server; ends with this value.
pub(crate) struct Forwarder {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Forwarder {
    /// Listens on another address of this machine, which the server's certificate does not name.
    pub(crate) async fn start(port: u16) -> Self {
        Self::start_on("127.0.0.2", port, false).await
    }

    /// Hides from the client that the server speaks TLS.
    pub(crate) async fn without_tls(port: u16) -> Self {
        Self::start_on("127.0.0.1", port, true).await
    }

    async fn start_on(host: &str, port: u16, hides_tls: bool) -> Self {
        let listener = TcpListener::bind((host, 0)).await.expect("open a port");
        let address = listener.local_addr().expect("address of the port");
        let task = tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.expect("accept a connection");
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", port)).await.expect("reach the server");
                    if hides_tls {
                        let greeting = read_packet(&mut server).await;
                        client.write_all(&without_tls(greeting)).await.expect("pass on the greeting");
                    }
                    // However it ends: what the two say to each other is not ours.
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { address, task }
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A packet with its head: three bytes of length, one of sequence.
async fn read_packet(server: &mut TcpStream) -> Vec<u8> {
    let mut packet = vec![0; 4];
    server.read_exact(&mut packet).await.expect("head of a packet");
    let length = u32::from_le_bytes([packet[0], packet[1], packet[2], 0]) as usize;
    packet.resize(4 + length, 0);
    server.read_exact(&mut packet[4..]).await.expect("body of a packet");
    packet
}

/// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html
fn without_tls(mut greeting: Vec<u8>) -> Vec<u8> {
    let version = &greeting[5..];
    let version_end = 5 + version.iter().position(|byte| *byte == 0).expect("end of the version") + 1;
    // Behind the thread's id, half of the nonce and a zero.
    let capabilities = version_end + 4 + 8 + 1;
    let lower = u16::from_le_bytes([greeting[capabilities], greeting[capabilities + 1]]);
    assert_ne!(lower & CLIENT_SSL, 0, "the server speaks TLS");
    greeting[capabilities..capabilities + 2].copy_from_slice(&(lower & !CLIENT_SSL).to_le_bytes());
    greeting
}
