//! The integration in Oomnitza under which a bulk load is uploaded.

/// The integration that a portion belongs to: the one of the two that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connector {
    /// The number of an integration that exists in Oomnitza.
    Id(u64),
    /// The name of a mapping. Uploads under a name that Oomnitza does not know may be ignored.
    Name(String),
}

impl Connector {
    /// Returns the forms in which the run logs of this integration may be asked for, the likeliest
    /// first.
    pub fn idents(&self) -> Vec<ConnectorIdent> {
        match self {
            Self::Id(id) => vec![
                ConnectorIdent(id.to_string()),
                ConnectorIdent(format!("connector_{id}")),
            ],
            Self::Name(name) => vec![
                ConnectorIdent(format!("connector_{name}")),
                ConnectorIdent(name.clone()),
            ],
        }
    }
}

/// What run logs are asked for by: the number of an integration, or `connector_<name>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConnectorIdent(String);

impl ConnectorIdent {
    /// Returns the ident as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idents(connector: &Connector) -> Vec<String> {
        connector
            .idents()
            .into_iter()
            .map(|ident| ident.0)
            .collect()
    }

    #[test]
    fn logs_are_asked_for_in_both_forms() {
        assert_eq!(idents(&Connector::Id(268)), ["268", "connector_268"]);
        assert_eq!(
            idents(&Connector::Name("rollcall".into())),
            ["connector_rollcall", "rollcall"]
        );
    }
}
