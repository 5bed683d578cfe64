//! `init`: a first configuration, by asking or from options, tried before it is written.
//!
//! Secrets are neither taken nor shown: it is asked where they are, and they are read from there to be tried.
//!
//! **Invariant:** nothing is on the disk until all is asked and tried; then the whole file is, at once.

mod answers;
mod file;
mod offer;
mod questions;
mod text;

use std::io::{self, BufRead, IsTerminal as _};
use std::path::Path;

use anyhow::Context as _;
use sentinelone::UserFilter;

use self::answers::Answers;
use self::offer::Offer;
use self::questions::Questions;
use super::fields;
use crate::arguments::Init;
use crate::config::{self, Config, SecretSource};
use crate::exit::{self, Exit, Usage};
use crate::output;
use crate::{app, doctor};

/// The id of the integration that is written.
const INTEGRATION: &str = "sentinelone-users";

pub(crate) async fn init(path: &Path, command: &Init) -> anyhow::Result<Exit> {
    file::refuse(path, command.force)?;
    let mut stdin = io::stdin().lock();
    let mut questions = stdin_is_somebody().then(|| Questions::new(&mut stdin, io::stderr()));
    let answers = Answers::take(command, questions.as_mut())?;
    let config = understood(&text::yaml(path, &answers, &[]), path)?;
    let offers = if command.offline {
        Vec::new()
    } else {
        tried(&config, questions.as_mut()).await?
    };
    let text = text::yaml(path, &answers, &offers);
    understood(&text, path)?;
    file::write(path, &text, command.force)?;
    output::talk!(
        "wrote `{0}`; look it over, and then:\n  \
         rollcall check                            # every fault of it, offline\n  \
         rollcall doctor                           # both systems, tokens, this machine\n  \
         rollcall run {INTEGRATION} --dry-run  # what a load would come to; it cannot write",
        path.display()
    );
    Ok(Exit::Done)
}

fn stdin_is_somebody() -> bool {
    io::stdin().is_terminal()
}

/// Reads a text as `check` does.
fn understood(text: &str, path: &Path) -> anyhow::Result<Config> {
    match config::parse(text, path) {
        Ok(loaded) => Ok(loaded.config),
        Err(faults) => {
            // Their places are in a file that nobody has seen.
            for fault in &faults {
                output::talk!("{}", fault.message);
            }
            Err(Usage("what was answered cannot be used; nothing was written".to_owned()).into())
        }
    }
}

/// Tries both tokens, and returns which fields can be mapped; of those the ones that are taken are marked.
async fn tried<R: BufRead, W: io::Write>(
    config: &Config,
    questions: Option<&mut Questions<R, W>>,
) -> anyhow::Result<Vec<Offer>> {
    if let Some(name) = of_the_service_alone(config) {
        output::talk!(
            "nothing is tried: systemd hands the credential `{name}` to the service alone; \
             `rollcall doctor` tries it once the service runs"
        );
        return Ok(Vec::new());
    }
    output::talk!("trying both tokens, and looking at the fields of both systems …");
    let seen = seen(config).await;
    match (seen, questions) {
        (Ok((users, people)), None) => Ok(offer::of(&users, &people)),
        (Ok((users, people)), Some(questions)) => {
            questions.choose(offer::of(&users, &people), &users, &people)
        }
        (Err(error), None) => Err(error
            .context("the configuration was not written, `--offline` writes it without trying")),
        (Err(error), Some(questions)) => {
            output::talk!("{}", exit::sentence(&error));
            if questions.confirm("Write the configuration all the same?")? {
                Ok(Vec::new())
            } else {
                Err(error.context("nothing was written"))
            }
        }
    }
}

/// The systemd credential that this process was not given, if there is one.
fn of_the_service_alone(config: &Config) -> Option<&str> {
    let given = std::env::var_os("CREDENTIALS_DIRECTORY").is_some();
    let mut secrets = config.credentials.values().map(|known| &known.secret);
    secrets.find_map(|secret| match secret {
        SecretSource::Systemd(name) if !given => Some(name.as_str()),
        _ => None,
    })
}

/// What both systems show of their fields.
async fn seen(config: &Config) -> anyhow::Result<(fields::Census, fields::Census)> {
    let integration = app::integration(config, INTEGRATION)?;
    let connect = |base, credential, rate| -> anyhow::Result<transport::Client> {
        let mut settings = app::settings(config, base, credential, rate)?;
        doctor::impatient(&mut settings);
        Ok(transport::Client::new(settings)?)
    };
    let (source, target) = (&integration.source, &integration.target);
    let base = sentinelone::api_base(&source.url);
    let console = connect(base, &source.credential, source.requests_per_second)
        .context("could not set up the way to SentinelOne")?;
    let instance = connect(
        target.url.clone(),
        &target.credential,
        target.requests_per_second,
    )
    .context("could not set up the way to Oomnitza")?;
    let console = sentinelone::Client::new(console);
    let users = async {
        console
            .system_info()
            .await
            .context("could not try the token of SentinelOne")?;
        fields::users(console.clone(), UserFilter::default()).await
    };
    let people = fields::people(oomnitza::Reader::new(instance));
    let (users, (people, _)) = tokio::try_join!(users, people)?;
    Ok((users, people))
}
