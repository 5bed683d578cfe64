//! The commands, one module each for those that belong together.

mod backup;
mod check;
mod doctor;
mod explain;
mod fields;
mod figures;
mod forget;
mod init;
mod manual;
mod notify;
mod pause;
mod read;
mod run;
mod slots;
mod status;
mod waiting;

#[cfg(feature = "demo")]
mod bench;
#[cfg(feature = "demo")]
mod demo;
#[cfg(feature = "demo")]
mod stand_ins;

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::{Arguments, Command};
use crate::exit::Exit;
use crate::serve;

/// Carries out a command.
pub(crate) fn dispatch(arguments: &Arguments) -> anyhow::Result<Exit> {
    let config = &arguments.config;
    #[cfg(feature = "demo")]
    crate::points::arm()?;
    match &arguments.command {
        Command::Check(format) => check::check(config, *format),
        Command::Doctor(command) => block_on(doctor::doctor(config, command)),
        Command::Schema => check::schema(),
        Command::Serve => {
            load::share_one_heap();
            block_on(serve::serve(config))
        }
        Command::Run(command) => block_on(run::run(config, command)),
        Command::Plan(command) => block_on(run::plan(config, command)),
        Command::Apply(command) => block_on(waiting::apply(config, command)),
        Command::Release(command) => block_on(waiting::release(config, command)),
        Command::Discard(command) => block_on(waiting::discard(config, command)),
        Command::Replay(command) => block_on(waiting::replay(config, command)),
        Command::Undo(command) => block_on(waiting::undo(config, command)),
        Command::Status(command) => block_on(status::status(config, command)),
        Command::Pause(command) => block_on(pause::pause(config, command)),
        Command::Resume(command) => block_on(pause::resume(config, command)),
        Command::Cancel(command) => block_on(pause::cancel(config, command)),
        Command::Runs(command) => block_on(read::runs(config, command)),
        Command::Errors(command) => block_on(read::errors(config, command)),
        Command::People(command) => block_on(read::people(config, command)),
        Command::Explain(command) => block_on(explain::explain(config, command)),
        Command::Slots(command) => block_on(slots::slots(config, command)),
        Command::Notices(command) => block_on(read::notices(config, command)),
        Command::Notify(command) => block_on(notify::notify(config, command)),
        Command::Backup(command) => block_on(backup::backup(config, &command.file)),
        Command::Forget(command) => block_on(forget::forget(config, command)),
        Command::Init(command) => block_on(init::init(config, command)),
        Command::Fields(command) => block_on(fields::fields(config, command)),
        Command::Completions(command) => manual::completions(command.shell),
        Command::Man(command) => manual::man(command.folder.as_deref()),
        #[cfg(feature = "demo")]
        Command::Demo(command) => block_on(demo::demo(command)),
        #[cfg(feature = "demo")]
        Command::Bench(command) => block_on(bench::bench(command)),
        #[cfg(feature = "demo")]
        Command::Points => crate::points::points(),
        #[cfg(feature = "demo")]
        Command::Simulate(command) => bench::simulate(command),
        #[cfg(feature = "demo")]
        Command::Wire(command) => block_on(bench::wire(command)),
    }
}

/// SIGXFSZ, by its number on all systems that are built for: a file would grow beyond its limit.
const FILE_TOO_LARGE: SignalKind = SignalKind::from_raw(25);

/// What a command did not wait for may take so long to end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Runs a command on the runtime: two threads are enough, for a load waits more than it works.
fn block_on(command: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let exit = runtime.block_on(async {
        // Nobody listens to it: that it is taken at all turns the death of the process, without a word,
        // into an error of the write.
        let _taken = signal(FILE_TOO_LARGE)?;
        command.await
    });
    // What is still going on is a name that nobody resolves: that is not waited for.
    runtime.shutdown_timeout(FAREWELL);
    exit
}
