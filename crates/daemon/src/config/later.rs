//! The sections that are not in this version yet: their shape is checked, and then they are
//! refused, since a section that does nothing would be taken for one that does.

use super::fault::Report;
use super::spot::Spot;
use super::written::{self, Missing, Records};

/// Refuses what an integration cannot do yet: `missing: deactivate` and `saas`.
pub(super) fn refuse_in_integration(
    written: &written::Integration,
    spot: Spot<'_>,
    report: &mut Report,
) {
    if written.missing == Some(Missing::Deactivate) {
        report.fault(
            spot.at("missing").value,
            "`deactivate` is not in this version yet: nobody would be deactivated; write `keep`",
        );
    }
    let Some(target) = &written.target else {
        return;
    };
    let spot = spot.at("target");
    if target.records == Some(Records::UserAndSaasUser) {
        report.fault(
            spot.at("records").value,
            "`user_and_saas_user` is not in this version yet: no SaaS user would be made; \
             write `user`",
        );
    }
    if let Some(saas) = &target.saas {
        let empty =
            |text: &Option<String>| text.as_ref().is_some_and(|text| text.trim().is_empty());
        for (key, text) in [("name", &saas.name), ("roles", &saas.roles)] {
            if empty(text) {
                let place = spot.at("saas").at(key).value;
                report.fault(
                    place,
                    format!("`{key}` is an empty text; write one, or take it out"),
                );
            }
        }
        report.fault(
            spot.at("saas").key,
            "`saas` is not in this version yet: no SaaS user would be made; take the section out",
        );
    }
}
