//! Where everything is put together: from the configuration to what runs.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use load::{Bulk, Conditions, Delivery, Halt, Loader, Preference, Publisher};
use mapping::Mapping;
use oomnitza::{FieldName, field_id};
use sentinelone::UserFilter;
use store::Store;
use transport::{Meter, Rate, Retry, Settings};
use url::Url;

use crate::config::{self, Config, Integration, Loaded, either, nearest};
use crate::exit::Usage;
use crate::output;
use crate::secrets;

/// Reads the configuration, and says every fault of it.
pub(crate) fn configuration(path: &Path) -> anyhow::Result<Config> {
    match config::load(path) {
        Ok(Loaded { config, .. }) => Ok(config),
        Err(faults) => {
            for fault in &faults {
                output::talk!("{fault}");
            }
            let faults = match faults.len() {
                1 => "1 fault".to_owned(),
                count => format!("{count} faults"),
            };
            Err(Usage(format!(
                "the configuration has {faults}; nothing was contacted"
            ))
            .into())
        }
    }
}

/// Finds an integration by its id.
pub(crate) fn integration<'c>(config: &'c Config, id: &str) -> anyhow::Result<&'c Integration> {
    let found = config.integration(id);
    found.ok_or_else(|| Usage(no_integration(config, id)).into())
}

/// Says that there is no integration of an id, and which one was meant.
pub(crate) fn no_integration(config: &Config, id: &str) -> String {
    let ids = || config.integrations.iter().map(|known| known.id.as_str());
    match nearest(id, ids()) {
        Some(meant) => format!("there is no integration `{id}`; did you mean `{meant}`?"),
        None => format!("there is no integration `{id}`; write {}", either(ids())),
    }
}

/// Opens the database for writing; makes the folder of the state if it is not there.
pub(crate) async fn open_store(config: &Config) -> anyhow::Result<Arc<Store>> {
    make_folder(&config.state_dir)?;
    Ok(Arc::new(
        Store::open(&config.state_dir.join("rollcall.db")).await?,
    ))
}

/// There is nothing to read yet.
#[derive(Debug, thiserror::Error)]
#[error("there is no database `{}` yet; the first `rollcall run` makes it", .0.display())]
pub(crate) struct NoDatabase(PathBuf);

/// Opens the database for reading.
pub(crate) async fn read_store(config: &Config) -> anyhow::Result<Store> {
    read_store_in(&config.state_dir).await
}

/// Opens the database of a folder for reading.
pub(crate) async fn read_store_in(state_dir: &Path) -> anyhow::Result<Store> {
    let path = state_dir.join("rollcall.db");
    if !path.exists() {
        return Err(NoDatabase(path).into());
    }
    Ok(Store::open_read_only(&path).await?)
}

pub(crate) fn make_folder(folder: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o750)
        .create(folder)
        .with_context(|| format!("could not make the folder `{}`", folder.display()))
}

/// The ways to both systems.
pub(crate) struct Connections {
    pub(crate) source: transport::Client,
    pub(crate) target: transport::Client,
}

/// What counts the calls to both systems, across all integrations; clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meters {
    pub(crate) source: Arc<Meter>,
    pub(crate) target: Arc<Meter>,
}

/// Makes the ways to both systems; reads the secrets, and contacts nobody.
pub(crate) fn connect(
    config: &Config,
    integration: &Integration,
    meters: &Meters,
) -> anyhow::Result<Connections> {
    let base = sentinelone::api_base(&integration.source.url);
    let source = client(
        config,
        base,
        &integration.source.credential,
        integration.source.requests_per_second,
        &meters.source,
    )
    .context("could not set up the way to SentinelOne")?;
    let target = client(
        config,
        integration.target.url.clone(),
        &integration.target.credential,
        integration.target.requests_per_second,
        &meters.target,
    )
    .context("could not set up the way to Oomnitza")?;
    Ok(Connections { source, target })
}

fn client(
    config: &Config,
    base: Url,
    credential: &str,
    requests_per_second: f64,
    meter: &Arc<Meter>,
) -> anyhow::Result<transport::Client> {
    let mut settings = settings(config, base, credential, requests_per_second)?;
    settings.meter = Arc::clone(meter);
    Ok(transport::Client::new(settings)?)
}

/// How a system is reached with a credential; reads its secret, and contacts nobody.
pub(crate) fn settings(
    config: &Config,
    base: Url,
    credential: &str,
    requests_per_second: f64,
) -> anyhow::Result<Settings> {
    let name = credential;
    let credential = config
        .credentials
        .get(name)
        .with_context(|| format!("the configuration has no credential `{name}`"))?;
    let value = secrets::header_value(credential)
        .with_context(|| format!("could not read the secret of credential `{name}`"))?;
    let rate = Rate::try_from(requests_per_second)?;
    let mut settings = Settings::new(base, credential.header.clone(), value, rate);
    settings.connect_timeout = config.http.connect_timeout;
    settings.timeout = config.http.timeout;
    settings.proxy.clone_from(&config.http.proxy);
    settings.ca_files.clone_from(&config.http.ca_files);
    Ok(settings)
}

/// Makes what loads an integration.
pub(crate) fn loader(
    config: &Config,
    integration: &Integration,
    connections: Connections,
    store: Arc<Store>,
    halt: Halt,
    progress: Publisher,
) -> anyhow::Result<Loader> {
    Ok(Loader {
        integration: load::Integration {
            id: integration.id.clone(),
            config_hash: integration.config_hash.clone(),
            console_url: integration.source.console_url.clone(),
            filter: UserFilter {
                site_ids: integration.source.site_ids.clone(),
                account_ids: integration.source.account_ids.clone(),
            },
            mapping: Arc::clone(&integration.mapping),
            preference: preference(integration.preference),
            delivery: delivery(&integration.target.delivery, &integration.mapping)?,
            role_fields: integration.role_fields.clone(),
            guards: integration.guards,
            saas: integration.target.saas.as_ref().map(|saas| load::Saas {
                name: saas.name.clone(),
                create: saas.create,
                roles: Arc::clone(&saas.roles),
                missing: saas.missing,
            }),
        },
        source: connections.source,
        target: connections.target,
        retry: Retry::default(),
        store,
        state_dir: config.state_dir.clone(),
        halt,
        progress,
    })
}

/// What a run of an integration goes by, as far as it decides about a user.
pub(crate) fn conditions(integration: &Integration) -> anyhow::Result<Conditions> {
    Ok(Conditions {
        console_url: integration.source.console_url.clone(),
        mapping: Arc::clone(&integration.mapping),
        preference: preference(integration.preference),
        delivery: delivery(&integration.target.delivery, &integration.mapping)?,
    })
}

/// What a load may write, as the configuration has it.
pub(crate) fn preference(preference: config::Preference) -> Preference {
    match preference {
        config::Preference::UpdateOnly => Preference::UpdateOnly,
        config::Preference::CreateAndUpdate => Preference::CreateAndUpdate,
        config::Preference::CreateOnly => Preference::CreateOnly,
    }
}

/// How a load writes, as the configuration has it.
pub(crate) fn delivery(delivery: &config::Delivery, mapping: &Mapping) -> anyhow::Result<Delivery> {
    let bulk = match delivery {
        config::Delivery::Rest => return Ok(Delivery::Rest),
        config::Delivery::Bulk(bulk) => bulk,
    };
    let fields = mapping.fields().iter();
    let field_ids = fields.map(|field| {
        let name = FieldName::try_from(field.name())?;
        field_id(&name, &bulk.fields).with_context(|| format!("the field `{name}` has no bulk id"))
    });
    Ok(Delivery::Bulk(Bulk {
        connector: bulk.connector.clone(),
        batch: bulk.batch,
        field_ids: field_ids.collect::<anyhow::Result<_>>()?,
    }))
}
