//! What others ask of the driver, and how it hears of it.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use store::{PeerRequest, Store};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::Driver;
use super::ledger::later;
use super::runs::stopping;
use super::survey::Survey;
use crate::config;
use crate::control::{Desk, Order, Peer, Refusal, Started, Status};
use crate::doctor::{self, Finding, InForce};
use crate::exit::{self, Exit};
use crate::forget::{self, Forgotten};
use crate::notify::{Notifier, Trial};
use crate::serve::running::Outcome;
use crate::watch::Outlook;

/// What the driver hears.
pub(crate) enum Event {
    /// Somebody wants to know how the daemon is.
    Status(oneshot::Sender<Status>),
    /// Somebody watches the daemon.
    Survey(oneshot::Sender<Survey>),
    /// Somebody wants to know what is in force.
    InForce(oneshot::Sender<InForce>),
    /// A client asks for something to be done.
    Ask {
        ask: Ask,
        peer: Peer,
        answer: oneshot::Sender<Result<String, Refusal>>,
    },
    /// A client asks for a run.
    Order {
        order: Order,
        peer: Peer,
        answer: oneshot::Sender<Result<Started, Refusal>>,
    },
    /// A client asks for a test of those who are told, who are these as it has it.
    TestNotify {
        channels: Vec<String>,
        peer: Peer,
        answer: oneshot::Sender<Result<Notifier, Refusal>>,
    },
    /// A client asks that somebody is forgotten.
    Forget(oneshot::Sender<Result<Forgetting, Refusal>>),
    /// Something was done for a client, and is to be on record.
    Done {
        command: &'static str,
        peer: Peer,
        answer: String,
    },
    /// A run that still waits is not wanted any more.
    Withdraw { id: String, run_id: String },
    /// The configuration is to be read anew.
    Reload,
    /// A run has ended.
    Ended { id: String, outcome: Outcome },
    /// A task has died.
    Died(String),
    /// The watchdog wants to know whether the driver lives.
    Alive(oneshot::Sender<()>),
    /// Somebody wants to know whether nothing goes on, and nothing is due for this time.
    Quiet {
        ahead: std::time::Duration,
        answer: oneshot::Sender<bool>,
    },
    /// Somebody wants to know how long the history is kept.
    Retention(oneshot::Sender<config::Retention>),
    /// Somebody watches over, and wants to know what the driver alone knows.
    Outlook(oneshot::Sender<(Arc<config::Config>, Outlook)>),
    /// Something is wrong with the daemon, or is right again.
    Health {
        about: &'static str,
        sentence: Option<String>,
    },
    /// The daemon is to stop.
    Stop,
}

/// What a client may ask for besides runs.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Pause {
        integration: Option<String>,
        reason: String,
    },
    Resume {
        integration: Option<String>,
    },
    Cancel {
        run_id: String,
    },
    Discard {
        run_id: String,
        reason: Option<String>,
    },
}

/// What it takes to forget somebody; while there is one, no run begins.
pub(crate) struct Forgetting {
    store: Arc<Store>,
    state_dir: PathBuf,
    _place: Arc<()>,
}

/// The way to the driver; clones lead to the same one.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    sender: mpsc::Sender<Event>,
    /// One look at everything at a time: each asks both systems for everybody.
    doctor: Arc<Semaphore>,
}

impl Handle {
    pub(super) fn new(sender: mpsc::Sender<Event>) -> Self {
        Self {
            sender,
            doctor: Arc::new(Semaphore::new(1)),
        }
    }

    /// Tells the driver something; one that has ended does not hear it.
    pub(crate) async fn tell(&self, event: Event) {
        let _ = self.sender.send(event).await;
    }

    /// Says whether the driver takes its turns.
    pub(crate) async fn is_alive(&self) -> bool {
        self.ask(Event::Alive).await.is_some()
    }

    /// Says whether nothing goes on, and nothing is due for a time.
    pub(crate) async fn is_quiet(&self, ahead: std::time::Duration) -> bool {
        let quiet = self.ask(|answer| Event::Quiet { ahead, answer }).await;
        quiet.unwrap_or(false)
    }

    /// Says how long the history is kept; `None`: the driver has ended.
    pub(crate) async fn retention(&self) -> Option<config::Retention> {
        self.ask(Event::Retention).await
    }

    /// Tells what is in force, and what the driver alone knows; `None`: the driver has ended.
    pub(crate) async fn outlook(&self) -> Option<(Arc<config::Config>, Outlook)> {
        self.ask(Event::Outlook).await
    }

    /// Says what the driver alone knows; `None`: it has ended.
    pub(crate) async fn survey(&self) -> Option<Survey> {
        self.ask(Event::Survey).await
    }

    async fn ask<T>(&self, event: impl FnOnce(oneshot::Sender<T>) -> Event) -> Option<T> {
        let (answer, heard) = oneshot::channel();
        self.sender.send(event(answer)).await.ok()?;
        heard.await.ok()
    }

    async fn ask_for(&self, ask: Ask, peer: &Peer) -> Result<String, Refusal> {
        let peer = peer.clone();
        let answered = self.ask(|answer| Event::Ask { ask, peer, answer }).await;
        answered.unwrap_or_else(|| Err(stopping()))
    }
}

impl Desk for Handle {
    async fn status(&self) -> Result<Status, Refusal> {
        self.ask(Event::Status).await.ok_or_else(stopping)
    }

    async fn doctor(&self, config: PathBuf) -> Result<Vec<Finding>, Refusal> {
        let Ok(_place) = self.doctor.try_acquire() else {
            return Err(Refusal::new(
                Exit::Failed,
                "the daemon looks at everything for another client right now; try again in half a minute",
            ));
        };
        // It is looked at in the task of the client: the driver goes on.
        let in_force = self.ask(Event::InForce).await.ok_or_else(stopping)?;
        Ok(doctor::by_the_daemon(in_force, &config).await)
    }

    async fn pause(
        &self,
        integration: Option<String>,
        reason: String,
        peer: &Peer,
    ) -> Result<String, Refusal> {
        let ask = Ask::Pause {
            integration,
            reason,
        };
        self.ask_for(ask, peer).await
    }

    async fn resume(&self, integration: Option<String>, peer: &Peer) -> Result<String, Refusal> {
        self.ask_for(Ask::Resume { integration }, peer).await
    }

    async fn discard(
        &self,
        run_id: String,
        reason: Option<String>,
        peer: &Peer,
    ) -> Result<String, Refusal> {
        self.ask_for(Ask::Discard { run_id, reason }, peer).await
    }

    async fn forget(&self, email: String, peer: &Peer) -> Result<Forgotten, Refusal> {
        let asked = self.ask(Event::Forget).await;
        let forgetting = asked.unwrap_or_else(|| Err(stopping()))?;
        // In the task of the client: the driver goes on.
        let result = forget::forget(&forgetting.store, &forgetting.state_dir, &email).await;
        drop(forgetting);
        let (answer, result) = match result {
            // Nobody is named.
            Ok(forgotten) => {
                let answer = match forgotten.people.len() {
                    0 => "the database is written anew".to_owned(),
                    1 => "a user is forgotten".to_owned(),
                    several => format!("{several} users are forgotten"),
                };
                (answer, Ok(forgotten))
            }
            Err(error) => {
                let refusal = Refusal::new(exit::of_error(&error), exit::sentence(&error));
                (
                    format!("refused, with exit code {}", refusal.exit.code()),
                    Err(refusal),
                )
            }
        };
        let (command, peer) = ("forget", peer.clone());
        self.tell(Event::Done {
            command,
            peer,
            answer,
        })
        .await;
        result
    }

    async fn cancel(&self, run_id: String, peer: &Peer) -> Result<String, Refusal> {
        self.ask_for(Ask::Cancel { run_id }, peer).await
    }

    async fn test_notify(&self, channels: Vec<String>, peer: &Peer) -> Result<Vec<Trial>, Refusal> {
        let peer = peer.clone();
        let asked = self.ask(|answer| Event::TestNotify {
            channels,
            peer,
            answer,
        });
        let notifier = asked.await.unwrap_or_else(|| Err(stopping()))?;
        // Not in the driver: others may take their time.
        Ok(notifier.test().await)
    }

    async fn start(&self, order: Order, peer: &Peer) -> Result<Started, Refusal> {
        let peer = peer.clone();
        let started = self.ask(|answer| Event::Order {
            order,
            peer,
            answer,
        });
        started.await.unwrap_or_else(|| Err(stopping()))
    }
}

impl Driver {
    pub(super) async fn hear(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Status(answer) => {
                // Who asks and goes away before the answer needs none; so with all that follow.
                let _ = answer.send(self.status().await);
            }
            Event::Survey(answer) => drop(answer.send(self.survey())),
            Event::InForce(answer) => drop(answer.send(self.in_force())),
            Event::Ask { ask, peer, answer } => {
                let result = self.carry_out(&ask, &peer).await;
                let (command, subject, detail) = ask.on_record();
                self.put_on_record(&peer, command, subject, detail, sentence(&result))
                    .await;
                let _ = answer.send(result);
            }
            Event::Order {
                order,
                peer,
                answer,
            } => {
                let result = self.take_order(&order, &peer).await;
                let _ = answer.send(result);
            }
            Event::TestNotify {
                channels,
                peer,
                answer,
            } => {
                let result = self.take_test(&channels, &peer).await;
                let _ = answer.send(result);
            }
            Event::Forget(answer) => {
                let result = if self.stopping {
                    Err(stopping())
                } else {
                    Ok(self.forgetting())
                };
                let _ = answer.send(result);
            }
            Event::Done {
                command,
                peer,
                answer,
            } => {
                self.put_on_record(&peer, command, None, None, &answer)
                    .await;
            }
            Event::Withdraw { id, run_id } => {
                self.withdraw(&id, &run_id, "nobody wants it any more");
            }
            Event::Reload => self.reload().await,
            Event::Ended { id, outcome } => self.ended(&id, outcome).await,
            Event::Died(what) => anyhow::bail!(what),
            Event::Alive(answer) => drop(answer.send(())),
            Event::Quiet { ahead, answer } => {
                let until = later(self.clock.now(), ahead);
                let due = |wake: Option<Timestamp>| wake.is_some_and(|wake| wake <= until);
                let quiet = self.running() == 0
                    && self.queue.is_empty()
                    && !self.integrations.values().any(|served| due(served.wake));
                let _ = answer.send(quiet);
            }
            Event::Retention(answer) => drop(answer.send(self.config.retention)),
            Event::Outlook(answer) => {
                drop(answer.send((Arc::clone(&self.config), self.outlook())));
            }
            Event::Health { about, sentence } => {
                match sentence {
                    Some(sentence) => self.health.insert(about, sentence),
                    None => self.health.remove(about),
                };
            }
            Event::Stop => self.stop(),
        }
        Ok(())
    }

    fn forgetting(&self) -> Forgetting {
        Forgetting {
            store: Arc::clone(&self.store),
            state_dir: self.at_start.state_dir.clone(),
            _place: Arc::clone(&self.forgetting),
        }
    }

    fn in_force(&self) -> InForce {
        InForce {
            path: self.path.clone(),
            config: Arc::clone(&self.config),
            at_start: Arc::clone(&self.at_start),
            loaded_at: self.loaded_at,
            daemon: self.incumbent.clone(),
        }
    }

    async fn carry_out(&mut self, ask: &Ask, peer: &Peer) -> Result<String, Refusal> {
        match ask {
            Ask::Pause {
                integration,
                reason,
            } => self.pause(integration.as_deref(), reason, peer).await,
            Ask::Resume { integration } => self.resume(integration.as_deref(), peer).await,
            Ask::Cancel { run_id } => self.cancel(run_id, peer),
            Ask::Discard { run_id, reason } => self.discard(run_id, reason.as_deref(), peer).await,
        }
    }

    pub(super) async fn put_on_record(
        &self,
        peer: &Peer,
        command: &str,
        subject: Option<&str>,
        detail: Option<&str>,
        answer: &str,
    ) {
        tracing::info!(
            peer.uid = peer.uid,
            peer.user = peer.user,
            command,
            subject,
            answer,
            "Somebody asked for something"
        );
        let request = PeerRequest {
            at: self.clock.now(),
            uid: peer.uid,
            user: peer.user.as_deref(),
            pid: peer.pid,
            command,
            subject,
            detail,
            answer,
        };
        if let Err(error) = self.store.record_request(&request).await {
            tracing::error!(error = %load::chain(&error), "Could not put a request on record");
        }
    }
}

impl Ask {
    /// The command, what it is about, and what else was said.
    fn on_record(&self) -> (&'static str, Option<&str>, Option<&str>) {
        match self {
            Self::Pause {
                integration,
                reason,
            } => ("pause", integration.as_deref(), Some(reason)),
            Self::Resume { integration } => ("resume", integration.as_deref(), None),
            Self::Cancel { run_id } => ("cancel", Some(run_id), None),
            Self::Discard { run_id, reason } => ("discard", Some(run_id), reason.as_deref()),
        }
    }
}

fn sentence(result: &Result<String, Refusal>) -> &str {
    match result {
        Ok(sentence) => sentence,
        Err(refusal) => &refusal.sentence,
    }
}
