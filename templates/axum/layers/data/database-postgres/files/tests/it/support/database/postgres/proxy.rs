//! A TCP proxy between the service and its database, which can cut the connections.

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};
use url::Url;

use super::Database;

pub struct Proxy {
    /// URL of the database through the proxy.
    pub url: String,
    open: watch::Sender<bool>,
}

impl Proxy {
    /// Starts a proxy that forwards everything.
    pub async fn before(database: &Database) -> Self {
        let mut url = Url::parse(database.url()).unwrap();
        let server = (url.host_str().unwrap().to_owned(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();

        let (open, is_open) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server.clone(), is_open.clone()));
            }
        });
        Self { url: url.into(), open }
    }

    /// Closes all connections, and new ones at once.
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    pub fn restore(&self) {
        self.open.send_replace(true);
    }
}

async fn pass(mut client: TcpStream, server: (String, u16), mut is_open: watch::Receiver<bool>) {
    if !*is_open.borrow() {
        return;
    }
    let mut server = TcpStream::connect(server).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = is_open.wait_for(|open| !open) => {}
    }
}
