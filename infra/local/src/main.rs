//! `cargo run` starts the whole hub on this machine; `cargo run -- tour` lets it show itself.

use std::{num::NonZeroU32, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use domain::ClientId;
use local::{LocalHub, Options, tour};
use runtime::telemetry;
use tracing_subscriber::util::SubscriberInitExt;

/// The hub for finding a nursery, whole, on this machine.
#[derive(Debug, Parser)]
#[command(name = "hokatsu", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The port to serve on; 0 picks a free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Keeps everything in this directory between runs; without it, in memory.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// A list of facilities (CSV) in place of the pilot's 126; may be repeated.
    #[arg(long)]
    facilities: Vec<PathBuf>,
    /// Without demonstration slots, users and clients.
    #[arg(long)]
    no_demo: bool,
    /// Requests a second that a client may make.
    #[arg(long, default_value = "1000")]
    rate_limit: NonZeroU32,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays the whole story against a hub of its own and prints each step.
    Tour {
        /// Plays it against the hub at this address instead, which has the same `/_local` doors.
        #[arg(long)]
        hub: Option<String>,
    },
    /// Fills the table that the environment names with the pilot and the demonstration, and prints who may call.
    Seed {
        /// The clients that the issuer of tokens knows: two search sites, two ICT systems.
        client_ids: Vec<ClientId>,
    },
    /// Prints the OpenAPI document that the handlers write, for `docs/openapi.json`.
    Openapi,
}

#[tokio::main]
async fn main() -> ExitCode {
    telemetry::lines(std::io::stderr, "warn,dynoxide=error", None).init();
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Some(Command::Tour { hub }) => {
            let out = &mut std::io::stdout();
            let played = match hub {
                Some(url) => tour::run_at(&url, out).await,
                None => tour::run(out).await,
            };
            played.map_err(|error| error.to_string())
        }
        Some(Command::Seed { client_ids }) => match local::seed(&client_ids).await {
            Ok(demo) => {
                println!("{}", serde_json::json!(demo));
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        },
        Some(Command::Openapi) => {
            println!("{:#}", local::document());
            Ok(())
        }
        None => serve(arguments).await.map_err(|error| error.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), local::StartError> {
    let hub = LocalHub::start(Options {
        port: arguments.port,
        data_dir: arguments.data_dir,
        facilities: arguments.facilities,
        demo: !arguments.no_demo,
        rate_limit: arguments.rate_limit,
        progress: |step| eprintln!("{step}"),
    })
    .await?;
    println!("ready {}", hub.url());
    tokio::signal::ctrl_c().await?;
    Ok(())
}
