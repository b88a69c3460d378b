//! A TCP proxy between the service and a server, which simulates failures of the network.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Network {
    Up,
    /// Existing connections are closed, and new ones at once.
    Cut,
    /// Connections stay open and deliver nothing.
    Hanging,
}

pub struct Proxy {
    pub addr: SocketAddr,
    network: watch::Sender<Network>,
    /// Connections with a lower number deliver nothing any more.
    lost_before: watch::Sender<usize>,
    connections: Arc<AtomicUsize>,
    sent: Arc<AtomicUsize>,
    server: watch::Sender<String>,
    /// Latency of the first answer on each connection.
    greeting: watch::Sender<Duration>,
}

impl Proxy {
    /// Starts a proxy in front of `server` (`host:port`).
    pub async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            addr: listener.local_addr().unwrap(),
            network: watch::Sender::new(Network::Up),
            lost_before: watch::Sender::new(0),
            connections: Arc::default(),
            sent: Arc::default(),
            server: watch::Sender::new(server),
            greeting: watch::Sender::default(),
        };
        let (network, lost_before) = (proxy.network.subscribe(), proxy.lost_before.subscribe());
        let (connections, sent) = (proxy.connections.clone(), proxy.sent.clone());
        let (server, greeting) = (proxy.server.subscribe(), proxy.greeting.subscribe());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let (network, lost_before) = (network.clone(), lost_before.clone());
                let greeting = *greeting.borrow();
                let way = Way { network, lost_before, number, greeting };
                let server = server.borrow().clone();
                tokio::spawn(carry(client, server, way, sent.clone()));
            }
        });
        proxy
    }

    pub fn cut(&self) {
        self.network.send_replace(Network::Cut);
    }

    pub fn hang(&self) {
        self.network.send_replace(Network::Hanging);
    }

    pub fn restore(&self) {
        self.network.send_replace(Network::Up);
    }

    /// Forwards new connections to `server`.
    pub fn lead_to(&self, server: String) {
        self.server.send_replace(server);
    }

    /// Drops the peer of every existing connection without closing it; new connections work.
    pub fn lose_connections(&self) {
        self.lost_before.send_replace(self.connections.load(Ordering::SeqCst));
    }

    /// Delays the first answer on each new connection, as a slow handshake.
    pub fn delay_handshakes(&self, by: Duration) {
        self.greeting.send_replace(by);
    }

    /// Number of chunks that the service has sent, roughly one per command.
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }
}

/// State of one connection.
#[derive(Clone)]
struct Way {
    network: watch::Receiver<Network>,
    lost_before: watch::Receiver<usize>,
    number: usize,
    greeting: Duration,
}

impl Way {
    /// Waits until data may pass. Returns false if the connection is to be closed.
    async fn is_free(&mut self) -> bool {
        if *self.lost_before.borrow() > self.number {
            std::future::pending::<()>().await;
        }
        let network = self.network.wait_for(|network| *network != Network::Hanging).await;
        network.is_ok_and(|network| *network == Network::Up)
    }

    async fn cut(&mut self) {
        let _ = self.network.wait_for(|network| *network == Network::Cut).await;
    }
}

async fn carry(client: TcpStream, server: String, mut way: Way, sent: Arc<AtomicUsize>) {
    if !way.is_free().await {
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let answered = AtomicUsize::default();
    let mut answers = way.clone();
    let answers = async {
        let _ = from_server.readable().await;
        sleep(std::mem::take(&mut answers.greeting)).await;
        Box::pin(pump(from_server, to_client, answers, &answered)).await;
    };
    tokio::select! {
        () = pump(from_client, to_server, way.clone(), &sent) => {}
        () = answers => {}
        () = way.cut() => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut way: Way,
    count: &AtomicUsize,
) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(size @ 1..) = from.read(&mut buffer).await {
        count.fetch_add(1, Ordering::SeqCst);
        if !way.is_free().await || to.write_all(&buffer[..size]).await.is_err() {
            return;
        }
    }
}
