//! The states of a reservation, and the ways from one to another.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Invalid;

/// The state of a reservation (RSV-08).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A request of the portal whose mail address is not confirmed yet; holds a place if there was one.
    Unconfirmed,
    /// Waits for a place of a full slot (キャンセル待ち).
    Waiting,
    /// A place came free for it, and the parent has to confirm; holds a place.
    Offered,
    /// Waits for the nursery's answer (仮予約); holds a place, unless the nursery wants otherwise.
    Pending,
    /// The nursery expects the family.
    Approved,
    /// The nursery cannot take the family (見送り).
    Declined,
    /// The parent gave up the visit.
    CancelledByParent,
    /// The nursery gave up the visit, after telling the family (RSV-05).
    CancelledByFacility,
    /// Nobody confirmed or answered in time.
    Expired,
    /// The family came.
    Completed,
    /// The family did not come.
    NoShow,
}

use Status::{
    Approved, CancelledByFacility, CancelledByParent, Completed, Declined, Expired, NoShow,
    Offered, Pending, Unconfirmed, Waiting,
};

impl Status {
    /// Every state.
    pub const ALL: [Self; 11] = [
        Unconfirmed,
        Waiting,
        Offered,
        Pending,
        Approved,
        Declined,
        CancelledByParent,
        CancelledByFacility,
        Expired,
        Completed,
        NoShow,
    ];

    /// The name used in JSON, in the table and in event types.
    pub fn as_str(self) -> &'static str {
        match self {
            Unconfirmed => "unconfirmed",
            Waiting => "waiting",
            Offered => "offered",
            Pending => "pending",
            Approved => "approved",
            Declined => "declined",
            CancelledByParent => "cancelled_by_parent",
            CancelledByFacility => "cancelled_by_facility",
            Expired => "expired",
            Completed => "completed",
            NoShow => "no_show",
        }
    }

    /// Whether a reservation may go from this state to the other. There is no transition but these.
    pub fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Unconfirmed, Waiting | Pending | Expired)
                | (Waiting, Offered | CancelledByParent | Expired)
                | (Offered, Pending | CancelledByParent | Expired)
                | (
                    Pending,
                    Approved | Declined | CancelledByParent | CancelledByFacility | Expired
                )
                | (Approved, CancelledByParent | CancelledByFacility | Completed | NoShow)
        )
    }

    /// Whether nothing happens to it any more.
    pub fn is_final(self) -> bool {
        Self::ALL.iter().all(|next| !self.may_become(*next))
    }
}

impl std::str::FromStr for Status {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(Invalid::Format(
            "unconfirmed、waiting、offered、pending、approved、declined、cancelled_by_parent、\
             cancelled_by_facility、expired、completed、no_show",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rsv_08_the_names_are_those_of_json() {
        for status in Status::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("approve".parse::<Status>().is_err());
    }

    #[test]
    fn what_is_over_stays_over() {
        let over: Vec<_> = Status::ALL.into_iter().filter(|status| status.is_final()).collect();
        assert_eq!(
            over,
            [Declined, CancelledByParent, CancelledByFacility, Expired, Completed, NoShow]
        );
    }
}
