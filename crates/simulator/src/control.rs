//! What a test holds in its hand: a look into both systems, changes by others, and faults.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::faults::{Fault, FaultId};
use crate::oomnitza::PortionState;
use crate::options::{BulkDrop, SaasListing};
use crate::recording::{Recorded, System};
use crate::sentinelone::ConsoleUsers;
use crate::shared::{Shared, lock};

/// Looks into a running simulator and changes it. Cheap to clone; nothing here waits.
#[derive(Clone)]
pub struct Control {
    pub(crate) shared: Arc<Shared>,
}

/// The people in Oomnitza.
impl Control {
    /// All people as Oomnitza shows them, in the order in which they were made.
    pub fn people(&self) -> Vec<Value> {
        lock(&self.shared.instance).people.all()
    }

    /// The first person whose field has this value, letter by letter.
    pub fn person_by(&self, field: &str, value: &str) -> Option<Value> {
        lock(&self.shared.instance).people.first(field, value)
    }

    /// Adds a person, as somebody else would. A `user_id` and the dates are made where they lack.
    pub fn add_person(&self, person: &Value) {
        lock(&self.shared.instance).people.add(person);
    }

    /// Sets fields of a person, as somebody else would. Says whether there is such a person.
    pub fn edit_person(&self, user_id: &str, changes: &Value) -> bool {
        lock(&self.shared.instance).people.edit(user_id, changes)
    }

    /// Removes a person. Says whether there was one.
    pub fn remove_person(&self, user_id: &str) -> bool {
        lock(&self.shared.instance).people.remove(user_id)
    }
}

/// The users in the console.
impl Control {
    /// All users as the console shows them.
    pub fn users(&self) -> Vec<Value> {
        lock(&self.shared.console).users.all()
    }

    /// Replaces all users by these.
    pub fn set_users(&self, users: &[Value]) {
        lock(&self.shared.console).users = ConsoleUsers::given(users);
    }

    /// Sets fields of a user; null stays null. Says whether there is such a user.
    pub fn edit_user(&self, id: &str, changes: &Value) -> bool {
        lock(&self.shared.console).users.edit(id, changes)
    }

    /// Removes a user. Says whether there was one.
    pub fn remove_user(&self, id: &str) -> bool {
        lock(&self.shared.console).users.remove(id)
    }

    /// Replaces what `GET /rbac/roles` lists: objects with `id` and `name`.
    pub fn set_roles(&self, roles: Vec<Value>) {
        lock(&self.shared.console).roles = roles;
    }
}

/// What was asked.
impl Control {
    /// All calls in the order in which they were answered; none where `record_requests` is off.
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.shared.recording).requests()
    }

    /// The calls that meant to change something in either system, answered well or not.
    pub fn writes(&self) -> Vec<Recorded> {
        let mut requests = self.requests();
        requests.retain(Recorded::is_write);
        requests
    }

    /// How many calls a system got.
    pub fn calls(&self, system: System) -> u64 {
        lock(&self.shared.recording).calls(system)
    }

    /// What broke a rule of the contracts: one sentence each, with the call.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.shared.recording).violations()
    }

    /// Forgets calls and violations.
    pub fn clear_requests(&self) {
        lock(&self.shared.recording).clear();
    }
}

/// Bulk.
impl Control {
    /// All portions, in the order in which they were opened.
    pub fn portions(&self) -> Vec<PortionState> {
        lock(&self.shared.instance).bulk.states()
    }

    /// Presses the Cancel button of the open portion, or of the next that is opened, as soon as it has so
    /// many batches.
    pub fn cancel_portion(&self, after_batches: usize) {
        lock(&self.shared.instance).bulk.cancel(after_batches);
    }

    /// Accepts records and does not apply them, from now on.
    pub fn drop_in_bulk(&self, drop: BulkDrop) {
        lock(&self.shared.instance).bulk.drops.push(drop);
    }

    /// Applies all records again, from now on.
    pub fn drop_nothing_in_bulk(&self) {
        lock(&self.shared.instance).bulk.drops.clear();
    }

    /// Applies every finalized portion at once, as if time had passed.
    pub fn settle(&self) {
        lock(&self.shared.instance).settle();
    }
}

/// `SaaS` applications and their users.
impl Control {
    /// All users of an application as they are, whatever a listing shows of them, by `user_id`: `user_id`,
    /// `external_id`, `roles` (a list of texts), `active`.
    pub fn saas_users(&self, application: &str) -> Vec<Value> {
        lock(&self.shared.instance).saas.users(application)
    }

    /// Assigns a person to an application, or sets `external_id`, `roles` and `active` of one who is, as somebody else
    /// would; the application is made where it is not there.
    pub fn set_saas_user(&self, application: &str, user_id: &str, changes: &Value) {
        lock(&self.shared.instance)
            .saas
            .set(application, user_id, changes);
    }

    /// Takes a person out of an application. Says whether there was one.
    pub fn remove_saas_user(&self, application: &str, user_id: &str) -> bool {
        lock(&self.shared.instance)
            .saas
            .remove(application, user_id)
    }

    /// Fails to activate and to deactivate a person with these words, in a 200 that carries them; `None` ends that.
    pub fn refuse_activity(&self, user_id: &str, words: Option<&str>) {
        lock(&self.shared.instance)
            .saas
            .refuse_activity(user_id, words);
    }

    /// Shows of an application's users what this says, from now on.
    pub fn set_saas_listing(&self, listing: SaasListing) {
        lock(&self.shared.instance).saas.listing = listing;
    }
}

/// Faults.
impl Control {
    /// Orders a fault.
    pub fn order(&self, fault: Fault) -> FaultId {
        lock(&self.shared.faults).order(fault)
    }

    /// Takes one fault back.
    pub fn cancel_fault(&self, id: FaultId) {
        lock(&self.shared.faults).cancel(id);
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        lock(&self.shared.faults).clear();
    }
}

impl Control {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Control").finish_non_exhaustive()
    }
}
