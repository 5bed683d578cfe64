//! Trying a mapping before a load: on sample users, and against the names that are known.

use std::collections::HashMap;

use crate::fault::{Fault, Part};
use crate::field::{Field, Origin};
use crate::issue::{Issue, Reason};
use crate::load::Load;
use crate::mapping::Mapping;
use crate::record::Record;
use crate::samples::SAMPLES;
use crate::vocabulary::{Verdict, judge, misspelt_value};

/// What a trial found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What would fail for everybody, or is misspelt.
    pub faults: Vec<Fault>,
    /// What would fail for some users, or cannot be known.
    pub warnings: Vec<Fault>,
}

impl Mapping {
    /// Runs the `where` and every field on sample users, and looks up the names they use.
    ///
    /// What fails for a user with everything is a fault; what fails only for users who lack
    /// something is a warning that says for whom.
    pub fn check_samples(&self) -> Findings {
        let mut findings = Findings::default();
        self.check_names(&mut findings);
        let role_names = HashMap::from([("3".to_owned(), "SOC L2".to_owned())]);
        let load = Load::new(
            "https://acme.sentinelone.net",
            "2026-11-23T02:00:00Z",
            role_names,
        );
        let mut record = Record::default();
        let mut partial: Vec<Fault> = Vec::new();
        for sample in SAMPLES {
            let user = sample.user();
            let mut issues = self.apply(&user, &load, &mut record);
            issues.extend(self.in_scope(&user, &load).err());
            // Sample users have sample values: that a table lacks them says nothing.
            for issue in issues
                .into_iter()
                .filter(|issue| issue.reason == Reason::Mapping)
            {
                let mut fault = self.fault_of(issue);
                let same = |known: &Fault| known.field == fault.field;
                if sample.is_complete {
                    findings.faults.push(fault);
                } else if !findings.faults.iter().chain(&partial).any(same) {
                    fault.message = format!("fails for {}: {}", sample.who, fault.message);
                    partial.push(fault);
                }
            }
        }
        findings.warnings.append(&mut partial);
        findings
    }

    fn fault_of(&self, issue: Issue) -> Fault {
        Fault {
            part: self.part_of(issue.field.as_deref()),
            field: issue.field,
            message: issue.message,
        }
    }

    /// Judges every name that the expressions use.
    fn check_names(&self, findings: &mut Findings) {
        if let Some(scope) = &self.scope {
            for path in scope.condition.paths() {
                findings.add(None, Part::Where, judge(path.split('.')));
            }
        }
        for field in &self.fields {
            let part = self.part_of(Some(&field.name));
            match &field.origin {
                Origin::Constant(_) => {}
                Origin::Path(path) => {
                    let names = || std::iter::once(path.root()).chain(path.names());
                    findings.add(Some(&field.name), part, judge(names()));
                    let last = names().last().unwrap_or_default();
                    findings.check_table(field, last);
                }
                Origin::Template(template) => {
                    for path in template.paths() {
                        findings.add(Some(&field.name), part, judge(path.split('.')));
                    }
                }
            }
        }
    }

    /// Where in the YAML the expression of a field stands; the `where` for none.
    fn part_of(&self, field: Option<&str>) -> Part {
        let Some(name) = field else {
            return Part::Where;
        };
        let field = self.fields.iter().find(|field| field.name == name);
        field.map_or(Part::From, |field| field.part)
    }
}

impl Findings {
    /// Judges what a table translates, by the field that its values are of.
    fn check_table(&mut self, field: &Field, of: &str) {
        let entries = field.table.iter().flat_map(|table| table.entries.keys());
        let mut values: Vec<&String> = entries.collect();
        values.sort_unstable();
        let misspelt = values
            .into_iter()
            .filter_map(|value| misspelt_value(of, value));
        let warnings = misspelt.map(|message| Fault::of_field(&field.name, Part::Table, message));
        self.warnings.extend(warnings);
    }

    fn add(&mut self, field: Option<&str>, part: Part, verdict: Verdict) {
        let (list, message) = match verdict {
            Verdict::Known => return,
            Verdict::Misspelt(message) => (&mut self.faults, message),
            Verdict::Unknown(message) => (&mut self.warnings, message),
        };
        let fault = Fault {
            field: field.map(str::to_owned),
            part,
            message,
        };
        if !list.contains(&fault) {
            list.push(fault);
        }
    }
}
