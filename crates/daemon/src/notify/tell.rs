//! One try to tell one channel of one thing.

use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use transport::Hook;

use super::command;
use super::message::Words;
use crate::config::{Channel, Config, Format, Way};
use crate::secrets;

/// A receiver that takes longer than this to answer hangs; HTTP's own limits, if shorter, hold as well.
const ANSWER: Duration = Duration::from_secs(10);

/// Why somebody could not be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Untold {
    /// Why, in words that may stand anywhere.
    pub(super) why: String,
    /// What the other side said to it: for whoever tries by hand. It may repeat what it was told.
    pub(super) said: Option<String>,
    /// What is at fault.
    pub(super) fault: Fault,
    /// How long the other side asks to wait.
    pub(super) retry_after: Option<Duration>,
}

/// What is at fault when somebody could not be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The channel: nothing else could be told either.
    Channel,
    /// The message: the other side understood it, and refuses what it says.
    Message,
}

impl Untold {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            said: None,
            fault: Fault::Channel,
            retry_after: None,
        }
    }

    /// All that is known, for whoever tries by hand.
    pub(super) fn sentence(&self) -> String {
        match &self.said {
            Some(said) => format!("{}: {said}", self.why),
            None => self.why.clone(),
        }
    }
}

/// How all addresses are reached.
pub(super) fn reach(config: &Config) -> transport::Way {
    transport::Way {
        connect_timeout: config.http.connect_timeout.min(ANSWER),
        timeout: config.http.timeout.min(ANSWER),
        proxy: config.http.proxy.clone(),
        ca_files: config.http.ca_files.clone(),
    }
}

/// Tells a channel, once; a command may take so long.
pub(super) async fn tell(
    channel: &Channel,
    reach: &transport::Way,
    words: &Words,
    longest: Duration,
) -> Result<(), Untold> {
    match &channel.way {
        Way::Webhook { url, format } => {
            let message = match format {
                Format::Slack => words.slack(),
                Format::Generic => words.json.clone(),
            };
            // Read each time, and gone with this try.
            let url = secrets::read(url).map_err(|error| Untold::new(load::chain(&error)))?;
            post(url, reach, "application/json", message.to_string().into()).await
        }
        Way::Command(command) => command::run(command, &words.json, longest).await,
    }
}

/// Posts a body to an address, once.
pub(super) async fn post(
    url: SecretString,
    reach: &transport::Way,
    content_type: &'static str,
    body: Bytes,
) -> Result<(), Untold> {
    let hook = Hook::new(&url, reach).map_err(|error| Untold::new(load::chain(&error)))?;
    drop(url);
    hook.post(content_type, body)
        .await
        .map_err(|error| untold(&error))
}

fn untold(error: &transport::Error) -> Untold {
    let Some(refusal) = error.refusal() else {
        return Untold::new(load::chain(error));
    };
    let said = Some(refusal.excerpt.clone()).filter(|said| !said.is_empty());
    let fault = match refusal.status.as_u16() {
        400 | 413 | 415 | 422 => Fault::Message,
        _ => Fault::Channel,
    };
    Untold {
        said,
        fault,
        retry_after: refusal.retry_after,
        ..Untold::new(format!("the answer was {}", refusal.status))
    }
}
