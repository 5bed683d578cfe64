//! `demo`: everything at once against the stand-ins, in some seconds.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use simulator::{Options, Simulator};

use crate::arguments::{Demo, Errors, Format};
use crate::commands::stand_ins::{INTEGRATION, Shape, StandIns, write};
use crate::commands::{read, run};
use crate::control::Work;
use crate::exit::Exit;
use crate::signals::Signals;
use crate::watch::Skews;
use crate::{app, output};

pub(crate) async fn demo(command: &Demo) -> anyhow::Result<Exit> {
    let folder = folder(command)?;
    let simulator = Simulator::start(Options::demo())
        .await
        .context("could not start the stand-ins on loopback")?;
    let stand_ins = StandIns::of(&simulator);
    let shape = Shape {
        preference: "create_and_update",
        bulk: false,
        scope: "not isSystem",
        state_dir: ".",
        schedule: None,
    };
    write(&folder, &stand_ins, &shape)?;
    let path = folder.join("rollcall.yaml");
    let config = app::configuration(&path)?;
    output::say!(
        "A SentinelOne console ({}) and an Oomnitza instance ({}) stand in on loopback.\n",
        stand_ins.sentinelone_url,
        stand_ins.oomnitza_url
    )?;

    let halt = Signals::mind()?.stopping();
    let (store, logging) = run::prepare(&config).await?;
    for load in ["first load", "second load, with nothing changed in between"] {
        output::say!("The {load}:")?;
        let report = run::with_loader(
            &config,
            INTEGRATION,
            &store,
            &halt,
            &Skews::default(),
            Work::Load { only: None },
        )
        .await?;
        output::summary(&report, false)?;
    }
    run::close(store).await?;
    drop(logging);

    output::say!("Why the others were not loaded (`rollcall errors`):")?;
    let errors = Errors {
        run_id: None,
        integration: None,
        reason: None,
        outcome: None,
        limit: Some(10),
        groups: false,
        rows: false,
        format: Format {
            json: false,
            csv: false,
        },
    };
    read::errors(&path, &errors).await?;
    queries(&folder)?;
    Ok(Exit::Done)
}

fn folder(command: &Demo) -> anyhow::Result<PathBuf> {
    match &command.folder {
        Some(folder) if folder.join("rollcall.db").exists() => {
            anyhow::bail!(
                "`{}` holds a database already; name another `--folder`",
                folder.display()
            )
        }
        Some(folder) => {
            app::make_folder(folder)?;
            Ok(folder.canonicalize()?)
        }
        None => {
            let folder = tempfile::Builder::new()
                .prefix("rollcall-demo-")
                .tempdir_in(env::temp_dir())?;
            Ok(folder.keep())
        }
    }
}

fn queries(folder: &Path) -> anyhow::Result<()> {
    let database = folder.join("rollcall.db");
    let database = database.display();
    output::say!(
        "The database and the configuration are in {}. Try\n\n\
         sqlite3 -readonly {database} \"SELECT started_at, state, seen, created, updated, unchanged, skipped, failed FROM v_runs\"\n\
         sqlite3 -readonly {database} \"SELECT email, reason, message FROM v_open_errors WHERE outcome = 'failed'\"\n\
         sqlite3 -readonly {database} \"SELECT email, role, last_login FROM v_people WHERE two_fa_enabled = 0 AND gone_since IS NULL LIMIT 10\"",
        folder.display()
    )?;
    Ok(())
}
