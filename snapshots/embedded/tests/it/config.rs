//! app.config: settings come from the environment; all configuration errors are reported at once.

use std::path::PathBuf;

use crate::support::{Process, free_port};

#[tokio::test]
async fn every_invalid_setting_is_reported_before_the_service_starts() {
    let bad = [("HTTP_ADDR", "here"), ("REQUEST_TIMEOUT", "30"), ("RATE_LIMIT_PER_MINUTE", "-1")];
    let output = Process::run(&["serve"], &bad).await;
    assert_eq!(output.status.code(), Some(78));
    assert!(output.stdout.is_empty(), "no socket was opened");
    let stderr = String::from_utf8(output.stderr).unwrap();
    let mut names: Vec<_> = stderr.lines().map(|line| line.split(':').next().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["HTTP_ADDR", "RATE_LIMIT_PER_MINUTE", "REQUEST_TIMEOUT"]);
}

#[tokio::test]
async fn any_origin_with_credentials_is_refused() {
    let bad = [("CORS_ORIGINS", "*"), ("CORS_CREDENTIALS", "true")];
    let output = Process::run(&[], &bad).await;
    assert_eq!(output.status.code(), Some(78));
}

#[tokio::test]
async fn the_effective_settings_are_shown_without_secrets() {
    let set = [("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hunter2"), ("SHUTDOWN_GRACE", "9s")];
    let output = Process::run(&["--print-config"], &set).await;
    assert!(output.status.success());
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("SHUTDOWN_GRACE=9s\n") && stdout.contains("REQUEST_TIMEOUT=30s\n"));
    assert!(stdout.contains("OTEL_EXPORTER_OTLP_HEADERS=[redacted]\n"));
    assert!(!stdout.contains("hunter2"));
}

#[tokio::test]
async fn the_example_file_and_the_table_list_every_setting() {
    let output = Process::run(&["--print-config"], &[]).await;
    let printed = String::from_utf8(output.stdout).unwrap();
    let example = include_str!("../../.env.example");
    let table = include_str!("../../docs/configuration.md");
    for name in printed.lines().filter_map(|line| line.split('=').next()) {
        assert!(example.contains(&format!("{name}=")), "{name} is missing in .env.example");
        assert!(table.contains(&format!("| `{name}` |")), "{name} is missing in configuration.md");
    }
}

#[tokio::test]
async fn an_env_file_is_read_in_development_only() {
    let folder = Folder::new();
    let print = async |file: &str, settings: &[(&str, &str)]| {
        folder.write(".env", file);
        let output = Process::run_in(&folder.0, &["--print-config"], settings).await;
        String::from_utf8(output.stdout).unwrap()
    };
    let line = "REQUEST_TIMEOUT=7s\n";
    let development = format!("APP_ENV=development\n{line}");
    assert!(print(&development, &[]).await.contains(line));
    assert!(!print(&development, &[("APP_ENV", "production")]).await.contains(line));
    assert!(!print(line, &[]).await.contains(line), "production is the default");
    let set = [("REQUEST_TIMEOUT", "8s")];
    assert!(
        print(&development, &set).await.contains("REQUEST_TIMEOUT=8s\n"),
        "the environment overrides the file"
    );
}

#[tokio::test]
async fn in_development_the_example_completes_the_env_file() {
    let folder = Folder::new();
    let example = "APP_ENV=development\nREQUEST_TIMEOUT=7s\nSTATIC_MAX_AGE=9s\n";
    folder.write(".env.example", example);
    let print = async |settings: &[(&str, &str)]| {
        let output = Process::run_in(&folder.0, &["--print-config"], settings).await;
        String::from_utf8(output.stdout).unwrap()
    };
    let development = [("APP_ENV", "development")];
    assert!(print(&development).await.contains("REQUEST_TIMEOUT=7s\n"));
    assert!(!print(&[]).await.contains("REQUEST_TIMEOUT=7s\n"), "production is the default");
    folder.write(".env", "REQUEST_TIMEOUT=8s\n");
    let printed = print(&development).await;
    assert!(printed.contains("REQUEST_TIMEOUT=8s\n"), "`.env` overrides `.env.example`");
    assert!(printed.contains("STATIC_MAX_AGE=9s\n"), "line by line");
}

#[tokio::test]
async fn a_malformed_line_of_the_env_file_is_reported_without_its_value() {
    let folder = Folder::new();
    folder.write(".env", "APP_ENV=development\nOTEL_EXPORTER_OTLP_HEADERS=a=Bearer hunter2\n");
    let output = Process::run_in(&folder.0, &["--print-config"], &[]).await;
    assert_eq!(output.status.code(), Some(78));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains(".env: a line after APP_ENV"), "{stderr}");
    assert!(!stderr.contains("hunter2"), "{stderr}");
}

#[tokio::test]
async fn a_secret_is_read_from_a_file() {
    let folder = Folder::new();
    let path = folder.write("headers", "authorization=hunter2\n");
    let set = [("OTEL_EXPORTER_OTLP_HEADERS_FILE", path.to_str().unwrap())];
    let output = Process::run(&["--print-config"], &set).await;
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("OTEL_EXPORTER_OTLP_HEADERS=[redacted]\n"));
}

#[tokio::test]
async fn the_healthcheck_command_reports_by_its_exit_code() {
    let service = Process::start(&[]).await;
    let addr = service.metrics_addr.to_string();
    let alive = Process::run(&["healthcheck"], &[("METRICS_ADDR", &addr)]).await;
    assert_eq!(alive.status.code(), Some(0));

    let unused = free_port();
    let addr = unused.local_addr().unwrap().to_string();
    let dead = Process::run(&["healthcheck"], &[("METRICS_ADDR", &addr)]).await;
    assert_eq!(dead.status.code(), Some(1));
}

/// A temporary folder. Dropping it deletes it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(uuid::Uuid::now_v7().to_string());
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
