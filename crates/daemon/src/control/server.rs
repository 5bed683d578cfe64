//! The daemon's side: accepts connections, reads one question of each, and hands it to the desk.
//!
//! It logs nothing of what is asked: the desk does, with what came of it.
//!
//! Who may connect is the kernel's to decide: root and the daemon's own user always, and by the mode of the socket
//! (0660) the members of its group. So there is no list of users here, and none to keep.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use load::{Cause, Halt, Progress, Report};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::peer::Peer;
use super::protocol::{Answer, Order, Question, Refusal};
use super::socket::Socket;
use super::status::Status;
use crate::doctor::Finding;
use crate::exit::Exit;
use crate::forget::Forgotten;
use crate::notify::Trial;

/// Connections at a time; more wait in the kernel.
const CONNECTIONS: usize = 64;
/// How many of them may follow a run: the others are there for those who ask, or cancel.
const FOLLOWERS: usize = 48;
/// The longest question, in bytes.
const LONGEST: usize = 64 * 1024;
/// How long a question may take to come, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the daemon, when it ends, waits for answers to be taken.
const FAREWELL: Duration = Duration::from_secs(2);
/// Progress is not told more often.
const BETWEEN: Duration = Duration::from_millis(50);

/// Who decides and acts: the driver, and in tests a stand-in.
pub(crate) trait Desk: Clone + Send + Sync + 'static {
    /// Says how the daemon is.
    fn status(&self) -> impl Future<Output = Result<Status, Refusal>> + Send;

    /// Looks at what is to be seen to; `config` is the file that the client goes by.
    fn doctor(&self, config: PathBuf)
    -> impl Future<Output = Result<Vec<Finding>, Refusal>> + Send;

    /// Pauses an integration, or all.
    fn pause(
        &self,
        integration: Option<String>,
        reason: String,
        peer: &Peer,
    ) -> impl Future<Output = Result<String, Refusal>> + Send;

    /// Ends a pause that was made by hand.
    fn resume(
        &self,
        integration: Option<String>,
        peer: &Peer,
    ) -> impl Future<Output = Result<String, Refusal>> + Send;

    /// Drops a plan that waits.
    fn discard(
        &self,
        run_id: String,
        reason: Option<String>,
        peer: &Peer,
    ) -> impl Future<Output = Result<String, Refusal>> + Send;

    /// Removes everybody with an address from the history.
    fn forget(
        &self,
        email: String,
        peer: &Peer,
    ) -> impl Future<Output = Result<Forgotten, Refusal>> + Send;

    /// Stops a run, which ends as canceled.
    fn cancel(
        &self,
        run_id: String,
        peer: &Peer,
    ) -> impl Future<Output = Result<String, Refusal>> + Send;

    /// Sends a test to everybody in `notify`, who are these as the client has it.
    fn test_notify(
        &self,
        channels: Vec<String>,
        peer: &Peer,
    ) -> impl Future<Output = Result<Vec<Trial>, Refusal>> + Send;

    /// Begins a run.
    fn start(
        &self,
        order: Order,
        peer: &Peer,
    ) -> impl Future<Output = Result<Started, Refusal>> + Send;
}

/// A run that was begun for a client.
#[derive(Debug)]
pub(crate) struct Started {
    /// How far it is.
    pub(crate) progress: watch::Receiver<Progress>,
    /// What it waits for before it begins.
    pub(crate) waiting: Option<String>,
    /// Stops it, also while it waits.
    pub(crate) halt: Halt,
    /// What it comes to; dropped when nobody is left to say so.
    pub(crate) report: oneshot::Receiver<Result<Report, Refusal>>,
}

/// The control socket, open.
#[derive(Debug)]
pub(crate) struct Server {
    socket: Socket,
}

impl Server {
    /// Opens the socket; one that a dead daemon left is replaced.
    ///
    /// # Errors
    ///
    /// Somebody listens there, something else than a socket is there, the path is too long, or the folder cannot be
    /// written; each with what to do.
    pub(crate) async fn bind(path: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            socket: Socket::bind(path).await?,
        })
    }

    /// Answers until `cancel`; then removes the socket, and lets go out what was answered already.
    ///
    /// Whoever follows a run is told its end only if the run ends before that: stop the runs first.
    pub(crate) async fn serve<D: Desk>(self, desk: D, cancel: CancellationToken) {
        let followers = Arc::new(Semaphore::new(FOLLOWERS));
        let mut connections = JoinSet::new();
        loop {
            while let Some(ended) = connections.try_join_next() {
                tell_if_broken(ended);
            }
            let stream = tokio::select! {
                () = cancel.cancelled() => break,
                Some(ended) = connections.join_next(), if connections.len() >= CONNECTIONS => {
                    tell_if_broken(ended);
                    continue;
                }
                accepted = self.socket.listener.accept(), if connections.len() < CONNECTIONS => {
                    match accepted {
                        Ok((stream, _)) => stream,
                        Err(error) => {
                            tracing::warn!(%error, "Could not accept a connection to the control socket");
                            // Most likely there are too many open files: it cannot help to ask at once again.
                            sleep(BETWEEN).await;
                            continue;
                        }
                    }
                }
            };
            connections.spawn(converse(
                stream,
                desk.clone(),
                Arc::clone(&followers),
                cancel.clone(),
            ));
        }
        drop(self);
        let farewell = async {
            while let Some(ended) = connections.join_next().await {
                tell_if_broken(ended);
            }
        };
        // Who has not taken its answer by then does not read.
        let _ = timeout(FAREWELL, farewell).await;
    }
}

fn tell_if_broken(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "A connection to the control socket broke; please report this");
    }
}

/// Answers one client.
async fn converse<D: Desk>(
    stream: UnixStream,
    desk: D,
    followers: Arc<Semaphore>,
    cancel: CancellationToken,
) {
    let peer = match Peer::of(&stream).await {
        Ok(peer) => peer,
        Err(error) => {
            tracing::warn!(%error, "A client of the control socket whom the kernel does not name is not served");
            return;
        }
    };
    let (reader, writer) = stream.into_split();
    let mut questions = Questions::new(reader);
    let mut answers = Answers(writer);
    let question = tokio::select! {
        () = cancel.cancelled() => return,
        question = timeout(PATIENCE, questions.next()) => question,
    };
    let answer = match question {
        Ok(Some(Ok(question))) => {
            answer(
                &desk,
                question,
                &peer,
                &followers,
                &mut questions,
                &mut answers,
            )
            .await
        }
        Ok(Some(Err(refusal))) => Some(refusal.into()),
        // It went away without a word.
        Ok(None) => None,
        Err(_) => Some(
            Refusal::new(
                Exit::Usage,
                format!("no question came within {} s", PATIENCE.as_secs()),
            )
            .into(),
        ),
    };
    if let Some(answer) = answer {
        // Whoever is gone needs no answer.
        let _ = answers.give(&answer).await;
    }
}

/// Finds the last answer to a question; `None`: the client is gone.
async fn answer<D: Desk>(
    desk: &D,
    question: Question,
    peer: &Peer,
    followers: &Semaphore,
    questions: &mut Questions,
    answers: &mut Answers,
) -> Option<Answer> {
    let done = match question {
        Question::Status => {
            return Some(match desk.status().await {
                Ok(status) => Answer::Status(Box::new(status)),
                Err(refusal) => refusal.into(),
            });
        }
        Question::Doctor { config } => {
            return Some(match desk.doctor(config).await {
                Ok(findings) => Answer::Findings { findings },
                Err(refusal) => refusal.into(),
            });
        }
        Question::Pause {
            integration,
            reason,
        } => desk.pause(integration, reason, peer).await,
        Question::Resume { integration } => desk.resume(integration, peer).await,
        Question::Cancel { run_id } => desk.cancel(run_id, peer).await,
        Question::Discard { run_id, reason } => desk.discard(run_id, reason, peer).await,
        Question::Forget { email } => {
            return Some(match desk.forget(email, peer).await {
                Ok(forgotten) => Answer::Forgotten(forgotten),
                Err(refusal) => refusal.into(),
            });
        }
        Question::TestNotify { channels } => {
            return Some(match desk.test_notify(channels, peer).await {
                Ok(trials) => Answer::Tried { trials },
                Err(refusal) => refusal.into(),
            });
        }
        Question::Start(order) => {
            let Ok(_place) = followers.try_acquire() else {
                return Some(too_many().into());
            };
            return match desk.start(order, peer).await {
                Ok(started) => follow(started, questions, answers).await,
                Err(refusal) => Some(refusal.into()),
            };
        }
        Question::Stop => Err(Refusal::new(
            Exit::Usage,
            "there is no run on this connection to stop; `rollcall cancel RUN_ID` stops any",
        )),
    };
    Some(match done {
        Ok(sentence) => Answer::Done { sentence },
        Err(refusal) => refusal.into(),
    })
}

fn too_many() -> Refusal {
    Refusal::new(
        Exit::Failed,
        format!("the daemon carries out {FOLLOWERS} runs for clients already; try again later"),
    )
}

/// Tells a client how its run goes on, and returns what it came to; `None`: the client is gone, and the run goes on.
async fn follow(
    started: Started,
    questions: &mut Questions,
    answers: &mut Answers,
) -> Option<Answer> {
    let Started {
        mut progress,
        waiting,
        halt,
        mut report,
    } = started;
    if let Some(what) = waiting {
        answers.give(&Answer::Waiting { what }).await?;
    }
    let mut next = std::pin::pin!(questions.next());
    let mut listening = true;
    let mut publishing = true;
    loop {
        tokio::select! {
            biased;
            ended = &mut report => {
                return Some(match ended {
                    Ok(Ok(report)) => Answer::Report(Box::new(report)),
                    Ok(Err(refusal)) => refusal.into(),
                    Err(_) => Refusal::new(Exit::Interrupted, super::GONE).into(),
                });
            }
            question = &mut next, if listening => {
                // It has said all that it may; whether it still reads, writing shows.
                listening = false;
                if let Some(Ok(Question::Stop)) = question {
                    halt.stop(Cause::Shutdown);
                }
            }
            changed = progress.changed(), if publishing => {
                publishing = changed.is_ok();
                if publishing {
                    let now = *progress.borrow_and_update();
                    answers.give(&Answer::Progress(now)).await?;
                    // The end of the run, and a wish to stop it, wait no longer than that.
                    sleep(BETWEEN).await;
                }
            }
        }
    }
}

/// What a client says, a bounded line at a time.
struct Questions {
    reader: BufReader<OwnedReadHalf>,
}

impl Questions {
    fn new(reader: OwnedReadHalf) -> Self {
        Self {
            reader: BufReader::with_capacity(1024, reader),
        }
    }

    /// Reads the next question; `None`: it says nothing more.
    async fn next(&mut self) -> Option<Result<Question, Refusal>> {
        let mut line = Vec::new();
        let limit = LONGEST as u64 + 1;
        let mut bounded = (&mut self.reader).take(limit);
        match bounded.read_until(b'\n', &mut line).await {
            Err(_) | Ok(0) => None,
            Ok(_) if line.len() > LONGEST => Some(Err(Refusal::new(
                Exit::Usage,
                format!("a question is at most {LONGEST} bytes long"),
            ))),
            Ok(_) => Some(Question::from_line(&line)),
        }
    }
}

/// What a client is told.
struct Answers(OwnedWriteHalf);

impl Answers {
    /// Writes an answer; `None`: the client does not take it.
    async fn give(&mut self, answer: &Answer) -> Option<()> {
        let line = answer
            .to_line()
            .inspect_err(|error| tracing::error!(%error, "Could not write an answer"))
            .ok()?;
        timeout(PATIENCE, self.0.write_all(&line)).await.ok()?.ok()
    }
}
