use data_encoding::HEXLOWER;
use domain::{ClientId, FacilityId, MunicipalityCode, applicant::Email, vendor::VendorKind};
use serde::{Deserialize, Serialize};

use crate::state::{State, StateError};

/// A client of the local issuer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) kind: VendorKind,
    pub(crate) client_id: ClientId,
    pub(crate) client_secret: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) facility_ids: Vec<FacilityId>,
}

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Facility,
    Municipality,
    Operator,
}

/// A person of the local issuer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) subject: String,
    pub(crate) role: Role,
    pub(crate) email: Email,
    pub(crate) facility_ids: Vec<FacilityId>,
    pub(crate) municipality: Option<MunicipalityCode>,
}

impl User {
    /// As the user pool of a deployed hub would know them.
    pub(crate) fn attributes(&self) -> staff_claims::Attributes {
        let role = match self.role {
            Role::Facility => "facility",
            Role::Municipality => "municipality",
            Role::Operator => "operator",
        };
        let facilities: Vec<&str> = self.facility_ids.iter().map(FacilityId::as_str).collect();
        let municipality = self.municipality.map(|code| code.to_string()).unwrap_or_default();
        staff_claims::Attributes::from([
            ("custom:role".into(), role.into()),
            ("custom:facility_id".into(), facilities.join(" ")),
            ("custom:municipality".into(), municipality),
        ])
    }
}

impl Client {
    pub(crate) fn new(kind: VendorKind, id: ClientId, facility_ids: Vec<FacilityId>) -> Self {
        let scopes: &[&str] = match kind {
            VendorKind::SearchSite => {
                &["reservations:write", "reservations:read", "events:read", "webhooks:write"]
            }
            VendorKind::Ict => &["ict:read", "ict:write", "events:read", "webhooks:write"],
        };
        Self {
            kind,
            client_id: id,
            client_secret: HEXLOWER.encode(&rand::random::<[u8; 24]>()),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            facility_ids,
        }
    }
}

/// Who may call the local hub.
#[derive(Debug, Clone)]
pub(crate) struct Credentials(pub(crate) State);

impl Credentials {
    pub(crate) fn clients(&self) -> Result<Vec<Client>, StateError> {
        Ok(self.0.all("client")?.into_iter().map(|(_, client)| client).collect())
    }

    pub(crate) fn client(&self, id: &str) -> Result<Option<Client>, StateError> {
        self.0.get("client", id)
    }

    pub(crate) fn users(&self) -> Result<Vec<User>, StateError> {
        Ok(self.0.all("user")?.into_iter().map(|(_, user)| user).collect())
    }

    pub(crate) fn add(&self, clients: &[Client], users: &[User]) -> Result<(), StateError> {
        for client in clients {
            self.0.put("client", client.client_id.as_str(), client)?;
        }
        for user in users {
            self.0.put("user", &user.subject, user)?;
        }
        Ok(())
    }
}
