//! The command line.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    pin::pin,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::{Parser, Subcommand};

use crate::{
    app,
    config::{Config, Faults},
    error::Cause,
    http::{
        openapi,
        server::{self, Interrupted, Server},
    },
    state::{AppState, CHECKS},
    telemetry,
};

/// `EX_CONFIG` of sysexits.h.
const BAD_CONFIG: u8 = 78;

/// Time for exporting the last traces, or less where less is left of the grace period.
const FLUSH: Duration = Duration::from_secs(3);

#[derive(Parser)]
#[command(version, about)]
struct Cli {
    /// Print the effective settings, secrets redacted, and exit.
    #[arg(long, global = true)]
    print_config: bool,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve requests (the default).
    Serve,
    /// Ask the running service whether it is alive; exit code 0 or 1.
    Healthcheck,
    /// Print the API's description, as committed in openapi.json.
    Openapi,
    /// Copy the database while the service runs, or restore a copy.
    Backup {
        #[command(subcommand)]
        action: crate::db::backup::Action,
    },
    /// Create an administrator's account; its password is read from standard input.
    CreateAdmin {
        /// Name of the account.
        #[arg(long)]
        username: String,
        /// Email address of the account.
        #[arg(long)]
        email: String,
    },
    /// Migrate the schema of the database.
    Migrate {
        #[command(subcommand)]
        action: Option<crate::db::migrate::Action>,
    },
    // Commands of your own:
}

type Outcome<T = ()> = Result<T, Cause>;

/// Runs the command that the process was called with.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command.unwrap_or(Command::Serve) {
        _ if cli.print_config => config().and_then(|config| print(&config.to_string())),
        Command::Serve => config().and_then(serve),
        Command::Healthcheck => config().and_then(|config| healthcheck(config.metrics_addr)),
        Command::Openapi => print(&openapi::pretty(&app::openapi())),
        Command::Backup { action } => crate::db::backup::run(&action).and_then(|text| print(&text)),
        Command::CreateAdmin { username, email } => config().and_then(|config| {
            crate::auth::create_admin(&config, username, email, std::io::stdin())
        }),
        Command::Migrate { action } => config()
            .and_then(|config| crate::db::migrate::run(&config, action, server::interrupted()))
            .and_then(|text| text.map_or(Ok(()), |text| print(&text))),
        // Commands of your own:
    };
    let Err(error) = outcome else {
        return ExitCode::SUCCESS;
    };
    // Not a log line: there may be no logs yet.
    let _ = writeln!(std::io::stderr(), "{error}");
    match error.downcast_ref::<Interrupted>() {
        Some(interrupted) => ExitCode::from(interrupted.code()),
        None if error.is::<Faults>() => ExitCode::from(BAD_CONFIG),
        None => ExitCode::FAILURE,
    }
}

fn config() -> Outcome<Config> {
    Ok(Config::from_process(CHECKS)?)
}

fn serve(config: Config) -> Outcome {
    let mut telemetry = telemetry::init(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome: Outcome<Option<tokio::time::Instant>> = runtime.block_on(async {
        let mut stop = pin!(server::signals(&config)?);
        let start = async {
            let state = AppState::new(config).await?;
            let server = Server::bind(state.config.clone()).await?;
            Ok::<_, Cause>((state, server))
        };
        let (state, server) = tokio::select! {
            started = start => started?,
            // It may wait for the migrations of another process; there is nothing to drain yet.
            _ = &mut stop => return Ok(None),
        };
        let service = app::service(&state, app::app(state.clone()));
        Ok(Some(server.run(service, stop).await?))
    });
    // Dropping the runtime would wait for blocking work without a limit.
    runtime.shutdown_background();
    let left = match &outcome {
        Ok(Some(deadline)) => deadline.into_std().saturating_duration_since(Instant::now()),
        _ => FLUSH,
    };
    telemetry.flush(left.min(FLUSH));
    tracing::info!("stopped");
    outcome.map(drop)
}

/// For containers without a shell: `GET /health/live`.
fn healthcheck(listening: SocketAddr) -> Outcome {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let timeout = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&SocketAddr::new(ip, listening.port()), timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream
        .write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut status = [0; b"HTTP/1.1 200".len()];
    stream.read_exact(&mut status)?;
    if status == *b"HTTP/1.1 200" { Ok(()) } else { Err("not alive".into()) }
}

fn print(text: &str) -> Outcome {
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        // The reader may stop early, as `head` does.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
