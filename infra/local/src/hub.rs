use std::{io, net::SocketAddr, num::NonZeroU32, path::PathBuf, sync::Arc, time::Duration};

use axum::{Router, middleware::from_fn_with_state};
use domain::{
    ClientId,
    keys::{IdKey, NoKeys},
};
use fan_out::Relay;
use notify::{EgressPolicy, order::MailQueues};
use run_import::Importer;
use runtime::{ConfigError, Environment, Hub, MailError, Seal, Start, aws, machine_time, variable};
use send_mail::{Pace, SendMail};
use store::{Store, StoreError};
use take_upload::TakeUpload;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use vendor_push::{HttpDelivery, PushQueues, VendorPush};

use crate::{
    adapters::{LocalDelivery, LocalSeal, Mailbox},
    clock::LocalClock,
    control::Control,
    credentials::Credentials,
    data_dir::{DataDir, DataDirError},
    embedded::{Embedded, EmbeddedError},
    engine::{Engine, EngineError, Queues},
    fault::Faults,
    functions::{self, Needs},
    gateway::{self, Gateway},
    hub_keys::HubKeys,
    import::{ImportError, List, import},
    issuer::Issuer,
    queue::{DeadLetters, LocalQueue},
    seed::{self, Demo, SeedError},
    state::{State, StateError},
    uploads::{self, LocalUploads},
};

/// The pilot's 126 nurseries.
const PILOT: &str = include_str!("../data/pilot.csv");

/// How the hub is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// 0 picks a free one.
    pub port: u16,
    /// What is kept between runs; in memory without it.
    pub data_dir: Option<PathBuf>,
    /// Lists of facilities in place of the pilot's.
    pub facilities: Vec<PathBuf>,
    /// With slots, users and clients to try it.
    pub demo: bool,
    /// Requests a second for a client.
    pub rate_limit: NonZeroU32,
    /// Is told what starting does, step by step.
    pub progress: fn(&str),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            data_dir: None,
            facilities: Vec::new(),
            demo: true,
            rate_limit: const { NonZeroU32::new(1000).unwrap() },
            progress: |_| {},
        }
    }
}

/// Why the hub does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port.
    #[error(
        "port {port} is in use: stop what listens there, or choose another with --port (0 picks a free one)"
    )]
    PortInUse {
        /// Which.
        port: u16,
    },
    /// The network of this machine.
    #[error("the hub cannot listen on this machine: {0}")]
    Io(#[from] io::Error),
    /// Where it keeps everything.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The environment of a deployed hub.
    #[error(transparent)]
    Environment(#[from] ConfigError),
    /// What functions need.
    #[error(transparent)]
    Needs(#[from] runtime::StartError),
    /// The keys of this one.
    #[error(transparent)]
    Keys(#[from] NoKeys),
    /// The embedded store.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// The table.
    #[error(transparent)]
    Table(#[from] StoreError),
    /// What its stand-ins for AWS remember.
    #[error(transparent)]
    State(#[from] StateError),
    /// The mails of earlier runs.
    #[error(transparent)]
    Mailbox(#[from] MailError),
    /// A list of facilities.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The demonstration data.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The issuer of tokens.
    #[error("no tokens can be issued")]
    Issuer(#[from] jsonwebtoken::errors::Error),
    /// The client that posts webhooks.
    #[error("no webhooks can be posted")]
    Delivery(#[from] reqwest::Error),
}

/// A hub that runs, and ends with this value.
#[derive(Debug)]
pub struct LocalHub {
    /// Where it is reached.
    pub address: SocketAddr,
    // In this order: what works on the data ends before its directory is given back.
    _tasks: JoinSet<()>,
    _embedded: Embedded,
    _dir: Option<DataDir>,
}

impl LocalHub {
    /// Starts everything, imports the lists, and serves.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let say = options.progress;
        let lists = lists(&options.facilities)?;
        let dir = options.data_dir.as_deref().map(DataDir::open).transpose()?;
        match &dir {
            Some(dir) => say(&format!("keeping everything in {}", dir.path().display())),
            None => {
                say("keeping everything in memory, until it ends; --data-dir DIR keeps it longer")
            }
        }
        let listener = listen(options.port).await?;
        let address = listener.local_addr()?;
        let faults = Faults::default();
        let embedded = Embedded::start(dir.as_ref().map(DataDir::path), faults.clone()).await?;
        let state = State::open(dir.as_ref().map(DataDir::path), &embedded.steady).await?;
        let clock = LocalClock::ahead_by(state.get("engine", "clock")?.unwrap_or_default());
        let keys = Keys::open(dir.as_ref())?;

        let hub = Hub {
            store: embedded.store(),
            clock: clock.reader(),
            base_url: format!("http://{address}").into(),
        };
        let hub_keys = HubKeys::made_of(&[keys.root])?;
        let local_seal = LocalSeal::new(keys.seal);
        let seal: Arc<dyn Seal> = Arc::new(local_seal.clone());
        let mailbox = Mailbox::open(state.clone(), local_seal, clock.clone(), faults.clone())?;
        let queues = open_queues(&embedded.written, &state, &clock, &faults)?;
        let mails =
            MailQueues { awaited: queues.mails.clone(), routine: queues.routine_mails.clone() };
        let egress = EgressPolicy::ThisMachine;
        let delivery = LocalDelivery { http: HttpDelivery::new(egress)?, faults: faults.clone() };
        let engine = Engine::new(
            embedded.database.clone(),
            Relay {
                store: hub.store.clone(),
                clock: hub.clock.clone(),
                mails: mails.clone(),
                pushes: queues.pushes.clone(),
                parked: queues.parked.clone(),
                search: Arc::default(),
            },
            Importer { hub: hub.clone() },
            SendMail {
                hub: hub.clone(),
                seal: seal.clone(),
                links: hub_keys.links.clone(),
                notices: hub_keys.notices.clone(),
                addresses: hub_keys.addresses.clone(),
                mailer: Arc::new(mailbox.clone()),
                queues: mails.clone(),
                pace: Arc::new(Pace::unlimited()),
            },
            VendorPush::new(
                hub.clone(),
                seal.clone(),
                PushQueues {
                    queue: queues.pushes.clone(),
                    dead_letters: Arc::new(DeadLetters(queues.pushes.clone())),
                },
                mails,
                Arc::new(delivery),
            ),
            queues,
            hub.store.clone(),
            clock,
            state.clone(),
        )
        .await?;
        let engine = Arc::new(engine);

        engine.drain().await?;
        for list in lists {
            say(&format!("importing {list}"));
            import(&hub.store, list, hub.clock.now()).await?;
        }
        engine.drain().await?;
        let credentials = Credentials(state.clone());
        if options.demo && state.get::<bool>("engine", "demo")?.is_none() {
            say(
                "opening slots and making users and clients for the demonstration (--no-demo: none)",
            );
            let demo = seed::demo(&hub, &hub_keys.ids, &[]).await?;
            credentials.add(&demo.clients, &demo.users)?;
            state.put("engine", "demo", &true)?;
            engine.drain().await?;
        }
        let mut tasks = engine.start(&embedded.written);

        let issuer = Issuer::new(&keys.issuer, credentials.clone())?;
        let addresses = hub_keys.addresses.clone();
        let uploads = LocalUploads::new(&hub, hub_keys.ids.clone());
        let taker = TakeUpload { hub: hub.clone(), uploads: Arc::new(uploads.clone()) };
        let needs = Needs {
            hub: hub.clone(),
            seal,
            keys: hub_keys,
            egress,
            uploads: Arc::new(uploads.clone()),
        };
        let functions = functions::serve(&needs).await?;
        let gateway = Gateway::new(issuer.clone(), hub.store.clone(), options.rate_limit);
        let app = functions.layer(from_fn_with_state(gateway, gateway::enter));
        let control = Control {
            hub,
            addresses,
            engine,
            mailbox,
            credentials,
            issuer: issuer.clone(),
            faults,
        };
        let app = Router::new()
            .merge(control.routes())
            .merge(issuer.routes())
            .merge(uploads::routes(uploads, taker))
            .fallback_service(app);
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        tasks.spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "the server ended");
            }
        });
        Ok(Self { address, _tasks: tasks, _embedded: embedded, _dir: dir })
    }

    /// Where it is reached, such as `http://127.0.0.1:8080`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Imports lists of facilities into the table of a deployed hub, which the environment names as it does to a
/// function. Says what was imported.
pub async fn import_deployed(files: &[PathBuf]) -> Result<Vec<String>, StartError> {
    let lists = lists(files)?;
    let db = aws_sdk_dynamodb::Client::new(&aws::config()?);
    let store = Store::new(db, variable("TABLE_NAME")?);
    let mut imported = Vec::new();
    for list in lists {
        imported.push(list.to_string());
        import(&store, list, machine_time()).await?;
    }
    Ok(imported)
}

/// As in template.yaml: what fails is handed out again for a day.
fn open_queues(
    arrived: &watch::Sender<()>,
    state: &State,
    clock: &LocalClock,
    faults: &Faults,
) -> Result<Queues, StateError> {
    let open = |name, hidden_for, times| {
        let parts = (state.clone(), clock.clone(), faults.clone());
        LocalQueue::open(name, Duration::from_secs(hidden_for), times, arrived.clone(), parts)
    };
    Ok(Queues {
        mails: open("queue-mail", 60, 1440)?,
        routine_mails: open("queue-routine-mail", 60, 1440)?,
        pushes: open("queue-push", 180, 500)?,
        parked: open("queue-parked", 0, u32::MAX)?,
    })
}

/// Fills the table of a deployed hub, which the environment names as it does to a function, with the pilot
/// and the demonstration, for clients whose ids its issuer chose. Says who may call, and as what.
pub async fn seed(client_ids: &[ClientId]) -> Result<Demo, StartError> {
    let (hub, ids) = <(Hub, IdKey)>::start(&Environment::default()).await?;
    for list in lists(&[])? {
        import(&hub.store, list, hub.clock.now()).await?;
    }
    Ok(seed::demo(&hub, &ids, client_ids).await?)
}

/// The lists of facilities, or the pilot's: all are read before anything of one is imported.
fn lists(files: &[PathBuf]) -> Result<Vec<List>, ImportError> {
    match files {
        [] => Ok(vec![List::read("the pilot", PILOT.as_bytes())?]),
        files => files.iter().map(|path| List::open(path)).collect(),
    }
}

async fn listen(port: u16) -> Result<TcpListener, StartError> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse { port },
        _ => error.into(),
    })
}

/// The keys of this hub: in a file of their own beside the data, or for this run alone.
struct Keys {
    root: [u8; 32],
    seal: [u8; 32],
    issuer: [u8; 32],
}

impl Keys {
    fn open(dir: Option<&DataDir>) -> Result<Self, StartError> {
        let bytes = dir.map_or_else(|| Ok(random()), |dir| dir.keys(random))?;
        let part = |place: usize| {
            let mut key = [0; 32];
            key.copy_from_slice(&bytes[place * 32..(place + 1) * 32]);
            key
        };
        Ok(Self { root: part(0), seal: part(1), issuer: part(2) })
    }
}

fn random() -> [u8; 96] {
    let mut bytes = [0; 96];
    for chunk in bytes.chunks_mut(32) {
        chunk.copy_from_slice(&rand::random::<[u8; 32]>());
    }
    bytes
}
