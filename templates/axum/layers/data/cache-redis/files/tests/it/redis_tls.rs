//! cache.aside: Redis over TLS, whose certificate is verified.

use crate::support::{Process, certificates::Certificates, free_port, json, redis::Server};

async fn status(settings: &[(&str, &str)]) -> String {
    let service = Process::start(settings).await;
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
    let settings = [("REDIS_URL", url.as_str()), ("CACHE_TIMEOUT", "10s")];
    let trusting = [settings.as_slice(), &[("SSL_CERT_FILE", &authority)]].concat();
    assert_eq!(status(&trusting).await, "ok");
    assert_eq!(status(&settings).await, "degraded", "the authority is not one of the system's");
    server.kill().await;
}
