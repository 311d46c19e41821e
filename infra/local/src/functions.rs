//! The functions that answer HTTP, on one page: the local hub serves them, the OpenAPI document describes them, and
//! tests hold the template and the table of callers to it.

use std::{sync::Arc, time::Duration};

use api_documents::SignIn;
use async_trait::async_trait;
use axum::Router;
use domain::keys::{Cursors, Families, IdKey, Links, Notices};
use hub_http::Function;
use notify::EgressPolicy;
use runtime::{Hub, Keys, Seal, Start, StartError, Uploads};
use search_facilities::HeldIndex;
use utoipa::openapi::OpenApi;

use crate::HubKeys;

/// Each function, by the name of its folder.
pub const FUNCTIONS: &[(&str, &dyn Served)] = &[
    ("api-documents", &api_documents::FUNCTION),
    ("search-facilities", &search_facilities::FUNCTION),
    ("get-facility", &get_facility::FUNCTION),
    ("list-slots", &list_slots::FUNCTION),
    ("feeds", &feeds::FUNCTION),
    ("procedures", &procedures::FUNCTION),
    ("vacancies", &vacancies::FUNCTION),
    ("staff-slots", &staff_slots::FUNCTION),
    ("facility-settings", &facility_settings::FUNCTION),
    ("change-requests", &change_requests::FUNCTION),
    ("request-reservation", &request_reservation::FUNCTION),
    ("get-reservation", &get_reservation::FUNCTION),
    ("cancel-reservation", &cancel_reservation::FUNCTION),
    ("review-reservation", &review_reservation::FUNCTION),
    ("staff-reservations", &staff_reservations::FUNCTION),
    ("reports", &reports::FUNCTION),
    ("imports", &imports::FUNCTION),
    ("exports", &exports::FUNCTION),
    ("ict-reservations", &ict_reservations::FUNCTION),
    ("ict-new-count", &ict_new_count::FUNCTION),
    ("visits", &visits::FUNCTION),
    ("webhook-endpoints", &webhook_endpoints::FUNCTION),
];

/// A function, whatever the state of its handlers.
#[async_trait]
pub trait Served: Sync {
    /// Its part of the document.
    fn describe(&self) -> OpenApi;

    /// Its routes, with what they need from this hub.
    async fn router(&self, needs: &Needs) -> Result<Router, StartError>;
}

#[async_trait]
impl<State, Parts> Served for Function<State, Parts>
where
    State: Clone + Send + Sync + 'static,
    Parts: Start<Needs> + Send,
{
    fn describe(&self) -> OpenApi {
        self.describe()
    }

    async fn router(&self, needs: &Needs) -> Result<Router, StartError> {
        self.router(needs).await
    }
}

/// All of them together.
pub async fn serve(needs: &Needs) -> Result<Router, StartError> {
    let mut routes = Router::new();
    for (_, function) in FUNCTIONS {
        routes = routes.merge(function.router(needs).await?);
    }
    Ok(hub_http::finish(routes))
}

/// The OpenAPI document, as the handlers write it.
pub fn document() -> serde_json::Value {
    let document =
        FUNCTIONS.iter().fold(hub_http::openapi::base(), |mut document, (_, function)| {
            document.merge(function.describe());
            document
        });
    hub_http::openapi::complete(document)
}

/// What functions need, in a hub that is not deployed.
#[derive(Debug, Clone)]
pub struct Needs {
    /// The table and the time.
    pub hub: Hub,
    /// What seals what is personal.
    pub seal: Arc<dyn Seal>,
    /// The keys for every purpose.
    pub keys: HubKeys,
    /// Where receivers of webhooks may be.
    pub egress: EgressPolicy,
    /// Where large files come to.
    pub uploads: Arc<dyn Uploads>,
}

macro_rules! has {
    ($($part:ty => $get:expr,)+) => {$(
        impl Start<Needs> for $part {
            async fn start(needs: &Needs) -> Result<Self, StartError> {
                let get: fn(&Needs) -> Self = $get;
                Ok(get(needs))
            }
        }
    )+};
}

has! {
    Hub => |needs| needs.hub.clone(),
    Arc<dyn Seal> => |needs| needs.seal.clone(),
    IdKey => |needs| needs.keys.ids.clone(),
    Keys<Links> => |needs| needs.keys.links.clone(),
    Keys<Notices> => |needs| needs.keys.notices.clone(),
    Keys<Families> => |needs| needs.keys.families.clone(),
    Keys<Cursors> => |needs| needs.keys.cursors.clone(),
    EgressPolicy => |needs| needs.egress,
    Arc<dyn Uploads> => |needs| needs.uploads.clone(),
    // A search right after a change sees it: nothing is held without asking.
    HeldIndex => |_| HeldIndex::new(Duration::ZERO),
    SignIn => |_| SignIn(None),
}
