//! A PostgreSQL server for one test, which the test may change or crash.

use std::process::Stdio;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::support::PATIENCE;

pub struct Server {
    pub url: String,
    /// `scripts/with-postgres`, which stops the server when its input ends.
    script: Child,
}

impl Server {
    pub async fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/with-postgres");
        let mut script = Command::new(script)
            .args(["sh", "-c", "echo $DATABASE_URL; cat"])
            .env_remove("DATABASE_URL")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(script.stdout.take().unwrap()).lines();
        let said = timeout(PATIENCE, said.next_line()).await.expect("the server starts").unwrap();
        Self { url: said.expect("its address"), script }
    }

    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    /// Serves TLS with a certificate for 127.0.0.1, and returns the certificate.
    pub async fn serve_tls(&self) -> String {
        let mut connection = self.connect().await;
        let create = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=postgres \
            -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
            -keyout server.key -out server.crt && chmod 600 server.key";
        let create = format!("COPY (SELECT 1) TO PROGRAM '{create}'");
        for statement in [create.as_str(), "ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"] {
            connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
        }
        let offered = async {
            // A connection asks for TLS, and continues without it.
            let tls = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
            let has_tls = async || {
                let tls = sqlx::query_scalar::<_, bool>(tls);
                tls.fetch_one(&mut self.connect().await).await.unwrap()
            };
            while !has_tls().await {}
        };
        timeout(PATIENCE, offered).await.expect("the server offers TLS");
        let certificate = sqlx::query_scalar("SELECT pg_read_file('server.crt')");
        certificate.fetch_one(&mut connection).await.unwrap()
    }

    /// Kills the server process of this connection. PostgreSQL treats that as a crash: it closes
    /// all other connections and recovers from its log.
    #[allow(dead_code, reason = "for tests of resources")]
    pub async fn crash(&self) {
        let mut connection = loop {
            // The server may still be recovering from the previous crash.
            if let Ok(connection) = PgConnection::connect(&self.url).await {
                break connection;
            }
        };
        let crash = "COPY (SELECT 1) TO PROGRAM 'kill -s KILL $PPID'";
        connection.execute(crash).await.unwrap_err();
    }

    pub async fn end(mut self) {
        drop(self.script.stdin.take());
        timeout(PATIENCE, self.script.wait()).await.expect("the script exits").unwrap();
    }
}
