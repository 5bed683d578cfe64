//! A company with a console, an Oomnitza instance and a database, and what loads the one into the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderName};
use load::{
    Bulk, Delivery, Guards, Halt, Integration, Intent, Loader, Preference, Publisher, Report,
    Request, Whom,
};
use mapping::{Definition, FieldDefinition, Mapping};
use oomnitza::{Connector, FieldId, FieldName};
use sentinelone::UserFilter;
use simulator::{BulkTiming, Control, Options, People, Recorded, Simulator, Users, bulk_field_id};
use store::Store;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use transport::{Client, Rate, Retry, Settings};

/// The id of the only integration.
pub(crate) const INTEGRATION: &str = "acme";

/// Users of the console, half of whom are in Oomnitza already.
pub(crate) const USERS: u32 = 60;

/// How the company's users are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Rest,
    Bulk,
}

pub(crate) struct Company {
    simulator: Simulator,
    folder: TempDir,
    pub(crate) store: Arc<Store>,
    by: By,
}

impl Company {
    pub(crate) async fn new(by: By) -> Self {
        let simulator = Simulator::launch(Options {
            users: Users::Generated {
                count: USERS,
                oddities: false,
            },
            people: People::Matching { share: 0.5 },
            bulk_timing: BulkTiming::AtOnce,
            ..Options::default()
        })
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("rollcall.db"))
            .await
            .unwrap();
        Self {
            simulator,
            folder,
            store: Arc::new(store),
            by,
        }
    }

    pub(crate) fn control(&self) -> Control {
        self.simulator.control()
    }

    /// Makes a loader, which `halt` stops.
    pub(crate) fn loader(&self, halt: &Halt) -> Loader {
        let simulator = &self.simulator;
        let console = format!("{}/web/api/v2.1", simulator.sentinelone_url());
        let token = format!("ApiToken {}", simulator.sentinelone_token());
        Loader {
            integration: Integration {
                id: INTEGRATION.to_owned(),
                config_hash: "0123456789ab".to_owned(),
                console_url: simulator.sentinelone_url(),
                filter: UserFilter::default(),
                mapping: mapping(),
                preference: Preference::CreateAndUpdate,
                delivery: match self.by {
                    By::Rest => Delivery::Rest,
                    By::Bulk => Delivery::Bulk(Bulk {
                        connector: Connector::Id(268),
                        batch: 7,
                        field_ids: MAPPING.map(|(field, _)| bulk_id(field)).to_vec(),
                    }),
                },
                role_fields: Vec::new(),
                saas: None,
                guards: Guards::default(),
            },
            source: client(&console, AUTHORIZATION, token),
            target: client(
                &simulator.oomnitza_url(),
                HeaderName::from_static("authorization2"),
                simulator.oomnitza_token().to_owned(),
            ),
            retry: Retry::default(),
            store: Arc::clone(&self.store),
            state_dir: self.folder.path().to_owned(),
            halt: halt.clone(),
            progress: Publisher::new().0,
        }
    }

    /// Begins a load in a task of its own, as the daemon does.
    pub(crate) fn begin(&self, halt: &Halt) -> JoinHandle<Report> {
        let loader = self.loader(halt);
        tokio::spawn(async move {
            let request = request(Intent::Deliver(loader.writer()));
            loader.run(&request).await.unwrap()
        })
    }

    /// Makes a load that nothing stops.
    pub(crate) async fn load(&self) -> Report {
        self.begin(&Halt::new()).await.unwrap()
    }

    /// Waits until so many calls were received that are `wanted`.
    pub(crate) async fn received(&self, count: usize, wanted: impl Fn(&Recorded) -> bool) {
        let control = self.control();
        while control
            .requests()
            .iter()
            .filter(|call| wanted(call))
            .count()
            < count
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Asserts that every portion was finalized, and that no call broke a rule of the contracts.
    pub(crate) fn is_clean(&self) {
        let control = self.control();
        for portion in control.portions() {
            assert!(portion.finalized > 0, "{portion:?}");
        }
        assert_eq!(control.violations(), [""; 0]);
    }

    /// Asks for one value of the database.
    pub(crate) async fn value(&self, sql: &str) -> String {
        let rows = self.store.select(sql.to_owned(), &[]).await.unwrap();
        format!("{:?}", rows.rows)
    }
}

pub(crate) fn request(intent: Intent) -> Request {
    Request {
        intent,
        whom: Whom::Everybody,
        trigger: "manual",
        run_id: None,
        slot: None,
    }
}

/// Fields of Oomnitza, and what they are made of.
const MAPPING: [(&str, &str); 6] = [
    ("email", "email"),
    ("username", "email"),
    ("role", "{{ 25 }}"),
    ("first_name", "{{ fullName | first_name }}"),
    ("last_name", "{{ fullName | last_name }}"),
    // Nobody has it before the first load, so that everybody is written.
    ("sentinelone_user_id", "id"),
];

fn mapping() -> Arc<Mapping> {
    let mapping = Mapping::compile(&Definition {
        integration: INTEGRATION.to_owned(),
        scope: None,
        sync_keys: vec!["email".to_owned()],
        fields: MAPPING
            .map(|(field, expression)| FieldDefinition::new(field, expression))
            .to_vec(),
        variables: BTreeMap::new(),
    });
    Arc::new(mapping.unwrap())
}

fn bulk_id(field: &str) -> FieldId {
    let name = FieldName::try_from(field).unwrap();
    oomnitza::field_id(&name, &BTreeMap::new())
        .unwrap_or_else(|| FieldId::try_from(bulk_field_id(field).as_str()).unwrap())
}

fn client(base: &str, header: HeaderName, token: String) -> Client {
    let rate = Rate::try_from(1_000.0).unwrap();
    Client::new(Settings::new(
        base.parse().unwrap(),
        header,
        token.into(),
        rate,
    ))
    .unwrap()
}
