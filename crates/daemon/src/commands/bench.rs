//! `bench`: whole loads, each in a process of its own, against stand-ins in another; the daemon, likewise; and what a
//! year of loads leaves.

mod daemon;
mod history;
mod service;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use comfy_table::{Cell, CellAlignment};
use secrecy::SecretString;
use serde::Serialize;
use simulator::{Options, Simulator};
use transport::{Rate, Repeat, Settings};

use crate::arguments::{Bench, Simulate, Wire};
use crate::commands::figures::Figures;
use crate::commands::stand_ins::{INTEGRATION, Shape, StandIns, write};
use crate::exit::Exit;
use crate::output;

/// One line of the result.
#[derive(Debug, Serialize)]
struct Measured {
    users: u32,
    load: &'static str,
    delivery: String,
    users_per_second: u64,
    cpu_us_per_user: f64,
    peak_memory_mb: f64,
    wall_s: f64,
    calls: u64,
    written: u64,
    /// How many times the wall time of the same pages and batches with nothing in between.
    times_the_wire: Option<f64>,
}

pub(crate) async fn bench(command: &Bench) -> anyhow::Result<Exit> {
    if command.daemon {
        return daemon::measure(command).await;
    }
    if command.history {
        return history::measure(command).await;
    }
    let mut measured = Vec::new();
    for &users in &command.users {
        for delivery in ["bulk", "rest"] {
            if command
                .delivery
                .as_deref()
                .is_none_or(|only| only == delivery)
            {
                output::talk!("{users} users, {delivery} …");
                measured.extend(measure(users, delivery == "bulk")?);
            }
        }
    }
    if command.json {
        output::json(&measured)?;
    } else {
        print(&measured)?;
    }
    Ok(Exit::Done)
}

fn measure(users: u32, bulk: bool) -> anyhow::Result<Vec<Measured>> {
    let folder = tempfile::tempdir()?;
    let mut stand_ins = start_stand_ins(users)?;
    let shape = Shape {
        preference: "update_only",
        bulk,
        scope: "not isSystem",
        state_dir: ".",
        schedule: None,
    };
    let ready = &stand_ins.ready;
    write(folder.path(), ready, &shape)?;
    let wire = bulk
        .then(|| wire_process(folder.path(), ready, users))
        .transpose()?;
    let mut measured = Vec::new();
    for load in ["first", "second"] {
        let figures = load_process(folder.path())?;
        let wall = figures.wall.as_secs_f64();
        measured.push(Measured {
            users,
            load,
            delivery: if bulk { "bulk" } else { "rest" }.to_owned(),
            users_per_second: whole(f64::from(users) / wall),
            cpu_us_per_user: figures.cpu.as_secs_f64() * 1e6 / f64::from(users),
            peak_memory_mb: megabytes(figures.peak_memory),
            wall_s: wall,
            calls: figures.calls,
            written: figures.written,
            times_the_wire: wire
                .as_ref()
                .filter(|_| load == "first")
                .map(|wire| wall / wire.wall.as_secs_f64()),
        });
    }
    if let Some(wire) = wire {
        measured.push(Measured {
            users,
            load: "wire",
            delivery: "bulk".to_owned(),
            users_per_second: whole(f64::from(users) / wire.wall.as_secs_f64()),
            cpu_us_per_user: wire.cpu.as_secs_f64() * 1e6 / f64::from(users),
            peak_memory_mb: megabytes(wire.peak_memory),
            wall_s: wire.wall.as_secs_f64(),
            calls: wire.calls,
            written: u64::from(users),
            times_the_wire: None,
        });
    }
    stand_ins.process.kill()?;
    stand_ins.process.wait()?;
    Ok(measured)
}

fn whole(number: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is positive and small"
    )]
    let whole = number as u64;
    whole
}

fn megabytes(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
    let bytes = bytes as f64;
    bytes / (1024.0 * 1024.0)
}

/// The stand-ins in their process, which ends when this is dropped: its stdin ends.
struct Running {
    process: Child,
    ready: StandIns,
}

fn start_stand_ins(users: u32) -> anyhow::Result<Running> {
    let mut process = Command::new(std::env::current_exe()?)
        .args(["simulate", &users.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = process
        .stdout
        .take()
        .context("the stand-ins have no stdout")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let ready = serde_json::from_str(&line).context("the stand-ins did not start")?;
    Ok(Running { process, ready })
}

/// Serves the stand-ins until whoever started them closes stdin.
pub(crate) fn simulate(command: &Simulate) -> anyhow::Result<Exit> {
    let simulator = Simulator::launch(Options::bench(command.users))?;
    let ready = serde_json::to_string(&StandIns::of(&simulator))?;
    output::say!("{ready}")?;
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest)?;
    Ok(Exit::Done)
}

fn load_process(folder: &Path) -> anyhow::Result<Figures> {
    let figures = folder.join("figures.json");
    let output = Command::new(std::env::current_exe()?)
        .args(["run", INTEGRATION, "--config"])
        .arg(folder.join("rollcall.yaml"))
        .arg("--figures")
        .arg(&figures)
        .output()?;
    if !output.status.success() {
        bail!(
            "a load ended with {}:\n{}",
            output.status,
            String::from_utf8_lossy(&output.stdout)
        );
    }
    Ok(serde_json::from_slice(&fs::read(figures)?)?)
}

fn wire_process(folder: &Path, ready: &StandIns, users: u32) -> anyhow::Result<Figures> {
    let figures = folder.join("wire.json");
    let status = Command::new(std::env::current_exe()?)
        .args(["wire", &ready.sentinelone_url, &ready.oomnitza_url])
        .arg(users.div_ceil(100).to_string())
        .arg(&figures)
        .env(
            "ROLLCALL_BENCH_TOKENS",
            format!("{}\n{}", ready.sentinelone_token, ready.oomnitza_token),
        )
        .status()?;
    if !status.success() {
        bail!("the wire alone ended with {status}");
    }
    Ok(serde_json::from_slice(&fs::read(figures)?)?)
}

/// Reads the same pages on both sides and posts as many batches, with nothing in between.
pub(crate) async fn wire(command: &Wire) -> anyhow::Result<Exit> {
    let tokens = std::env::var("ROLLCALL_BENCH_TOKENS")?;
    let (source_token, target_token) = tokens.split_once('\n').context("there are two tokens")?;
    let source = bare(
        &format!("{}/web/api/v2.1/", command.sentinelone),
        "authorization",
        &format!("ApiToken {source_token}"),
    )?;
    let target = bare(
        &format!("{}/", command.oomnitza),
        "authorization2",
        target_token,
    )?;
    let began = Instant::now();
    let probe = target
        .get("api/v2/mappings")
        .query(&[("name", "AuthTest")])
        .send()
        .await?;
    if let Some(token) = probe.headers.get("x-csrf-token") {
        let token = SecretString::from(token.to_str()?.to_owned());
        target.set_header("x-csrf-token".parse()?, &token)?;
    }
    tokio::try_join!(source_pages(&source), target_pages(&target))?;
    post_batches(&target, command.batches).await?;
    let calls = source.calls().sent + target.calls().sent;
    Figures::so_far(began.elapsed(), calls)?.write(&command.figures)?;
    Ok(Exit::Done)
}

fn bare(base: &str, header: &str, value: &str) -> anyhow::Result<transport::Client> {
    let rate = Rate::try_from(1000.0)?;
    let mut settings = Settings::new(
        base.parse()?,
        header.parse()?,
        SecretString::from(value.to_owned()),
        rate,
    );
    settings.timeout = Duration::from_mins(1);
    Ok(transport::Client::new(settings)?)
}

async fn source_pages(source: &transport::Client) -> anyhow::Result<()> {
    let mut cursor: Option<String> = None;
    loop {
        let order = [("limit", "1000"), ("sortBy", "id"), ("sortOrder", "asc")];
        let mut request = source.get("users").query(&order);
        if let Some(cursor) = &cursor {
            request = request.query(&[("cursor", cursor.as_str())]);
        }
        let page = request.send().await?;
        cursor = next_cursor(&page.body);
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// Finds the cursor in the tail of a page, without parsing what comes before.
fn next_cursor(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.rsplit_once("\"nextCursor\":\"")?;
    rest.split_once('"').map(|(cursor, _)| cursor.to_owned())
}

async fn target_pages(target: &transport::Client) -> anyhow::Result<()> {
    let mut skip = 0_u32;
    loop {
        let place = [("limit", "500".to_owned()), ("skip", skip.to_string())];
        let page = target.get("api/v3/users").query(&place).send().await?;
        if page.body.trim_ascii() == b"[]" {
            return Ok(());
        }
        skip += 500;
    }
}

async fn post_batches(target: &transport::Client, batches: u32) -> anyhow::Result<()> {
    let portion = uuid::Uuid::new_v4();
    let record = r#"{"EMAIL":"nobody@wire.example","FIRST_NAME":"Some","LAST_NAME":"Body","POSITION":"a text of the length that such texts have","ADDRESS":"another one, so that the batch weighs about what a real one does, with fifteen fields of which some are longer than others and some are shorter, up to some hundred bytes in all, which is what a record of a user comes to when it is sent"}"#;
    let records = vec![record; 100].join(",");
    let body = format!(
        r#"{{"connector_version":"1","sync_field":["EMAIL"],"records":[{records}],"portion":"{portion}","data_type":"users","insert_only":false,"update_only":true,"error":null,"test_run":false,"multi_str_input_value":null,"connector_id":268}}"#
    );
    for _ in 0..batches {
        let request = target.post("api/v3/bulk").json_body(body.clone());
        request.repeat(Repeat::Harmless).send().await?;
    }
    target
        .post(&format!("api/v3/bulk/{portion}/finalize"))
        .json_body("{}")
        .send()
        .await?;
    Ok(())
}

fn print(measured: &[Measured]) -> anyhow::Result<()> {
    let mut table = output::new_table();
    table.set_header([
        "users",
        "delivery",
        "load",
        "users/s",
        "CPU µs/user",
        "peak MB",
        "wall s",
        "calls",
        "written",
        "× wire",
    ]);
    for line in measured {
        let figures = [
            line.users_per_second.to_string(),
            format!("{:.1}", line.cpu_us_per_user),
            format!("{:.1}", line.peak_memory_mb),
            format!("{:.2}", line.wall_s),
            line.calls.to_string(),
            line.written.to_string(),
            line.times_the_wire
                .map(|times| format!("{times:.1}"))
                .unwrap_or_default(),
        ];
        let mut row = vec![
            Cell::new(line.users),
            Cell::new(&line.delivery),
            Cell::new(line.load),
        ];
        row.extend(figures.map(|figure| Cell::new(figure).set_alignment(CellAlignment::Right)));
        table.add_row(row);
    }
    Ok(output::say!("{table}")?)
}
