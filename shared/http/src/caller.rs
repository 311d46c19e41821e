//! Who calls. The authorizer has verified the token and knows the registry of vendors; what it says is in the request
//! context.

use std::{
    collections::{BTreeSet, HashMap},
    marker::PhantomData,
};

use axum::extract::FromRequestParts;
use domain::{ClientId, FacilityId, MunicipalityCode, reservation::Actor, vendor::VendorKind};
use http::{Extensions, request::Parts};
use lambda_http::{
    aws_lambda_events::apigw::ApiGatewayV2httpRequestContext, request::RequestContext,
};

use serde_json::Value;

use crate::Problem;

/// What a client may do. A type for each, so that a handler names it beside the caller: `SearchSite<ReservationsRead>`.
pub trait Scope: Send + Sync + 'static {
    /// As it stands in a token, without the resource server's prefix.
    const NAME: &str;
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $scope:ident = $name:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $scope;
            impl Scope for $scope {
                const NAME: &str = $name;
            }
        )*
    };
}

scopes! {
    /// Ask for visits and cancel them.
    ReservationsWrite = "reservations:write";
    /// Read one's own reservations.
    ReservationsRead = "reservations:read";
    /// Manage webhook endpoints.
    WebhooksWrite = "webhooks:write";
    /// Read linked facilities' reservations.
    IctRead = "ict:read";
    /// Answer them.
    IctWrite = "ict:write";
}

/// A client with its scopes.
#[derive(Debug, Clone)]
struct Client {
    id: ClientId,
    scopes: BTreeSet<String>,
}

impl Client {
    /// Its id, if it has this scope.
    fn with<S: Scope>(self) -> Result<ClientId, Problem> {
        if self.scopes.contains(S::NAME) { Ok(self.id) } else { Err(Problem::Forbidden) }
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

/// Whoever calls: for what is public.
#[derive(Debug, Clone, Copy)]
pub struct Anyone;

/// A search site (SYS-02) that has this scope.
#[derive(Debug, Clone)]
pub struct SearchSite<S> {
    /// Its id.
    pub id: ClientId,
    scope: PhantomData<S>,
}

/// A nursery ICT system (SYS-03) that has this scope.
#[derive(Debug, Clone)]
pub struct IctSystem<S> {
    /// Its id.
    pub id: ClientId,
    scope: PhantomData<S>,
}

/// A vendor of either kind that has this scope.
#[derive(Debug, Clone)]
pub struct Vendor<S> {
    /// Its id.
    pub id: ClientId,
    /// Which kind.
    pub kind: VendorKind,
    scope: PhantomData<S>,
}

impl<S> SearchSite<S> {
    /// As the history names it.
    pub fn actor(&self) -> Actor {
        Actor::Client(self.id.clone())
    }
}

impl<S> IctSystem<S> {
    /// As the history names it.
    pub fn actor(&self) -> Actor {
        Actor::Client(self.id.clone())
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
    /// Goes on only for a facility of their own; another one does not exist for them.
    pub(crate) fn of(&self, facility: &FacilityId) -> Result<(), Problem> {
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

impl Authority {
    /// The subject of the token.
    pub fn subject(&self) -> &str {
        match self {
            Self::Municipality(staff) => &staff.subject,
            Self::Operator(operator) => &operator.subject,
        }
    }

    /// As the history names them.
    pub fn actor(&self) -> Actor {
        Actor::Staff(self.subject().to_owned())
    }

    /// Which municipality is meant, none for all of them; another than their own does not exist for its staff.
    pub fn municipality(
        &self,
        meant: Option<MunicipalityCode>,
    ) -> Result<Option<MunicipalityCode>, Problem> {
        match self {
            Self::Operator(_) => Ok(meant),
            Self::Municipality(staff) if meant.is_none_or(|code| code == staff.municipality) => {
                Ok(Some(staff.municipality))
            }
            Self::Municipality(_) => Err(Problem::NotFound),
        }
    }
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
    ($([$($generics:tt)*] $type:ty: $($pattern:pat => $value:expr),+;)*) => {
        $(
            impl<State: Send + Sync, $($generics)*> FromRequestParts<State> for $type {
                type Rejection = Problem;
                async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Problem> {
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
    [S: Scope] SearchSite<S>:
        Caller::Site(client) => Self { id: client.with::<S>()?, scope: PhantomData };
    [S: Scope] IctSystem<S>:
        Caller::Ict(client) => Self { id: client.with::<S>()?, scope: PhantomData };
    [S: Scope] Vendor<S>:
        Caller::Site(client) =>
            Self { id: client.with::<S>()?, kind: VendorKind::SearchSite, scope: PhantomData },
        Caller::Ict(client) =>
            Self { id: client.with::<S>()?, kind: VendorKind::Ict, scope: PhantomData };
    [] FacilityStaff: Caller::Facility(staff) => staff;
    [] Authority:
        Caller::Municipality(staff) => Self::Municipality(staff),
        Caller::Operator(operator) => Self::Operator(operator);
    [] Staff:
        Caller::Facility(staff) => Self::Facility(staff),
        Caller::Municipality(staff) => Self::Municipality(staff),
        Caller::Operator(operator) => Self::Operator(operator);
}

impl<State: Send + Sync> FromRequestParts<State> for Anyone {
    type Rejection = Problem;
    async fn from_request_parts(_: &mut Parts, _: &State) -> Result<Self, Problem> {
        Ok(Self)
    }
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
            assert!(client.clone().with::<ReservationsWrite>().is_ok());
            assert_eq!(client.with::<ReservationsRead>(), Err(Problem::Forbidden));
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
