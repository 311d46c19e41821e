//! `cargo run` starts the whole hub on this machine; `cargo run -- tour` lets it show itself.

use std::{num::NonZeroU32, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use domain::{ClientId, FacilityId, applicant::Email};
use local::{
    LocalHub, Options,
    smoke::{self, Credentials, Reserve, Smoke},
    tour,
};
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
    /// Imports lists of facilities (CSV) into the table of a deployed hub, which the environment names.
    Import {
        /// The lists, with the headings of ここdeサーチ.
        #[arg(required = true)]
        lists: Vec<PathBuf>,
    },
    /// Fills the table that the environment names with the pilot and the demonstration, and prints who may call.
    Seed {
        /// The clients that the issuer of tokens knows: two search sites, two ICT systems.
        client_ids: Vec<ClientId>,
    },
    /// Tries a hub that is deployed anywhere, through its API alone, and prints a line for each check.
    Smoke(SmokeArguments),
    /// Prints the OpenAPI document that the handlers write, for `docs/openapi.json`.
    Openapi,
}

#[derive(Debug, Args)]
struct SmokeArguments {
    /// The address of the hub, such as https://hub.city.example.
    #[arg(long)]
    url: String,
    /// A vendor, whose own reading is tried too.
    #[arg(long, requires = "token_url")]
    client_id: Option<ClientId>,
    /// Its secret; without it, the environment variable CLIENT_SECRET, which no list of processes shows.
    #[arg(long, requires = "client_id")]
    client_secret: Option<String>,
    /// Where tokens are issued, such as https://….amazoncognito.com/oauth2/token.
    #[arg(long, requires = "client_id")]
    token_url: Option<String>,
    /// Makes a reservation for this address and cancels it: address and nursery are mailed twice.
    #[arg(long, value_name = "EMAIL", requires_all = ["client_id", "facility"])]
    reserve: Option<Email>,
    /// The nursery of that reservation.
    #[arg(long, requires = "reserve")]
    facility: Option<FacilityId>,
}

impl SmokeArguments {
    fn read(self) -> Smoke {
        let secret = self.client_secret.or_else(|| std::env::var("CLIENT_SECRET").ok());
        let vendor = self.client_id.zip(self.token_url).map(|(client_id, token_url)| Credentials {
            token_url,
            client_id,
            client_secret: secret.unwrap_or_default(),
        });
        let reserve = self.facility.zip(self.reserve);
        let reserve = reserve.map(|(facility, email)| Reserve { facility, email });
        Smoke { url: self.url, vendor, reserve }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The tour lets receivers fail, and tells of it in words.
    let playing = matches!(arguments.command, Some(Command::Tour { .. }));
    let level = if playing { "error" } else { "warn,dynoxide=error" };
    telemetry::lines(std::io::stderr, level, None).init();
    let result = match arguments.command {
        Some(Command::Tour { hub }) => {
            let out = &mut std::io::stdout();
            let played = match hub {
                Some(url) => tour::run_at(&url, out).await,
                None => tour::run(out).await,
            };
            played.map_err(|error| error.to_string())
        }
        Some(Command::Import { lists }) => match local::import_deployed(&lists).await {
            Ok(imported) => {
                println!("imported {}", imported.join(", "));
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        },
        Some(Command::Seed { client_ids }) => match local::seed(&client_ids).await {
            Ok(demo) => {
                println!("{}", serde_json::json!(demo));
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        },
        Some(Command::Smoke(smoke)) => {
            let tried = smoke::run(&smoke.read(), &mut std::io::stdout()).await;
            tried.map_err(|error| error.to_string())
        }
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
