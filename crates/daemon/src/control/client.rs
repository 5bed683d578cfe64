//! A command's side: finds the daemon that runs, asks it, and shows how its run goes on.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use load::{Progress, Report};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::look::{Found, look};
use super::protocol::{Answer, Incumbent, Order, Question, Refusal, VERSION};
use super::status::Status;
use crate::doctor::Finding;
use crate::exit::Exit;
use crate::forget::Forgotten;
use crate::notify::Trial;
use crate::output;
use crate::progress::Show;
use crate::signals::Signals;

/// How long a daemon may hold its lock without a socket: it starts, or ends.
const SETTLING: Duration = Duration::from_secs(2);
/// How often it is looked at in that time.
const LOOK: Duration = Duration::from_millis(50);
/// How long an answer other than that of a run may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may take to write the whole database anew.
const REWRITING: Duration = Duration::from_hours(1);

/// A connection to the daemon.
#[derive(Debug)]
pub(crate) struct Client {
    daemon: Incumbent,
    answers: Lines<BufReader<OwnedReadHalf>>,
    questions: OwnedWriteHalf,
}

impl Client {
    /// Connects to the daemon that runs on a `state_dir`; `None`: none does.
    ///
    /// # Errors
    ///
    /// One runs and cannot be spoken to, or it cannot be seen whether one runs; with what to do.
    pub(crate) async fn find(state_dir: &Path) -> anyhow::Result<Option<Self>> {
        let deadline = Instant::now() + SETTLING;
        loop {
            let refused = match look(state_dir)? {
                Found::Nobody => return Ok(None),
                Found::SomebodyUnnamed => anyhow!(
                    "a daemon has locked `{}` and does not say where its control socket is; try again",
                    state_dir.display()
                ),
                Found::Somebody(daemon) => match UnixStream::connect(&daemon.socket).await {
                    Ok(stream) => return Ok(Some(Self::new(daemon, stream))),
                    Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                        return Err(not_admitted(&daemon));
                    }
                    Err(error) => unreachable(&daemon, error),
                },
            };
            // A daemon that starts has no socket yet, one that ends has none any more.
            if Instant::now() >= deadline {
                return Err(refused);
            }
            sleep(LOOK).await;
        }
    }

    fn new(daemon: Incumbent, stream: UnixStream) -> Self {
        let (reader, questions) = stream.into_split();
        Self {
            daemon,
            answers: BufReader::new(reader).lines(),
            questions,
        }
    }

    /// Asks how the daemon is.
    pub(crate) async fn status(mut self) -> anyhow::Result<Status> {
        match self.ask(&Question::Status).await? {
            Answer::Status(status) => Ok(*status),
            answer => Err(self.unexpected(answer)),
        }
    }

    /// Asks what is to be seen to.
    pub(crate) async fn doctor(mut self, config: PathBuf) -> anyhow::Result<Vec<Finding>> {
        match self.ask(&Question::Doctor { config }).await? {
            Answer::Findings { findings } => Ok(findings),
            answer => Err(self.unexpected(answer)),
        }
    }

    /// Asks for something that is done at once, and returns the sentence on what was done.
    pub(crate) async fn order(mut self, question: &Question) -> anyhow::Result<String> {
        match self.ask(question).await? {
            Answer::Done { sentence } => Ok(sentence),
            answer => Err(self.unexpected(answer)),
        }
    }

    /// Has everybody with an address removed from the history, and returns who that was.
    pub(crate) async fn forget(mut self, email: String) -> anyhow::Result<Forgotten> {
        let question = Question::Forget { email };
        match self.ask_within(REWRITING, &question).await? {
            Answer::Forgotten(forgotten) => Ok(forgotten),
            answer => Err(self.unexpected(answer)),
        }
    }

    /// Has everybody in `notify` sent a test, and returns what came of it.
    pub(crate) async fn test_notify(mut self, channels: Vec<String>) -> anyhow::Result<Vec<Trial>> {
        match self.ask(&Question::TestNotify { channels }).await? {
            Answer::Tried { trials } => Ok(trials),
            answer => Err(self.unexpected(answer)),
        }
    }

    /// Lets the daemon carry out a run, and shows its progress; the first signal asks it to stop the run.
    ///
    /// # Errors
    ///
    /// Besides what the daemon refuses: it went away, or a second signal came, while the run went on.
    pub(crate) async fn carry_out(
        mut self,
        order: Order,
        signals: &mut Signals,
    ) -> anyhow::Result<Report> {
        self.tell(&Question::Start(order)).await?;
        let (publisher, progress) = watch::channel(Progress::default());
        let show = Show::begin(progress);
        let report = self.follow(&publisher, signals).await;
        show.end().await;
        report
    }

    async fn follow(
        &mut self,
        publisher: &watch::Sender<Progress>,
        signals: &mut Signals,
    ) -> anyhow::Result<Report> {
        let mut stopping = false;
        loop {
            tokio::select! {
                answer = self.answers.next_line() => match self.read(answer)? {
                    Some(Answer::Progress(progress)) => {
                        publisher.send_replace(progress);
                    }
                    Some(Answer::Waiting { what }) => output::talk!("waiting: {what}"),
                    Some(Answer::Report(report)) => return Ok(*report),
                    Some(answer) => return Err(self.unexpected(answer)),
                    None => return Err(Refusal::new(Exit::Interrupted, super::GONE).into()),
                },
                () = signals.next() => {
                    if stopping {
                        let sentence = "this command ends; the daemon goes on stopping the run, see `rollcall runs`";
                        return Err(Refusal::new(Exit::Interrupted, sentence).into());
                    }
                    stopping = true;
                    output::talk!("stopping; once more to leave that to the daemon");
                    // A daemon that is gone shows as the end of its answers.
                    let _ = self.tell(&Question::Stop).await;
                }
            }
        }
    }

    async fn ask(&mut self, question: &Question) -> anyhow::Result<Answer> {
        self.ask_within(PATIENCE, question).await
    }

    async fn ask_within(
        &mut self,
        patience: Duration,
        question: &Question,
    ) -> anyhow::Result<Answer> {
        let asked = async {
            self.tell(question).await?;
            let answer = self.answers.next_line().await;
            self.read(answer)?
                .context("the daemon went away before it answered")
        };
        match timeout(patience, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(anyhow!(
                "the daemon (pid {}) does not answer; `journalctl -u rollcall` may tell why",
                self.daemon.pid
            )),
        }
    }

    async fn tell(&mut self, question: &Question) -> anyhow::Result<()> {
        self.questions
            .write_all(&question.to_line()?)
            .await
            .context("could not ask the daemon")
    }

    /// Reads an answer; `None`: there are no more.
    fn read(&self, line: std::io::Result<Option<String>>) -> anyhow::Result<Option<Answer>> {
        // A daemon that is killed may reset the connection: that is an end like any other.
        let Ok(Some(line)) = line else {
            return Ok(None);
        };
        let answer = serde_json::from_str(&line).with_context(|| {
            format!(
                "could not understand the daemon: it is Rollcall {}, and this is Rollcall {VERSION}; \
                 where they differ, restart the daemon",
                self.daemon.version
            )
        })?;
        Ok(Some(answer))
    }

    /// What an answer means that is not the one that was asked for.
    fn unexpected(&self, answer: Answer) -> anyhow::Error {
        match answer {
            Answer::Refused { sentence, exit } => {
                Refusal::new(Exit::from_code(exit), sentence).into()
            }
            _ => anyhow!(
                "the daemon (Rollcall {}) gave an answer to something else; restart it",
                self.daemon.version
            ),
        }
    }
}

fn not_admitted(daemon: &Incumbent) -> anyhow::Error {
    anyhow!(
        "a daemon runs (pid {}), and its control socket `{}` does not admit you: be root, or a member of the group \
         that owns the socket, and log in anew after you became one",
        daemon.pid,
        daemon.socket.display()
    )
}

fn unreachable(daemon: &Incumbent, error: std::io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context(format!(
        "a daemon runs (pid {}), and nobody answers on its control socket `{}`; \
         if it does not start or end right now, restart it",
        daemon.pid,
        daemon.socket.display()
    ))
}
