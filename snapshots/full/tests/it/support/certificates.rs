//! An authority, and a certificate of it for `127.0.0.1`.

use std::{fs, path::PathBuf};

use tokio::process::Command;
use uuid::Uuid;

const SCRIPT: &str = "
    openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=authority -keyout ca.key -out ca.pem
    openssl req -newkey rsa:2048 -nodes -subj /CN=server -keyout server.key -out server.csr
    echo subjectAltName=IP:127.0.0.1 > extensions
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 \\
        -extfile extensions -out server.pem
";

/// Files in a folder, which dropping it deletes.
pub struct Certificates(PathBuf);

impl Certificates {
    pub async fn new() -> Self {
        let folder = Self(std::env::temp_dir().join(Uuid::now_v7().to_string()));
        fs::create_dir(&folder.0).unwrap();
        let script = ["-ec", SCRIPT];
        let made = Command::new("sh").args(script).current_dir(&folder.0).output().await.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        folder
    }

    /// Certificate of the authority.
    pub fn authority(&self) -> String {
        self.path("ca.pem")
    }

    pub fn certificate(&self) -> String {
        self.path("server.pem")
    }

    pub fn key(&self) -> String {
        self.path("server.key")
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
