//! cache.aside: Redis over TLS, whose certificate is verified.

use tokio::time::timeout;

use crate::support::{
    PATIENCE, Process, certificates::Certificates, free_port, json, redis::Server,
};

async fn status(service: &Process) -> String {
    json(service.get("/health/ready")).await["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn redis_is_reached_over_tls_and_only_with_a_certificate_that_is_trusted() {
    let files = Certificates::new().await;
    let server = Server::start().await;
    let port = free_port().local_addr().unwrap().port().to_string();
    let (certificate, key) = (files.certificate(), files.key());
    let authority = files.authority();
    server
        .command(&[
            "CONFIG",
            "SET",
            "tls-cert-file",
            &certificate,
            "tls-key-file",
            &key,
            "tls-ca-cert-file",
            &authority,
            "tls-auth-clients",
            "no",
            "tls-port",
            &port,
        ])
        .await;
    let url = format!("rediss://127.0.0.1:{port}");
    // A handshake may take longer than a call.
    let settings = [("REDIS_URL", url.as_str()), ("CACHE_TIMEOUT", "50ms")];
    let trusting = [settings.as_slice(), &[("SSL_CERT_FILE", &authority)]].concat();
    let service = Process::start(&trusting).await;
    let connected = async { while status(&service).await != "ok" {} };
    timeout(PATIENCE, connected).await.expect("the service connects");
    let settings = [("REDIS_URL", url.as_str()), ("CACHE_TIMEOUT", "10s")];
    let service = Process::start(&settings).await;
    assert_eq!(status(&service).await, "degraded", "the authority is not one of the system's");
    server.kill().await;
}
