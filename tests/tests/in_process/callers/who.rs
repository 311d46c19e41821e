//! Everybody who may ask, and what they send.

use domain::{ReservationNumber, Timestamp, visit_token::TokenKind};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::As;

use super::{operation::Operation, scene::Scene};

/// A caller, by what there is between them and the reservation, its nursery and its municipality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Sends nothing.
    Nobody,
    /// Sends a token of another issuer; the authorizer lets it through and says nothing of it.
    Stranger,
    /// The search site that made the reservation and owns the endpoint. It has no scope but the one that the operation
    /// names.
    Site,
    /// A search site with every scope there is.
    OtherSite,
    /// The site of the reservation, with every scope but the one that the operation names.
    SiteWithoutScope,
    /// An ICT system that is linked to the nursery, with no scope but the one that the operation names.
    Ict,
    /// An ICT system that is linked to another nursery, with every scope there is.
    OtherIct,
    /// An ICT system that is linked to no nursery, with every scope there is.
    UnlinkedIct,
    /// The linked ICT system, with every scope but the one that the operation names.
    IctWithoutScope,
    /// A vendor that is suspended: the authorizer says its subject alone.
    Suspended,
    /// The site of the reservation, under a kind of vendor that the hub does not know.
    UnknownKind,
    /// Staff of the nursery, and of one more.
    Staff,
    /// Staff of another nursery in the same municipality.
    NeighbourStaff,
    /// Staff of a nursery in another municipality.
    OtherStaff,
    /// Staff to whom no nursery is assigned.
    StaffOfNothing,
    /// Staff of the municipality.
    Municipality,
    /// Staff of another municipality.
    OtherMunicipality,
    /// Municipal staff to whom no municipality is assigned.
    MunicipalityOfNothing,
    /// An operator.
    Operator,
    /// A person with a role that the hub does not know.
    UnknownRole,
    /// The parent, on the hub's own page.
    Parent,
    /// The parent's browser, on a page of somebody else.
    ParentElsewhere,
    /// The parent of another reservation.
    OtherParent,
    /// That parent, who writes the number of this reservation into their cookie.
    ForgedSession,
    /// The parent, half an hour after the session was opened.
    EndedSession,
    /// Somebody who sends the token of the mail's link as the cookie.
    LinkAsSession,
}

use Who::*;

impl Who {
    /// Everybody.
    pub const ALL: &'static [Self] = &[
        Nobody,
        Stranger,
        Site,
        OtherSite,
        SiteWithoutScope,
        Ict,
        OtherIct,
        UnlinkedIct,
        IctWithoutScope,
        Suspended,
        UnknownKind,
        Staff,
        NeighbourStaff,
        OtherStaff,
        StaffOfNothing,
        Municipality,
        OtherMunicipality,
        MunicipalityOfNothing,
        Operator,
        UnknownRole,
        Parent,
        ParentElsewhere,
        OtherParent,
        ForgedSession,
        EndedSession,
        LinkAsSession,
    ];

    /// Whether they send what an operation with this security scheme takes for a proof.
    pub fn proves(self, scheme: &str) -> bool {
        let session = matches!(self, Parent | ParentElsewhere | OtherParent);
        let no_token =
            matches!(self, Nobody | Stranger | ForgedSession | EndedSession | LinkAsSession);
        if scheme == "visit_session" { session } else { !session && !no_token }
    }

    /// What the authorizer says of their token.
    pub fn token(self, scene: &Scene, operation: &Operation) -> As {
        let (scopes, scope) = (&operation.scopes, &operation.scope);
        let others = || scopes.iter().filter(|one| *one != scope).cloned().collect::<Vec<_>>();
        let (only, every, others) = (scope.clone(), scopes.join(" "), others().join(" "));
        let vendor = |kind: &str, id: &str, scope: String| json!({"sub": id, "client_id": id, "kind": kind, "scope": scope});
        let staff = |facilities: &str| json!({"sub": "staff-1", "role": "facility", "facility_id": facilities});
        let city =
            |code: &str| json!({"sub": "city-1", "role": "municipality", "municipality": code});
        let facility = &scene.world.facility.facility_id;
        let claims: Value = match self {
            Nobody | Parent | ParentElsewhere | OtherParent | ForgedSession | EndedSession
            | LinkAsSession => return As::Anyone,
            Stranger => json!({}),
            Site => vendor("search_site", "site-1", only),
            OtherSite => vendor("search_site", "site-2", every),
            SiteWithoutScope => vendor("search_site", "site-1", others),
            Ict => vendor("ict", "ict-1", only),
            OtherIct => vendor("ict", "ict-2", every),
            UnlinkedIct => vendor("ict", "ict-3", every),
            IctWithoutScope => vendor("ict", "ict-1", others),
            Suspended => json!({"sub": "site-1"}),
            UnknownKind => vendor("nursery", "site-1", every),
            Staff => staff(&format!("fac_000000000001 {facility}")),
            NeighbourStaff => staff(scene.neighbour.facility_id.as_str()),
            OtherStaff => staff(scene.other.facility_id.as_str()),
            StaffOfNothing => staff(""),
            Municipality => city("131199"),
            OtherMunicipality => city("131211"),
            MunicipalityOfNothing => city(""),
            Operator => json!({"sub": "operator-1", "role": "operator"}),
            UnknownRole => json!({"sub": "somebody-1", "role": "admin"}),
        };
        As::Token(claims)
    }

    /// The cookie and the page that their browser sends.
    pub async fn browser(self, scene: &Scene) -> Option<(String, &'static str)> {
        let now = runtime::machine_time();
        let ended = now + SignedDuration::from_mins(-31);
        let (kind, number, at) = match self {
            Parent | ParentElsewhere => (TokenKind::Session, &scene.number, now),
            OtherParent | ForgedSession => (TokenKind::Session, &scene.other_number, now),
            EndedSession => (TokenKind::Session, &scene.number, ended),
            LinkAsSession => (TokenKind::Link, &scene.number, now),
            _ => return None,
        };
        let mut token = scene.visit_token(kind, number, at).await;
        if self == ForgedSession {
            token = token.replace(scene.other_number.as_str(), scene.number.as_str());
        }
        let page = match self {
            ParentElsewhere => "https://elsewhere.example",
            _ => "https://hub.example.jp",
        };
        Some((format!("__Host-visit={token}"), page))
    }
}

impl Scene {
    /// What opens the visit of a reservation.
    pub async fn visit_token(
        &self,
        kind: TokenKind,
        number: &ReservationNumber,
        at: Timestamp,
    ) -> String {
        self.world.keys.links.ring().await.token(kind, number, at).to_string()
    }
}
