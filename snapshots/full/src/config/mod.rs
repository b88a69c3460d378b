//! Every setting of the service, read from the environment once at start, and facts of the build.

mod build;
mod env;

use std::{fmt, net::SocketAddr, path::Path, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::filter::LevelFilter;
use url::Url;

pub use build::{BUILD, Build};
pub use env::{Choice, Effective, Env, Fault, Faults};

/// A rule that no single value shows: settings that a part cannot work with, or that contradict
/// each other.
pub type Check = fn(&Config, &mut Env);

/// Every setting. `.env.example` lists the variables with their defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// `development` reads `.env` and, on ^C, stops without `SHUTDOWN_PAUSE` (`APP_ENV`).
    pub app_env: AppEnv,
    /// Address of the API (`HTTP_ADDR`).
    pub http_addr: SocketAddr,
    /// Address of `/metrics` and of the probes, separate from the API: never public, and no flood of clients fills it (`METRICS_ADDR`).
    pub metrics_addr: SocketAddr,
    /// `json`, `pretty`, or `auto` for pretty at a terminal and JSON elsewhere (`LOG_FORMAT`).
    pub log_format: LogFormat,
    /// Level, or levels by target: `info,hyper=debug` (`RUST_LOG`).
    pub rust_log: String,
    /// Requests that a client may send in a minute (`RATE_LIMIT_PER_MINUTE`).
    pub rate_limit_per_minute: u32,
    /// Budgets of clients held at a time; bounds the memory of the rate limit (`RATE_LIMIT_MAX_CLIENTS`).
    pub rate_limit_max_clients: u32,
    /// Number of proxies in front whose `X-Forwarded-For` entries are trusted (`TRUSTED_PROXIES`).
    pub trusted_proxies: u32,
    /// Origins whose pages may call the API; `*` for any (`CORS_ORIGINS`).
    pub cors_origins: Vec<String>,
    /// Whether those pages may send cookies and HTTP authentication (`CORS_CREDENTIALS`).
    pub cors_credentials: bool,
    /// A request is answered within this time, or with 504 (`REQUEST_TIMEOUT`).
    pub request_timeout: Duration,
    /// Time for a new connection to send the header of its first request (`HEADER_READ_TIMEOUT`).
    pub header_read_timeout: Duration,
    /// A client that sends no bytes of its request body for this time gets 408 (`BODY_READ_TIMEOUT`).
    pub body_read_timeout: Duration,
    /// A client that accepts no bytes of its response for this time is cut off (`WRITE_TIMEOUT`).
    pub write_timeout: Duration,
    /// An idle connection is closed after this time; keep it above the proxy's (`KEEP_ALIVE_TIMEOUT`).
    pub keep_alive_timeout: Duration,
    /// Open connections of clients; further ones are closed at once (`MAX_CONNECTIONS`).
    pub max_connections: u32,
    /// Requests whose handlers run; further ones get 503 (`MAX_REQUESTS_IN_FLIGHT`).
    pub max_requests_in_flight: u32,
    /// Size of the largest request body (`BODY_LIMIT_BYTES`).
    pub body_limit_bytes: u32,
    /// Memory for request bodies, at least twice the largest; one address gets a quarter of it, and further bodies get 503 (`BODY_MEMORY_BYTES`).
    pub body_memory_bytes: u32,
    /// Memory for responses of more than 16 KiB until their clients have read them; one address gets a quarter of it, and further ones become 503 (`RESPONSE_MEMORY_BYTES`).
    pub response_memory_bytes: u32,
    /// Time for each dependency to answer its health check (`HEALTH_CHECK_TIMEOUT`).
    pub health_check_timeout: Duration,
    /// Time between readiness 503 and the closing of the listener (`SHUTDOWN_PAUSE`).
    pub shutdown_pause: Duration,
    /// Time from SIGTERM to exit, the pause included (`SHUTDOWN_GRACE`).
    pub shutdown_grace: Duration,
    /// Size of the smallest response that is compressed (`COMPRESSION_MIN_BYTES`).
    pub compression_min_bytes: u32,
    /// Time that clients may cache a static file (`STATIC_MAX_AGE`).
    pub static_max_age: Duration,
    /// Whether `/docs` and `/api-docs/openapi.json` are served (`API_DOCS`).
    pub api_docs: bool,
    /// Collector for traces, by OTLP over HTTP; tracing is off when unset (`OTEL_EXPORTER_OTLP_ENDPOINT`).
    pub otel_exporter_otlp_endpoint: Option<Url>,
    /// Headers for the collector, as `name=value,name=value` (`OTEL_EXPORTER_OTLP_HEADERS`).
    pub otel_exporter_otlp_headers: Option<SecretString>,
    /// Name of the service in traces (`OTEL_SERVICE_NAME`).
    pub otel_service_name: String,
    /// What decides which requests are traced. With `parentbased_…` the caller does, where it has a trace: for a service that only your own call (`OTEL_TRACES_SAMPLER`).
    pub otel_traces_sampler: OtelTracesSampler,
    /// Share of the requests that `…traceidratio` traces (`OTEL_TRACES_SAMPLER_ARG`).
    pub otel_traces_sampler_arg: f64,
    /// TTL of a cached value, up to a fifth longer; `0s` disables the cache (`CACHE_TTL`).
    pub cache_ttl: Duration,
    /// TTL of an absent value, up to a fifth longer (`CACHE_NEGATIVE_TTL`).
    pub cache_negative_ttl: Duration,
    /// Redis, as `redis://user:password@host:6379/0`; `rediss://` connects over TLS and verifies the certificate by the authorities of the system, or those in `SSL_CERT_FILE` (`REDIS_URL`).
    pub redis_url: SecretString,
    /// Prefix of every key in Redis; services that share a server need different ones (`CACHE_PREFIX`).
    pub cache_prefix: String,
    /// Timeout of a call to Redis; the request then continues without it (`CACHE_TIMEOUT`).
    pub cache_timeout: Duration,
    /// After three consecutive failures of Redis, time between trial calls (`CACHE_PAUSE`).
    pub cache_pause: Duration,
    /// Size of the largest value that is cached in Redis (`CACHE_MAX_VALUE_BYTES`).
    pub cache_max_value_bytes: u32,
    /// Maximum number of connections in the pool; the health check has its own (`DATABASE_MAX_CONNECTIONS`).
    pub database_max_connections: u32,
    /// A request waits this long for a connection, then gets 503 (`DATABASE_ACQUIRE_TIMEOUT`).
    pub database_acquire_timeout: Duration,
    /// An idle connection is closed after this time; `0s` for never (`DATABASE_IDLE_TIMEOUT`).
    pub database_idle_timeout: Duration,
    /// A connection that was idle for this time is tested before use, which takes a round trip (`DATABASE_TEST_AFTER_IDLE`).
    pub database_test_after_idle: Duration,
    /// A connection is replaced after this time; `0s` for never (`DATABASE_MAX_LIFETIME`).
    pub database_max_lifetime: Duration,
    /// A statement that takes longer is cancelled (`DATABASE_STATEMENT_TIMEOUT`).
    pub database_statement_timeout: Duration,
    /// URL of the database, `postgres://user:password@host:5432/name`; `?sslmode=verify-full` verifies the certificate of the server (`DATABASE_URL`).
    pub database_url: SecretString,
    /// The server closes a connection whose transaction is idle for this time, and releases its locks (`DATABASE_IDLE_IN_TRANSACTION_TIMEOUT`).
    pub database_idle_in_transaction_timeout: Duration,
    /// Signing keys of access tokens, as `kid:base64,kid:base64`; the first signs, all verify (`AUTH_SIGNING_KEYS`).
    pub auth_signing_keys: Option<SecretString>,
    /// Issuer and audience of access tokens (`AUTH_ISSUER`).
    pub auth_issuer: String,
    /// Largest difference between the clocks of replicas (`AUTH_LEEWAY`).
    pub auth_leeway: Duration,
    /// Lifetime of an access token (`AUTH_ACCESS_TTL`).
    pub auth_access_ttl: Duration,
    /// Lifetime of a session (`AUTH_REFRESH_TTL`).
    pub auth_refresh_ttl: Duration,
    /// Passwords that are hashed concurrently; each takes 19 MiB (`AUTH_HASH_CONCURRENCY`).
    pub auth_hash_concurrency: u32,
    /// Requests to `/auth/…` that an address, or an account that is signed in, may send in a minute (`AUTH_RATE_LIMIT_PER_MINUTE`).
    pub auth_rate_limit_per_minute: u32,
    /// Wrong passwords of an account that an address may send before the next has to wait; all addresses together may send twice as many (`AUTH_ATTEMPTS_PER_ACCOUNT`).
    pub auth_attempts_per_account: u32,
    /// Wrong passwords of any accounts that an address may send before the next has to wait (`AUTH_ATTEMPTS_PER_ADDRESS`).
    pub auth_attempts_per_address: u32,
    /// Time after which wrong passwords are forgotten; until then one more is allowed after each equal share of it (`AUTH_ATTEMPTS_WINDOW`).
    pub auth_attempts_window: Duration,
    /// How long a retry with the same Idempotency-Key gets the first response again (`IDEMPOTENCY_TTL`).
    pub idempotency_ttl: Duration,
    /// Time between two runs that delete rows older than the `retain` of their resource; `0s` disables them (`RETENTION_INTERVAL`).
    pub retention_interval: Duration,

    // Settings of your own:
    effective: Vec<Effective>,
}

impl Config {
    /// Reads the process's environment, and `.env` and `.env.example` in development.
    ///
    /// # Errors
    /// Every variable that cannot be used.
    pub fn from_process(checks: &[Check]) -> Result<Self, Faults> {
        Self::load(Env::from_process(Path::new(".")), checks)
    }

    /// Reads every setting from `env`, and applies `checks`.
    ///
    /// # Errors
    /// Every variable that cannot be used.
    pub fn load(mut env: Env, checks: &[Check]) -> Result<Self, Faults> {
        let mut config = Self {
            app_env: env.choice("APP_ENV", "production"),
            http_addr: env.addr("HTTP_ADDR", "0.0.0.0:8080"),
            metrics_addr: env.addr("METRICS_ADDR", "0.0.0.0:9090"),
            log_format: env.choice("LOG_FORMAT", "auto"),
            rust_log: env.string("RUST_LOG", "info"),
            rate_limit_per_minute: env.integer("RATE_LIMIT_PER_MINUTE", "100", 1, 60_000_000),
            rate_limit_max_clients: env.integer("RATE_LIMIT_MAX_CLIENTS", "100000", 100, 1_000_000),
            trusted_proxies: env.integer("TRUSTED_PROXIES", "0", 0, 16),
            cors_origins: env.list("CORS_ORIGINS"),
            cors_credentials: env.bool("CORS_CREDENTIALS", "false"),
            request_timeout: env.duration("REQUEST_TIMEOUT", "30s"),
            header_read_timeout: env.duration("HEADER_READ_TIMEOUT", "10s"),
            body_read_timeout: env.duration("BODY_READ_TIMEOUT", "10s"),
            write_timeout: env.duration("WRITE_TIMEOUT", "30s"),
            keep_alive_timeout: env.duration("KEEP_ALIVE_TIMEOUT", "75s"),
            max_connections: env.integer("MAX_CONNECTIONS", "4096", 1, 1_000_000),
            max_requests_in_flight: env.integer("MAX_REQUESTS_IN_FLIGHT", "1000", 1, 1_000_000),
            body_limit_bytes: env.integer("BODY_LIMIT_BYTES", "1048576", 1024, 1_073_741_824),
            body_memory_bytes: env.integer("BODY_MEMORY_BYTES", "16777216", 2048, 4_294_967_295),
            response_memory_bytes: env.integer(
                "RESPONSE_MEMORY_BYTES",
                "16777216",
                65_536,
                4_294_967_295,
            ),
            health_check_timeout: env.duration("HEALTH_CHECK_TIMEOUT", "1s"),
            shutdown_pause: env.duration("SHUTDOWN_PAUSE", "5s"),
            shutdown_grace: env.duration("SHUTDOWN_GRACE", "35s"),
            compression_min_bytes: env.integer("COMPRESSION_MIN_BYTES", "1000", 1, 65_535),
            static_max_age: env.duration("STATIC_MAX_AGE", "1h"),
            api_docs: env.bool("API_DOCS", "true"),
            otel_exporter_otlp_endpoint: env.url("OTEL_EXPORTER_OTLP_ENDPOINT"),
            otel_exporter_otlp_headers: env.secret("OTEL_EXPORTER_OTLP_HEADERS"),
            otel_service_name: env.string("OTEL_SERVICE_NAME", "demo"),
            otel_traces_sampler: env.choice("OTEL_TRACES_SAMPLER", "traceidratio"),
            otel_traces_sampler_arg: env.ratio("OTEL_TRACES_SAMPLER_ARG", "1.0"),
            cache_ttl: env.duration("CACHE_TTL", "300s"),
            cache_negative_ttl: env.duration("CACHE_NEGATIVE_TTL", "10s"),
            redis_url: env.required_secret("REDIS_URL"),
            cache_prefix: env.string("CACHE_PREFIX", "demo"),
            cache_timeout: env.duration("CACHE_TIMEOUT", "100ms"),
            cache_pause: env.duration("CACHE_PAUSE", "1s"),
            cache_max_value_bytes: env.integer("CACHE_MAX_VALUE_BYTES", "1048576", 1024, 8_388_608),
            database_max_connections: env.integer("DATABASE_MAX_CONNECTIONS", "20", 1, 1000),
            database_acquire_timeout: env.duration("DATABASE_ACQUIRE_TIMEOUT", "3s"),
            database_idle_timeout: env.duration("DATABASE_IDLE_TIMEOUT", "10m"),
            database_test_after_idle: env.duration("DATABASE_TEST_AFTER_IDLE", "5s"),
            database_max_lifetime: env.duration("DATABASE_MAX_LIFETIME", "1h"),
            database_statement_timeout: env.duration("DATABASE_STATEMENT_TIMEOUT", "10s"),
            database_url: env.required_secret("DATABASE_URL"),
            database_idle_in_transaction_timeout: env
                .duration("DATABASE_IDLE_IN_TRANSACTION_TIMEOUT", "30s"),
            auth_signing_keys: env.production_secret("AUTH_SIGNING_KEYS"),
            auth_issuer: env.string("AUTH_ISSUER", "demo"),
            auth_leeway: env.duration("AUTH_LEEWAY", "5s"),
            auth_access_ttl: env.duration("AUTH_ACCESS_TTL", "15m"),
            auth_refresh_ttl: env.duration("AUTH_REFRESH_TTL", "168h"),
            auth_hash_concurrency: env.integer("AUTH_HASH_CONCURRENCY", "4", 1, 256),
            auth_rate_limit_per_minute: env.integer(
                "AUTH_RATE_LIMIT_PER_MINUTE",
                "20",
                1,
                60_000_000,
            ),
            auth_attempts_per_account: env.integer("AUTH_ATTEMPTS_PER_ACCOUNT", "5", 1, 1000),
            auth_attempts_per_address: env.integer("AUTH_ATTEMPTS_PER_ADDRESS", "20", 1, 100_000),
            auth_attempts_window: env.duration("AUTH_ATTEMPTS_WINDOW", "15m"),
            idempotency_ttl: env.duration("IDEMPOTENCY_TTL", "24h"),
            retention_interval: env.duration("RETENTION_INTERVAL", "1h"),

            // Settings of your own:
            effective: Vec::new(),
        };
        config.check(&mut env);
        for check in checks {
            check(&config, &mut env);
        }
        config.effective = env.finish()?;
        Ok(config)
    }

    /// The file that a secret was read from, by `NAME_FILE`.
    pub fn file(&self, name: &str) -> Option<&Path> {
        self.effective.iter().find(|setting| setting.name == name)?.file.as_deref()
    }

    /// The rules of this file's own settings.
    fn check(&self, env: &mut Env) {
        // A filter takes any word for a target: `inof` would be one.
        for directive in self.rust_log.split(',') {
            let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level).trim();
            let known = !level.is_empty() && level.parse::<LevelFilter>().is_ok();
            if !known || directive.contains('[') {
                env.fault("RUST_LOG", format!("`{directive}` is neither a level nor target=level"));
            }
        }
        let wildcard = self.cors_origins.iter().any(|origin| origin == "*");
        if wildcard && (self.cors_credentials || self.cors_origins.len() > 1) {
            env.fault("CORS_ORIGINS", "`*` excludes other origins and CORS_CREDENTIALS=true");
        }
        for origin in self.cors_origins.iter().filter(|origin| *origin != "*" && !is_origin(origin))
        {
            env.fault(
                "CORS_ORIGINS",
                format!("`{origin}` is not an origin like https://example.com"),
            );
        }
        if self.body_memory_bytes / 2 < self.body_limit_bytes {
            env.fault("BODY_MEMORY_BYTES", "must be at least twice BODY_LIMIT_BYTES");
        }
        if self.shutdown_pause >= self.shutdown_grace {
            env.fault("SHUTDOWN_GRACE", "must be longer than SHUTDOWN_PAUSE, which it includes");
        }
        for (name, value) in [
            ("REQUEST_TIMEOUT", self.request_timeout),
            ("BODY_READ_TIMEOUT", self.body_read_timeout),
            ("WRITE_TIMEOUT", self.write_timeout),
            ("HEADER_READ_TIMEOUT", self.header_read_timeout),
            ("KEEP_ALIVE_TIMEOUT", self.keep_alive_timeout),
            ("HEALTH_CHECK_TIMEOUT", self.health_check_timeout),
        ] {
            if value.is_zero() {
                env.fault(name, "must be longer than zero");
            }
        }
        if let Some(headers) = &self.otel_exporter_otlp_headers
            && headers.expose_secret().split(',').any(|pair| !pair.contains('='))
        {
            env.fault("OTEL_EXPORTER_OTLP_HEADERS", "must be name=value,name=value");
        }
        let collector = self.otel_exporter_otlp_endpoint.as_ref();
        if collector.is_some_and(|url| !["http", "https"].contains(&url.scheme())) {
            env.fault("OTEL_EXPORTER_OTLP_ENDPOINT", "must be http:// or https://");
        }
    }
}

/// `NAME=value` lines, secrets `[redacted]`.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Effective { name, shown, .. } in &self.effective {
            writeln!(f, "{name}={shown}")?;
        }
        Ok(())
    }
}

/// `APP_ENV`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppEnv {
    /// A developer's machine.
    Development,
    /// Everywhere else.
    Production,
}

impl Choice for AppEnv {
    const CHOICES: &[(&str, Self)] =
        &[("development", Self::Development), ("production", Self::Production)];
}

/// `LOG_FORMAT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Pretty at a terminal, JSON elsewhere.
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Pretty,
}

impl Choice for LogFormat {
    const CHOICES: &[(&str, Self)] =
        &[("auto", Self::Auto), ("json", Self::Json), ("pretty", Self::Pretty)];
}

/// `OTEL_TRACES_SAMPLER`, as OpenTelemetry names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtelTracesSampler {
    /// Every request.
    AlwaysOn,
    /// No request.
    AlwaysOff,
    /// `OTEL_TRACES_SAMPLER_ARG` of the requests.
    Traceidratio,
    /// As the caller has decided, else every request.
    ParentbasedAlwaysOn,
    /// As the caller has decided, else no request.
    ParentbasedAlwaysOff,
    /// As the caller has decided, else `OTEL_TRACES_SAMPLER_ARG` of the requests.
    ParentbasedTraceidratio,
}

impl Choice for OtelTracesSampler {
    const CHOICES: &[(&str, Self)] = &[
        ("always_on", Self::AlwaysOn),
        ("always_off", Self::AlwaysOff),
        ("traceidratio", Self::Traceidratio),
        ("parentbased_always_on", Self::ParentbasedAlwaysOn),
        ("parentbased_always_off", Self::ParentbasedAlwaysOff),
        ("parentbased_traceidratio", Self::ParentbasedTraceidratio),
    ];
}

/// Whether `text` is an origin as browsers send it (RFC 6454, 6.2): no other text would ever match.
fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Settings without a default.
    const REQUIRED: &[(&str, &str)] = &[
        // As on a developer's machine.
        ("APP_ENV", "development"),
        ("REDIS_URL", "redis://localhost:6379"),
        ("DATABASE_URL", "postgres://app:app@localhost:5432/app"),
    ];

    fn load(vars: &[(&str, &str)]) -> Result<Config, Faults> {
        Config::load(REQUIRED.iter().chain(vars).copied().collect(), &[])
    }

    #[test]
    fn the_defaults_are_a_valid_configuration() {
        assert!(load(&[]).is_ok());
    }

    #[test]
    fn all_faults_are_reported_together() {
        let faults =
            load(&[("HTTP_ADDR", "here"), ("REQUEST_TIMEOUT", "30"), ("LOG_FORMAT", "xml")]);
        let names: Vec<_> = faults.unwrap_err().0.into_iter().map(|fault| fault.name).collect();
        assert_eq!(names, ["HTTP_ADDR", "LOG_FORMAT", "REQUEST_TIMEOUT"]);
    }

    #[test]
    fn an_unknown_level_is_refused() {
        for bad in ["inof", "info,hyper=loud", "[span]=debug", "info,"] {
            assert!(load(&[("RUST_LOG", bad)]).is_err(), "{bad}");
        }
        for good in ["warn", "info,hyper=debug", "off,http=TRACE"] {
            assert!(load(&[("RUST_LOG", good)]).is_ok(), "{good}");
        }
    }

    #[test]
    fn collector_headers_must_be_pairs() {
        assert!(load(&[("OTEL_EXPORTER_OTLP_HEADERS", "nonsense")]).is_err());
    }

    #[test]
    fn any_origin_with_credentials_is_refused() {
        assert!(load(&[("CORS_ORIGINS", "*"), ("CORS_CREDENTIALS", "true")]).is_err());
        assert!(load(&[("CORS_ORIGINS", "*")]).is_ok());
    }

    #[test]
    fn an_origin_must_have_the_form_that_browsers_send() {
        for bad in [
            "example.com",
            "https://a.com/",
            "https://a.com/x",
            "https://a.com?x",
            "ftp://a.com",
            "https://A.com",
            "https://a.com:443",
            "https://user@a.com",
        ] {
            assert!(load(&[("CORS_ORIGINS", bad)]).is_err(), "{bad}");
        }
        assert!(load(&[("CORS_ORIGINS", "https://a.com, http://localhost:3000")]).is_ok());
    }

    #[test]
    fn every_setting_is_printed_once_and_secrets_are_redacted() {
        let config = load(&[("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hunter2")]).unwrap();
        let printed = config.to_string();
        assert!(printed.contains("OTEL_EXPORTER_OTLP_HEADERS=[redacted]\n"));
        assert!(!printed.contains("hunter2") && !format!("{config:?}").contains("hunter2"));
        assert_eq!(printed.lines().filter(|line| line.starts_with("HTTP_ADDR=")).count(), 1);
    }
}
