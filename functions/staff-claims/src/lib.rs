//! Before Cognito writes the tokens of somebody who signs in: who they are to the hub goes into their
//! access token.
//!
//! It comes from attributes of the user that only an administrator can write. Whoever has none, or
//! any that is not understood, gets a token without a role, and the hub does nothing for it.

use std::collections::{BTreeMap, HashMap};

use domain::{FacilityId, MunicipalityCode};
use runtime::telemetry::Outcome;
use serde::Deserialize;
use serde_json::{Value, json};

/// What the user pool knows of a person, by the names of attributes.
pub type Attributes = HashMap<String, String>;

/// What the hub reads of a token of a person (`hub_http::caller`).
pub type Claims = BTreeMap<&'static str, String>;

/// Why a token has no role. It quotes no attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRole {
    /// The person has none.
    #[error("no role was given")]
    Missing,
    /// It is not one of the hub's.
    #[error("the hub knows no such role")]
    Unknown,
    /// Staff of facilities without one, or with what is none.
    #[error("the facilities are missing or wrong")]
    Facilities,
    /// Staff of a municipality without it, or with what is none.
    #[error("the municipality is missing or wrong")]
    Municipality,
}

/// Of an event of the trigger, what is needed here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TriggerEvent {
    trigger_source: String,
    request: Request,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    user_attributes: Option<Attributes>,
}

/// Answers the trigger "pre token generation", version 2: the event as it came, and in it the claims
/// to add. A client's token is not a person's and stays as it is.
pub fn handle(mut event: Value) -> Value {
    let Ok(TriggerEvent { trigger_source, request }) = TriggerEvent::deserialize(&event) else {
        tracing::error!(outcome = Outcome::Unreadable.as_str(), "token");
        return event;
    };
    if trigger_source == "TokenGeneration_ClientCredentials" {
        return event;
    }
    match claims(&request.user_attributes.unwrap_or_default()) {
        Ok(claims) => {
            tracing::info!(role = claims["role"], outcome = Outcome::Done.as_str(), "token");
            event["response"]["claimsAndScopeOverrideDetails"] =
                json!({"accessTokenGeneration": {"claimsToAddOrOverride": claims}});
        }
        Err(reason) => tracing::warn!(outcome = Outcome::Refused.as_str(), %reason, "token"),
    }
    event
}

/// Who a person is to the hub.
pub fn claims(attributes: &Attributes) -> Result<Claims, NoRole> {
    let attribute = |name| attributes.get(name).map(String::as_str).unwrap_or_default();
    let role = attribute("custom:role");
    let mut claims = Claims::from([("role", role.to_owned())]);
    match role {
        "facility" => {
            let ids = attribute("custom:facility_id").split_whitespace().map(str::parse);
            let ids: Result<Vec<FacilityId>, _> = ids.collect();
            let ids = ids.ok().filter(|ids| !ids.is_empty()).ok_or(NoRole::Facilities)?;
            let ids: Vec<&str> = ids.iter().map(FacilityId::as_str).collect();
            claims.insert("facility_id", ids.join(" "));
        }
        "municipality" => {
            let code = attribute("custom:municipality").parse();
            let code: MunicipalityCode = code.map_err(|_| NoRole::Municipality)?;
            claims.insert("municipality", code.to_string());
        }
        "operator" => {}
        "" => return Err(NoRole::Missing),
        _ => return Err(NoRole::Unknown),
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims_of(attributes: &[(&str, &str)]) -> Result<Claims, NoRole> {
        claims(&attributes.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect())
    }

    #[test]
    fn each_role_has_what_belongs_to_it_and_nothing_else() {
        let everything = |role| {
            claims_of(&[
                ("custom:role", role),
                ("custom:facility_id", "fac_7k3m9qxd2abc  fac_000000000000"),
                ("custom:municipality", "13119"),
                ("email", "staff@example.jp"),
            ])
        };
        let facility = Claims::from([
            ("role", "facility".into()),
            ("facility_id", "fac_7k3m9qxd2abc fac_000000000000".into()),
        ]);
        let municipality =
            Claims::from([("role", "municipality".into()), ("municipality", "131199".into())]);
        assert_eq!(everything("facility"), Ok(facility));
        assert_eq!(everything("municipality"), Ok(municipality));
        assert_eq!(everything("operator"), Ok(Claims::from([("role", "operator".into())])));
    }

    #[test]
    fn what_is_missing_or_not_understood_gives_no_role() {
        for (attributes, reason) in [
            (vec![], NoRole::Missing),
            (vec![("role", "operator")], NoRole::Missing),
            (vec![("custom:role", "admin")], NoRole::Unknown),
            (vec![("custom:role", "Operator")], NoRole::Unknown),
            (vec![("custom:role", "facility")], NoRole::Facilities),
            (
                vec![("custom:role", "facility"), ("custom:facility_id", "fac_7k3m9qxd2abc x")],
                NoRole::Facilities,
            ),
            (vec![("custom:role", "municipality")], NoRole::Municipality),
            (
                vec![("custom:role", "municipality"), ("custom:municipality", "131198")],
                NoRole::Municipality,
            ),
        ] {
            assert_eq!(claims_of(&attributes), Err(reason), "{attributes:?}");
        }
    }

    #[test]
    fn the_token_of_a_client_stays_as_it_is() {
        let event = json!({
            "version": "3", "triggerSource": "TokenGeneration_ClientCredentials",
            "request": {"userAttributes": {"custom:role": "operator"}, "scopes": ["hub/ict:read"]},
            "response": {"claimsAndScopeOverrideDetails": null},
        });
        assert_eq!(handle(event.clone()), event);
    }

    #[test]
    fn the_token_of_somebody_without_a_role_stays_as_it_is() {
        for attributes in [json!(null), json!({}), json!({"custom:role": "admin"})] {
            let event = json!({
                "version": "2", "triggerSource": "TokenGeneration_HostedAuth",
                "request": {"userAttributes": attributes},
                "response": {"claimsAndScopeOverrideDetails": null},
            });
            assert_eq!(handle(event.clone()), event);
        }
    }
}
