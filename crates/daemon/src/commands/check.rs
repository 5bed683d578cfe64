//! `check` and `schema`: the configuration, offline.

use std::path::Path;

use serde_json::json;

use crate::arguments::Format;
use crate::config::{self, Fault};
use crate::exit::Exit;
use crate::output;

pub(crate) fn check(path: &Path, format: Format) -> anyhow::Result<Exit> {
    let (faults, warnings, integrations) = match config::load(path) {
        Ok(loaded) => (
            Vec::new(),
            loaded.warnings,
            loaded.config.integrations.len(),
        ),
        Err(faults) => (faults, Vec::new(), 0),
    };
    let exit = if faults.is_empty() {
        Exit::Done
    } else {
        Exit::Usage
    };
    if format.json {
        let list = |faults: &[Fault]| -> Vec<_> {
            faults
                .iter()
                .map(|fault| {
                    json!({"file": fault.file, "line": fault.place.line, "column": fault.place.column,
                           "message": fault.message})
                })
                .collect()
        };
        let answer = json!({"faults": list(&faults), "warnings": list(&warnings)});
        output::json(&answer)?;
    } else if format.csv {
        let mut writer = csv::Writer::from_writer(std::io::stdout().lock());
        writer.write_record(["kind", "file", "line", "column", "message"])?;
        let kinds = faults
            .iter()
            .map(|f| ("fault", f))
            .chain(warnings.iter().map(|f| ("warning", f)));
        for (kind, fault) in kinds {
            let (line, column) = (fault.place.line.to_string(), fault.place.column.to_string());
            writer.write_record([kind, &fault.file, &line, &column, &fault.message])?;
        }
        writer.flush()?;
    } else {
        for fault in &faults {
            output::say!("{fault}")?;
        }
        for warning in &warnings {
            output::talk!("warning: {warning}");
        }
        if faults.is_empty() {
            let integrations = match integrations {
                1 => "1 integration".to_owned(),
                count => format!("{count} integrations"),
            };
            output::say!("{}: no faults, {integrations}", path.display())?;
        }
    }
    Ok(exit)
}

pub(crate) fn schema() -> anyhow::Result<Exit> {
    output::json(&config::schema())?;
    Ok(Exit::Done)
}
