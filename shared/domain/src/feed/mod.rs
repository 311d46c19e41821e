//! What the feeds say of each thing: what anybody may know of it, and for how long.

mod facility;
mod procedure;
mod slot;
mod vacancy;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::{facility::PublicFacility, slot::SlotView};

/// The greatest number that JSON has without loss. No feed gives it out: who asks after it looks whether the end is
/// answered as RPDE says, as its validator does.
pub const END: u64 = 9_007_199_254_740_991;

/// Whether anybody still sees a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedState {
    /// New or changed.
    Updated,
    /// Not there any more; told for thirty days.
    Deleted,
}

impl FeedState {
    /// That of a thing of which the feed says this.
    pub fn of<T>(data: &Option<T>) -> Self {
        if data.is_some() { Self::Updated } else { Self::Deleted }
    }
}

/// A feed tells all things of one kind, in the order of their changes (OpenActive RPDE 1.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feed {
    /// The slots of all nurseries.
    Slots,
    /// All nurseries.
    Facilities,
    /// What all nurseries have free, by month.
    Vacancies,
    /// The procedures of all municipalities.
    Procedures,
}

impl Feed {
    /// Every feed.
    pub const ALL: [Self; 4] = [Self::Slots, Self::Facilities, Self::Vacancies, Self::Procedures];

    /// Its name in paths and keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slots => "slots",
            Self::Facilities => "facilities",
            Self::Vacancies => "vacancies",
            Self::Procedures => "procedures",
        }
    }

    /// The feed of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feed| feed.name() == name)
    }

    /// What one of its things is called.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Slots => "slot",
            Self::Facilities => "facility",
            Self::Vacancies => "vacancy",
            Self::Procedures => "procedure",
        }
    }

    /// How many things a page has at most. Of nurseries fewer, for with every item they would not fit into an answer.
    pub fn page_size(self) -> u16 {
        match self {
            Self::Facilities => 100,
            Self::Slots | Self::Vacancies | Self::Procedures => 500,
        }
    }
}
