//! Who calls. The authorizer has verified the token and knows the registry of vendors; what it says is in the request
//! context.

use std::collections::{BTreeSet, HashMap};

use axum::extract::FromRequestParts;
use domain::{ClientId, FacilityId, MunicipalityCode, reservation::Actor, vendor::VendorKind};
use http::{Extensions, request::Parts};
use lambda_http::{
    aws_lambda_events::apigw::ApiGatewayV2httpRequestContext, request::RequestContext,
};

use serde_json::Value;

use crate::Problem;

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Ask for visits and cancel them.
    ReservationsWrite,
    /// Read one's own reservations.
    ReservationsRead,
    /// Read events.
    EventsRead,
    /// Manage webhook endpoints.
    WebhooksWrite,
    /// Read linked facilities' reservations.
    IctRead,
    /// Answer them.
    IctWrite,
}

impl Scope {
    /// As it stands in a token, without the resource server's prefix.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReservationsWrite => "reservations:write",
            Self::ReservationsRead => "reservations:read",
            Self::EventsRead => "events:read",
            Self::WebhooksWrite => "webhooks:write",
            Self::IctRead => "ict:read",
            Self::IctWrite => "ict:write",
        }
    }
}

/// A client with its scopes.
#[derive(Debug, Clone)]
struct Client {
    id: ClientId,
    scopes: BTreeSet<String>,
}

impl Client {
    fn with(&self, scope: Scope) -> Result<&ClientId, Problem> {
        if self.scopes.contains(scope.as_str()) { Ok(&self.id) } else { Err(Problem::Forbidden) }
    }
}

/// Who calls, if anybody proved it.
#[derive(Debug, Clone)]
enum Caller {
    Site(Client),
    Ict(Client),
    Facility(FacilityStaff),
    Municipality(MunicipalStaff),
    Operator(Operator),
}

/// A search site (SYS-02).
#[derive(Debug, Clone)]
pub struct SearchSite(Client);

impl SearchSite {
    /// Its id, if it may do this.
    pub fn with(&self, scope: Scope) -> Result<&ClientId, Problem> {
        self.0.with(scope)
    }
}

/// A nursery ICT system (SYS-03).
#[derive(Debug, Clone)]
pub struct IctSystem(Client);

impl IctSystem {
    /// Its id, if it may do this.
    pub fn with(&self, scope: Scope) -> Result<&ClientId, Problem> {
        self.0.with(scope)
    }
}

/// Either kind of vendor.
#[derive(Debug, Clone)]
pub struct Vendor {
    client: Client,
    /// Which kind.
    pub kind: VendorKind,
}

impl Vendor {
    /// Its id, if it may do this.
    pub fn with(&self, scope: Scope) -> Result<&ClientId, Problem> {
        self.client.with(scope)
    }
}

/// Staff of one or more facilities.
#[derive(Debug, Clone)]
pub struct FacilityStaff {
    /// The subject of the token.
    pub subject: String,
    facilities: BTreeSet<FacilityId>,
}

impl FacilityStaff {
    /// Goes on only for a facility of their own; another one is nothing to them.
    pub fn of(&self, facility: &FacilityId) -> Result<(), Problem> {
        if self.facilities.contains(facility) { Ok(()) } else { Err(Problem::NotFound) }
    }

    /// As the history names them.
    pub fn actor(&self) -> Actor {
        Actor::Staff(self.subject.clone())
    }
}

/// Staff of a municipality.
#[derive(Debug, Clone)]
pub struct MunicipalStaff {
    /// The subject of the token.
    pub subject: String,
    /// Their municipality.
    pub municipality: MunicipalityCode,
}

/// A metropolitan operator.
#[derive(Debug, Clone)]
pub struct Operator {
    /// The subject of the token.
    pub subject: String,
}

/// A person who looks after many nurseries.
#[derive(Debug, Clone)]
pub enum Authority {
    /// Those of a municipality.
    Municipality(MunicipalStaff),
    /// All of them.
    Operator(Operator),
}

/// A person who may read reservations.
#[derive(Debug, Clone)]
pub enum Staff {
    /// Of facilities.
    Facility(FacilityStaff),
    /// Of a municipality: reads, and takes no decision.
    Municipality(MunicipalStaff),
    /// An operator: reads without applicants.
    Operator(Operator),
}

/// What API Gateway says about a request.
pub(crate) fn gateway_context(extensions: &Extensions) -> Option<&ApiGatewayV2httpRequestContext> {
    match extensions.get::<RequestContext>()? {
        RequestContext::ApiGatewayV2(context) => Some(context),
        _ => None,
    }
}

impl Caller {
    fn of(parts: &Parts) -> Result<Self, Problem> {
        let authorizer = gateway_context(&parts.extensions)
            .and_then(|context| context.authorizer.as_ref())
            .ok_or(Problem::Unauthorized)?;
        Self::from_authorizer(&authorizer.fields)
    }

    /// A person has a role, a vendor a kind. Without a subject the token is none of ours; with a subject alone it gives
    /// no access.
    fn from_authorizer(fields: &HashMap<String, Value>) -> Result<Self, Problem> {
        let claim = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let subject = claim("sub").to_owned();
        if subject.is_empty() {
            return Err(Problem::Unauthorized);
        }
        match claim("role") {
            "facility" => {
                let ids = claim("facility_id").split(' ');
                let facilities = ids.filter_map(|id| id.parse().ok()).collect();
                return Ok(Self::Facility(FacilityStaff { subject, facilities }));
            }
            "municipality" => {
                let municipality = claim("municipality").parse().map_err(|_| Problem::Forbidden)?;
                return Ok(Self::Municipality(MunicipalStaff { subject, municipality }));
            }
            "operator" => return Ok(Self::Operator(Operator { subject })),
            _ => {}
        }
        let id = claim("client_id").parse().map_err(|_| Problem::Forbidden)?;
        let scopes = claim("scope").split(' ');
        let scopes = scopes.map(|scope| scope.trim_start_matches("hub/").to_owned()).collect();
        let client = Client { id, scopes };
        match VendorKind::named(claim("kind")).ok_or(Problem::Forbidden)? {
            VendorKind::SearchSite => Ok(Self::Site(client)),
            VendorKind::Ict => Ok(Self::Ict(client)),
        }
    }
}

macro_rules! callers {
    ($($type:ty: $($pattern:pat => $value:expr),+;)*) => {
        $(
            impl<S: Send + Sync> FromRequestParts<S> for $type {
                type Rejection = Problem;
                async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                    match Caller::of(parts)? {
                        $($pattern => Ok($value),)+
                        _ => Err(Problem::Forbidden),
                    }
                }
            }
        )*
    };
}

callers! {
    SearchSite: Caller::Site(client) => SearchSite(client);
    IctSystem: Caller::Ict(client) => IctSystem(client);
    Vendor:
        Caller::Site(client) => Vendor { client, kind: VendorKind::SearchSite },
        Caller::Ict(client) => Vendor { client, kind: VendorKind::Ict };
    FacilityStaff: Caller::Facility(staff) => staff;
    Authority:
        Caller::Municipality(staff) => Authority::Municipality(staff),
        Caller::Operator(operator) => Authority::Operator(operator);
    Staff:
        Caller::Facility(staff) => Staff::Facility(staff),
        Caller::Municipality(staff) => Staff::Municipality(staff),
        Caller::Operator(operator) => Staff::Operator(operator);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(fields: &[(&str, &str)]) -> Result<Caller, Problem> {
        let fields = fields.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Caller::from_authorizer(&fields.collect())
    }

    #[test]
    fn scopes_are_understood_with_and_without_prefix() {
        for scope in ["reservations:write", "hub/reservations:write"] {
            let fields =
                [("sub", "x"), ("client_id", "x"), ("kind", "search_site"), ("scope", scope)];
            let Ok(Caller::Site(client)) = caller(&fields) else { unreachable!("a search site") };
            assert!(client.with(Scope::ReservationsWrite).is_ok());
            assert!(client.with(Scope::ReservationsRead).is_err());
        }
    }

    #[test]
    fn kind_is_the_registrys_whatever_the_scopes_say() {
        let scope = ("scope", "hub/reservations:write hub/ict:write");
        let vendor = |kind| caller(&[("sub", "x"), ("client_id", "x"), ("kind", kind), scope]);
        assert!(matches!(vendor("ict"), Ok(Caller::Ict(_))));
        assert!(matches!(vendor("search_site"), Ok(Caller::Site(_))));
    }

    #[test]
    fn a_token_that_fits_nobody_gives_no_access() {
        assert_eq!(caller(&[]).err(), Some(Problem::Unauthorized));
        assert_eq!(caller(&[("role", "operator")]).err(), Some(Problem::Unauthorized));
        let scope = ("scope", "hub/reservations:read");
        for fields in [
            vec![("sub", "x")],
            vec![("sub", "x"), ("client_id", "x"), scope],
            vec![("sub", "x"), ("client_id", "x"), ("kind", "nursery"), scope],
            vec![("sub", "x"), ("kind", "ict"), scope],
            vec![("sub", "x"), ("role", "municipality"), ("municipality", "1")],
            vec![("sub", "x"), ("role", "admin")],
        ] {
            assert_eq!(caller(&fields).err(), Some(Problem::Forbidden), "{fields:?}");
        }
    }

    #[test]
    fn staff_have_the_facilities_of_their_token() {
        let fields = [
            ("sub", "x"),
            ("role", "facility"),
            ("facility_id", "fac_7k3m9qxd2abc fac_000000000000"),
        ];
        let Ok(Caller::Facility(staff)) = caller(&fields) else { unreachable!("staff") };
        assert!(staff.of(&"fac_7k3m9qxd2abc".parse().unwrap()).is_ok());
        assert_eq!(staff.of(&"fac_111111111111".parse().unwrap()), Err(Problem::NotFound));
    }
}
