//! A TCP proxy between the service and its database, which can cut the connections, lose them, and
//! withhold answers.

use std::{future::pending, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    time::timeout,
};
use url::Url;

use super::Database;
use crate::support::PATIENCE;

pub struct Proxy {
    /// URL of the database through the proxy.
    pub url: String,
    open: watch::Sender<bool>,
    /// Increased when the connections of that time are lost.
    age: watch::Sender<u32>,
    answers: Arc<watch::Sender<Answers>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    Pass,
    /// All until a connection has given these command tags in turn.
    PassUntil(&'static [&'static str]),
    /// The connection with that answer delivers nothing.
    Withheld,
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
        let (age, ages) = watch::channel(0);
        let answers = Arc::new(watch::Sender::new(Answers::Pass));
        let state = answers.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mut ages = ages.clone();
                let born = *ages.borrow_and_update();
                let pass = pass(client, server.clone(), is_open.clone(), state.clone());
                tokio::spawn(async move {
                    let lost = async { drop(ages.wait_for(|age| *age != born).await) };
                    let mut pass = std::pin::pin!(pass);
                    tokio::select! {
                        () = &mut pass => {}
                        // The sockets stay open, and nothing is read or written.
                        () = lost => pending().await,
                    }
                });
            }
        });
        Self { url: url.into(), open, age, answers }
    }

    /// Drops the peer of every existing connection without closing it; new connections work.
    pub fn lose_connections(&self) {
        self.age.send_modify(|age| *age += 1);
    }

    /// Closes all connections, and new ones at once.
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    pub fn restore(&self) {
        self.open.send_replace(true);
    }

    /// Withholds the last of these command tags, once a connection gives them in turn, such as `UPDATE 1`
    /// and `COMMIT`. Background tasks commit as well, so `COMMIT` alone may be theirs.
    pub fn withhold(&self, tags: &'static [&'static str]) {
        self.answers.send_replace(Answers::PassUntil(tags));
    }

    /// Waits until an answer is withheld: the server has done what it says.
    pub async fn withheld(&self) {
        let mut answers = self.answers.subscribe();
        let withheld = answers.wait_for(|answers| *answers == Answers::Withheld);
        timeout(PATIENCE, withheld).await.expect("the server answers").unwrap();
    }

    /// Delivers the answer, if its connection is still there.
    pub fn deliver(&self) {
        self.answers.send_replace(Answers::Pass);
    }
}

async fn pass(
    client: TcpStream,
    server: (String, u16),
    mut is_open: watch::Receiver<bool>,
    state: Arc<watch::Sender<Answers>>,
) {
    if !*is_open.borrow() {
        return;
    }
    let (from_server, mut to_server) = TcpStream::connect(server).await.unwrap().into_split();
    let (mut from_client, to_client) = client.into_split();
    tokio::select! {
        _ = copy(&mut from_client, &mut to_server) => {}
        () = answer(from_server, to_client, &state) => {}
        _ = is_open.wait_for(|open| !open) => {}
    }
}

async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &watch::Sender<Answers>) {
    let mut buffer = [0; 16 * 1024];
    let (mut awaited, mut given): (&[&str], _) = (&[], 0);
    while let Ok(size @ 1..) = from.read(&mut buffer).await {
        let answer = &buffer[..size];
        let withhold = state.send_if_modified(|answers| {
            let Answers::PassUntil(tags) = *answers else { return false };
            if tags != awaited {
                (awaited, given) = (tags, 0);
            }
            given += tags.iter().skip(given).take_while(|tag| has_tag(answer, tag)).count();
            let are_all = given == tags.len();
            if are_all {
                (*answers, given) = (Answers::Withheld, 0);
            }
            are_all
        });
        if withhold {
            let mut answers = state.subscribe();
            let _ = answers.wait_for(|answers| *answers != Answers::Withheld).await;
        }
        if to.write_all(answer).await.is_err() {
            return;
        }
    }
}

/// Whether a `CommandComplete` message with this tag is among the messages.
fn has_tag(messages: &[u8], tag: &str) -> bool {
    let tag = [tag.as_bytes(), b"\0"].concat();
    messages.windows(tag.len()).any(|part| part == tag)
}
