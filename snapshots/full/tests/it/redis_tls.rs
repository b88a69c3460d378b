//! cache.aside: Redis over TLS, whose certificate is verified.

use std::{fs, path::PathBuf};

use tokio::process::Command;
use uuid::Uuid;

use crate::support::{Process, free_port, json, redis::Server};

/// An authority, and a certificate of it for `127.0.0.1`.
const CERTIFICATES: &str = "
    openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=authority -keyout ca.key -out ca.pem
    openssl req -newkey rsa:2048 -nodes -subj /CN=redis -keyout redis.key -out redis.csr
    echo subjectAltName=IP:127.0.0.1 > extensions
    openssl x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 \\
        -extfile extensions -out redis.pem
";

struct Folder(PathBuf);

impl Folder {
    async fn with_certificates() -> Self {
        let folder = Self(std::env::temp_dir().join(Uuid::now_v7().to_string()));
        fs::create_dir(&folder.0).unwrap();
        let script = ["-ec", CERTIFICATES];
        let made = Command::new("sh").args(script).current_dir(&folder.0).output().await.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn status(settings: &[(&str, &str)]) -> String {
    let service = Process::start(settings).await;
    json(service.get("/health/ready")).await["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn redis_is_reached_over_tls_and_only_with_a_certificate_that_is_trusted() {
    let folder = Folder::with_certificates().await;
    let server = Server::start().await;
    let port = free_port().local_addr().unwrap().port().to_string();
    let (certificate, key) = (folder.path("redis.pem"), folder.path("redis.key"));
    let authority = folder.path("ca.pem");
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
