//! `explain`: why a user is as it is, from the database alone.

mod text;

use std::io::{self, Write as _};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use load::{Address, Conditions, Evidence, Explanation};
use store::{RunOnRecord, Somebody, Store};

use crate::arguments::Explain;
use crate::config::{Config, kept};
use crate::exit::{Exit, Usage};
use crate::{app, output};

pub(crate) async fn explain(path: &Path, command: &Explain) -> anyhow::Result<Exit> {
    let config = app::configuration(path)?;
    let store = app::read_store(&config).await?;
    let run = match &command.run {
        None => None,
        Some(run_id) => Some(run_of(&store, run_id).await?),
    };
    let people = meant(&config, &store, command, run.as_ref()).await?;
    let mut explanations = Vec::new();
    for somebody in &people {
        let run = match &run {
            Some(run) => {
                must_have_seen(&config, &store, run, somebody).await?;
                run.clone()
            }
            None => latest(&store, somebody).await?,
        };
        must_be_kept(&config, &run)?;
        let evidence = evidence(&config, &store, somebody, run).await?;
        explanations.push(Explanation::of(&evidence));
    }
    let printed = if command.json {
        serde_json::to_string_pretty(&explanations)? + "\n"
    } else {
        let explanations = explanations.iter();
        let texts = explanations.map(|one| text::text(one, &config.timezone));
        output::shown(&texts.collect::<Vec<_>>().join("\n")).into_owned()
    };
    match io::stdout().lock().write_all(printed.as_bytes()) {
        // Whoever reads a page of it may have read enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Exit::Done),
    }
}

async fn run_of(store: &Store, run_id: &str) -> anyhow::Result<RunOnRecord> {
    let run = store.run_on_record(run_id).await?;
    run.ok_or_else(|| {
        let run_id = run_id.to_owned();
        load::Error::UnknownRun { run_id }.into()
    })
}

/// Finds whom the command means: one user of each integration that has one.
async fn meant(
    config: &Config,
    store: &Store,
    command: &Explain,
    run: Option<&RunOnRecord>,
) -> anyhow::Result<Vec<Somebody>> {
    let who = command.who.trim();
    let address = Address::new(who);
    let mut people = store.people_named(who, address.folded()).await?;
    people.retain(|one| one.source_id == who || address.is(one.email.as_deref()));
    if people.is_empty() {
        return Err(Usage(format!(
            "nobody on record has the address or the id `{who}`; `rollcall people` lists who is"
        ))
        .into());
    }
    let integrations = || {
        let mut names: Vec<String> = people.iter().map(|one| one.integration.clone()).collect();
        names.dedup();
        names
    };
    let known = integrations();
    if let Some(id) = &command.integration {
        people.retain(|one| one.integration == *id);
        if people.is_empty() {
            if !known.contains(id) {
                app::integration(config, id)?;
            }
            return Err(Usage(format!(
                "`{who}` is nobody of the integration `{id}`; {} knows it",
                listed(&known)
            ))
            .into());
        }
    }
    if let Some(RunOnRecord { run, .. }) = run {
        people.retain(|one| one.integration == run.integration);
        if people.is_empty() {
            return Err(Usage(format!(
                "the run `{}` is one of the integration `{}`, and {} knows `{who}`",
                run.run_id,
                run.integration,
                listed(&known)
            ))
            .into());
        }
    }
    for pair in people.windows(2) {
        if let [one, other] = pair
            && one.integration == other.integration
        {
            let same = people
                .iter()
                .filter(|some| some.integration == one.integration);
            let ids: Vec<&str> = same.map(|some| some.source_id.as_str()).collect();
            return Err(Usage(format!(
                "several users of `{}` have the address `{who}`; write the id of one: {}",
                one.integration,
                ids.join(", ")
            ))
            .into());
        }
    }
    Ok(people)
}

fn listed(integrations: &[String]) -> String {
    let names: Vec<String> = integrations
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    names.join(", ")
}

/// The latest run that saw a user.
async fn latest(store: &Store, somebody: &Somebody) -> anyhow::Result<RunOnRecord> {
    let run_id = store.latest_run_of(somebody.person).await?;
    let run_id = run_id.ok_or_else(|| {
        Usage(format!(
            "no run that made a plan and is on record saw the user {} of `{}`",
            somebody.source_id, somebody.integration
        ))
    })?;
    run_of(store, &run_id).await
}

/// Refuses a run that says nothing of a user.
async fn must_have_seen(
    config: &Config,
    store: &Store,
    run: &RunOnRecord,
    somebody: &Somebody,
) -> anyhow::Result<()> {
    let run_id = &run.run.run_id;
    if !run.run.planned {
        return Err(Usage(format!(
            "the run `{run_id}` is {} and made no plan, so that it says nothing of anybody",
            run.run.state.as_str().replace('_', " ")
        ))
        .into());
    }
    // What is too old is told as that.
    must_be_kept(config, run)?;
    if store.saw(run.run.key.run, somebody.person).await? {
        return Ok(());
    }
    let lifetime = store.lifetime(somebody.person).await?;
    let at = |at: Timestamp| output::instant(at, &config.timezone);
    let why = match lifetime.gone_since {
        _ if run.run.partial => "it was of some users alone".to_owned(),
        Some(gone) => format!(
            "the user was first seen {}, and is gone since {}",
            at(lifetime.first_seen_at),
            at(gone)
        ),
        None => format!(
            "the user was first seen {}, and last {}; `rollcall explain {}` shows when it was not there",
            at(lifetime.first_seen_at),
            at(lifetime.last_seen_at),
            somebody.source_id
        ),
    };
    Err(Usage(format!(
        "the run `{run_id}` of {} did not see the user {}: {why}",
        at(run.run.started_at),
        somebody.source_id
    ))
    .into())
}

/// Refuses a run that is older than what is kept of changes.
fn must_be_kept(config: &Config, run: &RunOnRecord) -> anyhow::Result<()> {
    let kept = SignedDuration::try_from(config.retention.changes).unwrap_or(SignedDuration::MAX);
    let Ok(since) = Timestamp::now().checked_sub(kept) else {
        return Ok(());
    };
    let ended = run.finished_at.unwrap_or(run.run.started_at);
    if ended >= since {
        return Ok(());
    }
    let at = |at: Timestamp| output::instant(at, &config.timezone);
    Err(Usage(format!(
        "the run `{}` ended {}, and explanations go back to {}: `retention.changes` says for how long",
        run.run.run_id,
        at(ended),
        at(since)
    ))
    .into())
}

async fn evidence(
    config: &Config,
    store: &Store,
    somebody: &Somebody,
    run: RunOnRecord,
) -> anyhow::Result<Evidence> {
    let roles = store.roles(run.run.key.integration).await?;
    Ok(Evidence {
        somebody: somebody.clone(),
        lifetime: store.lifetime(somebody.person).await?,
        past: store.past(run.run.key, somebody.person).await?,
        conditions: conditions(config, store, &run).await?,
        roles: roles.into_iter().collect(),
        history: store.history(somebody.person).await?,
        run,
    })
}

/// What a run went by: the configuration in force, where that is the same, or the one on record.
async fn conditions(
    config: &Config,
    store: &Store,
    run: &RunOnRecord,
) -> anyhow::Result<Option<Conditions>> {
    let RunOnRecord { run, .. } = run;
    let in_force = config.integration(&run.integration);
    if let Some(integration) = in_force.filter(|one| one.config_hash == run.config_hash) {
        return app::conditions(integration).map(Some);
    }
    let Some(yaml) = store.configuration_of_run(&run.run_id).await? else {
        return Ok(None);
    };
    Ok(match kept::conditions(&yaml) {
        Ok(conditions) => Some(conditions),
        // What the run did is on record all the same.
        Err(error) => {
            output::talk!(
                "the configuration {} that is on record for the run `{}` cannot be read any more: {error:#}",
                run.config_hash,
                run.run_id
            );
            None
        }
    })
}
