//! PostgreSQL over TLS, whose certificate is verified.

use std::fs;

use uuid::Uuid;

use crate::support::{Process, database::postgres::server::Server};

#[tokio::test]
async fn postgres_is_reached_over_tls_and_only_with_a_certificate_that_is_trusted() {
    let server = Server::start().await;
    let certificate = server.serve_tls().await;
    let file = std::env::temp_dir().join(format!("{}.pem", Uuid::now_v7()));
    fs::write(&file, certificate).unwrap();
    let verified = format!("{}?sslmode=verify-full", server.url);
    let trusted = format!("{verified}&sslrootcert={}", file.display());
    let migrate = async |url: &str| Process::run(&["migrate"], &[("DATABASE_URL", url)]).await;
    let output = migrate(&trusted).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(!migrate(&verified).await.status.success(), "it is not one of the system's");
    // The certificate is for 127.0.0.1.
    let other_name = trusted.replace("127.0.0.1", "localhost");
    assert!(!migrate(&other_name).await.status.success(), "it is not for this host");
    let any_name = other_name.replace("verify-full", "verify-ca");
    let output = migrate(&any_name).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    fs::remove_file(file).unwrap();
    server.end().await;
}
