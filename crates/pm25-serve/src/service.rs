//! The running service: started, told to look at the registry, told to end.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use anyhow::Context;
use pm25_file::{Fault, Input};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::app::App;
use crate::guard::Door;
use crate::hosts::Hosts;
use crate::journal::{Journal, Style};
use crate::limits::Limits;
use crate::routes;
use crate::source::Source;
use crate::watch::Watch;
use crate::wire::Wire;

/// What to serve, where, and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where clients come; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the operator comes.
    pub admin: SocketAddr,
    /// Further names that the service answers to.
    pub allow_hosts: Vec<String>,
    /// Where the model comes from.
    pub source: Source,
    /// What the intervals of its model remember; else they begin with what the model does.
    pub state: Option<Input>,
    /// Threads that answer.
    pub n_threads: usize,
    /// What is too much.
    pub limits: Limits,
    /// How requests are told.
    pub style: Style,
}

/// A service that is answering.
pub struct Service {
    /// Where clients come.
    pub listen: SocketAddr,
    /// Where the operator comes.
    pub admin: SocketAddr,
    app: Arc<App>,
    runtime: Runtime,
    wires: [Wire; 2],
    stop: watch::Sender<bool>,
    /// Dropping it ends the watch.
    look_now: Sender<()>,
}

/// What a service says of itself when it begins.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Started {
    /// Where clients come.
    pub listen: SocketAddr,
    /// Where the operator comes.
    pub admin: SocketAddr,
    /// The model's name.
    pub model_name: String,
    /// Its version, if it comes from a registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_version: Option<u32>,
    /// How it predicts.
    pub model_kind: &'static str,
    /// The hash of its file.
    pub model_sha256: String,
}

/// How a service ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// Every connection came to its end.
    Drained,
    /// Time was over, and this many connections were cut.
    TimeOver(usize),
    /// Somebody could not wait, and this many connections were cut.
    Cut(usize),
}

impl Service {
    /// Takes the addresses, then loads the model, then answers.
    ///
    /// # Errors
    /// When an address is taken, or there is no sound model.
    pub fn start(config: Config) -> anyhow::Result<Self> {
        let runtime = runtime(config.n_threads)?;
        let public = runtime.block_on(bind(config.listen, "--listen"))?;
        let admin = runtime.block_on(bind(config.admin, "--admin"))?;
        let addresses = [public.local_addr()?, admin.local_addr()?];
        let base_url = format!("http://{}", addresses[0]);
        let (served, head) = config.source.load(&base_url)?;
        let served = match &config.state {
            Some(state) => served.remembering(state)?,
            None => served,
        };
        let journal =
            Journal::start(config.style).context("cannot start the thread that writes the log")?;
        let app = Arc::new(App::new(config.limits, served, journal));
        let (stop, stopped) = watch::channel(false);
        let hosts = addresses.map(|address| Hosts::new(address, &config.allow_hosts));
        let [public_hosts, admin_hosts] = hosts;
        let wires = [
            Door::new(
                Arc::clone(&app),
                routes::public(Arc::clone(&app)),
                public_hosts,
            ),
            Door::new(
                Arc::clone(&app),
                routes::admin(Arc::clone(&app)),
                admin_hosts,
            ),
        ]
        .map(|door| Wire::new(door, stopped.clone()));
        runtime.spawn(wires[0].clone().accept(public));
        runtime.spawn(wires[1].clone().accept(admin));
        pack(&app)?;
        let (look_now, now) = channel();
        if let Source::Registry(shelf) = config.source {
            let watch = Watch {
                shelf,
                app: Arc::clone(&app),
                seen: head,
                base_url,
            };
            let thread = std::thread::Builder::new().name("watch".to_owned());
            thread
                .spawn(move || watch.run(&now))
                .context("cannot start the thread that watches the registry")?;
        }
        let [listen, admin] = addresses;
        Ok(Self {
            listen,
            admin,
            app,
            runtime,
            wires,
            stop,
            look_now,
        })
    }

    /// What to tell whoever started it.
    pub fn started(&self) -> Started {
        let served = self.app.current.model();
        Started {
            listen: self.listen,
            admin: self.admin,
            model_name: served.origin.name.clone(),
            model_version: served.origin.version,
            model_kind: served.kind(),
            model_sha256: served.sha256.clone(),
        }
    }

    /// Looks at the registry at once.
    pub fn look_now(&self) {
        if self.look_now.send(()).is_err() {
            self.app
                .journal
                .note("a model file is served: there is no registry to look at");
        }
    }

    /// Where asynchronous things of this service run.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Takes no more connections and requests, and waits for those that are there: until they are answered, until
    /// time is over, or until `cut` cannot wait.
    pub fn end(self, cut: impl Future<Output = ()>) -> Ended {
        self.app.begin_to_drain();
        self.app
            .journal
            .note("going down: no more requests are taken");
        // There is a receiver in each accept loop.
        let _ = self.stop.send(true);
        let drained = async {
            for wire in &self.wires {
                wire.ended().await;
            }
        };
        let n_open = || self.wires.iter().map(Wire::n_open).sum();
        let ended = self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = drained => Ended::Drained,
                () = cut => Ended::Cut(n_open()),
                () = tokio::time::sleep(self.app.limits.drain) => Ended::TimeOver(n_open()),
            }
        });
        self.app.journal.finish();
        // What still runs is a prediction that nobody waits for.
        self.runtime.shutdown_background();
        ended
    }
}

/// Packs the trees of the model beside what is answered: it need not wait for that.
fn pack(app: &App) -> anyhow::Result<()> {
    let served = app.current.model();
    let thread = std::thread::Builder::new().name("pack".to_owned());
    thread
        .spawn(move || served.pack())
        .context("cannot start the thread that packs trees")?;
    Ok(())
}

fn runtime(n_threads: usize) -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(n_threads)
        .max_blocking_threads(n_threads)
        .thread_name("serve")
        .enable_all()
        .build()
        .context("cannot start the threads that answer")
}

async fn bind(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    Ok(bound.map_err(|e| {
        Fault::unforeseen(format!("cannot listen on {address}"))
            .because(e)
            .hint(format!("give another address with {flag}"))
    })?)
}
