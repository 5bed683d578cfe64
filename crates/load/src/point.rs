//! The points of a run at which dying matters: before and after each thing that is done once.
//!
//! A run marks them as it comes by. Where the feature `points` is off, as in packages, a mark is nothing at all;
//! where it is on, whoever arms them is told of each, and the tests' way to be told is to kill the process.

/// A point of a run, named after what has just been done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The run is on record as running.
    RunRecorded,
    /// Both sides were read to their ends.
    Read,
    /// A chunk of the plan is stored.
    PlanChunkStored,
    /// The plan is on record as complete.
    PlanCompleted,
    /// Who is present and who is gone is on record; what follows writes.
    PlanSettled,
    /// A plan that was made before is on record as running again.
    PlanResumed,
    /// Changes are marked as sent, and none of them was.
    ChangesMarked,
    /// A write was answered, and its outcome is not stored.
    WriteAnswered,
    /// The outcomes of a chunk are stored.
    OutcomesStored,
    /// The id of the portion is stored, and Oomnitza knows nothing of it.
    PortionRecorded,
    /// A batch was accepted.
    BatchSent,
    /// All batches were sent; finalize is next.
    Uploaded,
    /// The portion is finalized, and that is not on record.
    PortionFinalized,
    /// That the portion is finalized is on record.
    FinalizeRecorded,
    /// The run log says what became of the portion, and none of that is stored.
    RunLogRead,
    /// The `SaaS` application was made.
    ApplicationMade,
    /// Changes of `SaaS` users are marked as sent, and none of them was.
    PlacesMarked,
    /// The assignment of `SaaS` users was answered, and that is not on record.
    PlacesAssigned,
    /// The place of one `SaaS` user was written, and its outcome is not stored.
    PlaceWritten,
    /// The outcomes of a chunk of `SaaS` users are stored.
    PlacesStored,
    /// `SaaS` users who are gone are marked as being deactivated, and none of them was.
    DeactivationsMarked,
    /// `SaaS` users were deactivated, and that is not on record.
    PlacesDeactivated,
    /// What the users of the run came to is published to those who ask for the latest.
    OutcomesPublished,
    /// The run has its end on record.
    RunEnded,
    /// A portion that a dead run left is finalized, and that is not on record.
    LeftPortionFinalized,
    /// What a dead run had sent was looked up, and is stored.
    LeftChangesSettled,
    /// A dead run is closed.
    LeftRunClosed,
    /// Somebody is forgotten, and the file of the database is not written anew: no run, but `rollcall forget` comes by.
    Forgotten,
}

#[cfg(feature = "points")]
pub use armed::arm;

#[cfg(feature = "points")]
pub use armed::reach;

/// Marks a point.
#[cfg(not(feature = "points"))]
pub const fn reach(_point: Point) {}

#[cfg(feature = "points")]
mod armed {
    use std::sync::OnceLock;

    use super::Point;

    type Told = Box<dyn Fn(Point) + Send + Sync>;

    /// A process has one set of points: what is told of them ends it as a whole.
    static TOLD: OnceLock<Told> = OnceLock::new();

    /// Has this told of each point that any run of the process reaches, at once and in its thread.
    ///
    /// Whoever comes first is told; gives whether that was this one.
    pub fn arm(told: impl Fn(Point) + Send + Sync + 'static) -> bool {
        TOLD.set(Box::new(told)).is_ok()
    }

    /// Marks a point.
    pub fn reach(point: Point) {
        if let Some(told) = TOLD.get() {
            told(point);
        }
    }

    impl Point {
        /// All points, in the order in which a run may come by.
        pub const ALL: [Self; 28] = [
            Self::RunRecorded,
            Self::Read,
            Self::PlanChunkStored,
            Self::PlanCompleted,
            Self::PlanSettled,
            Self::PlanResumed,
            Self::ChangesMarked,
            Self::WriteAnswered,
            Self::OutcomesStored,
            Self::PortionRecorded,
            Self::BatchSent,
            Self::Uploaded,
            Self::PortionFinalized,
            Self::FinalizeRecorded,
            Self::RunLogRead,
            Self::ApplicationMade,
            Self::PlacesMarked,
            Self::PlacesAssigned,
            Self::PlaceWritten,
            Self::PlacesStored,
            Self::DeactivationsMarked,
            Self::PlacesDeactivated,
            Self::OutcomesPublished,
            Self::RunEnded,
            Self::LeftPortionFinalized,
            Self::LeftChangesSettled,
            Self::LeftRunClosed,
            Self::Forgotten,
        ];

        /// The name that the tests know it by.
        pub fn name(self) -> &'static str {
            match self {
                Self::RunRecorded => "run_recorded",
                Self::Read => "read",
                Self::PlanChunkStored => "plan_chunk_stored",
                Self::PlanCompleted => "plan_completed",
                Self::PlanSettled => "plan_settled",
                Self::PlanResumed => "plan_resumed",
                Self::ChangesMarked => "changes_marked",
                Self::WriteAnswered => "write_answered",
                Self::OutcomesStored => "outcomes_stored",
                Self::PortionRecorded => "portion_recorded",
                Self::BatchSent => "batch_sent",
                Self::Uploaded => "uploaded",
                Self::PortionFinalized => "portion_finalized",
                Self::FinalizeRecorded => "finalize_recorded",
                Self::RunLogRead => "run_log_read",
                Self::ApplicationMade => "application_made",
                Self::PlacesMarked => "places_marked",
                Self::PlacesAssigned => "places_assigned",
                Self::PlaceWritten => "place_written",
                Self::PlacesStored => "places_stored",
                Self::DeactivationsMarked => "deactivations_marked",
                Self::PlacesDeactivated => "places_deactivated",
                Self::OutcomesPublished => "outcomes_published",
                Self::RunEnded => "run_ended",
                Self::LeftPortionFinalized => "left_portion_finalized",
                Self::LeftChangesSettled => "left_changes_settled",
                Self::LeftRunClosed => "left_run_closed",
                Self::Forgotten => "forgotten",
            }
        }
    }
}
