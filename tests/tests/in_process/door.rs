//! Who gets in: what the authorizer says of a token, and what the functions make of that.

use std::sync::Arc;

use async_trait::async_trait;
use authorize::{Authorizer, Claims, KeyError, TokenKeys, Tokens, after_scheme};
use aws_lambda_events::apigw::ApiGatewayV2CustomAuthorizerV2Request;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::vendor::{VendorKind, VendorStatus};
use jsonwebtoken::jwk::JwkSet;
use serde_json::{Value, json};
use store::VendorRecord;
use tests::{As, World};

const STAFF_CLIENT: &str = "staff-pages";

fn claims(claims: Value) -> Claims {
    serde_json::from_value(claims).unwrap()
}

/// What a client's token says.
fn client(id: &str, scope: &str) -> Claims {
    claims(json!({"sub": id, "client_id": id, "token_use": "access", "scope": scope}))
}

async fn caller(world: &World, claims: Claims) -> As {
    let caller = authorize::caller(world.store(), STAFF_CLIENT, claims).await.unwrap();
    As::Token(serde_json::to_value(caller).unwrap())
}

async fn status(world: &World, who: &As, path: &str) -> u16 {
    world.get(who, path).await.status.as_u16()
}

fn vendor(id: &str, kind: VendorKind, status: VendorStatus) -> VendorRecord {
    VendorRecord {
        client_id: id.parse().unwrap(),
        kind,
        name: id.into(),
        contact: format!("{id}@example.jp").parse().unwrap(),
        status,
    }
}

const SCOPE: &str = "hub/reservations:read hub/reservations:write hub/ict:read";

#[tokio::test]
async fn vendor_is_what_the_registry_says_and_nobody_when_it_says_suspended() {
    let world = World::new().await;
    for (id, kind, status) in [
        ("site-9", VendorKind::SearchSite, VendorStatus::Active),
        ("gone", VendorKind::SearchSite, VendorStatus::Suspended),
    ] {
        world.store().add_vendor(&vendor(id, kind, status), &[]).await.unwrap();
    }
    let site = caller(&world, client("site-9", SCOPE)).await;
    assert_eq!(status(&world, &site, "/v1/reservations").await, 200);
    let ict = format!("/v1/ict/facilities/{}/new-count", world.facility.facility_id);
    assert_eq!(status(&world, &site, &ict).await, 403, "whatever its scopes say");
    for refused in [client("gone", SCOPE), client("unknown", SCOPE)] {
        let refused = caller(&world, refused).await;
        assert_eq!(status(&world, &refused, "/v1/reservations").await, 403);
    }
}

#[tokio::test]
async fn change_of_the_registry_counts_for_the_next_token_that_is_judged() {
    let world = World::new().await;
    let vendor = vendor("site-9", VendorKind::SearchSite, VendorStatus::Active);
    world.store().add_vendor(&vendor, &[]).await.unwrap();
    for (set, expected) in [("active", 200), ("suspended", 403), ("active", 200)] {
        // As infra/operate/set-vendor does it.
        let update = world.raw().update_item().table_name(local::embedded::TABLE);
        let update = update.key("pk", AttributeValue::S("CLI#site-9".into()));
        let update = update.key("sk", AttributeValue::S("CLI".into()));
        let update = update.update_expression("SET #status = :status");
        let update = update.expression_attribute_names("#status", "status");
        let update = update.expression_attribute_values(":status", AttributeValue::S(set.into()));
        update.send().await.unwrap();
        let who = caller(&world, client("site-9", SCOPE)).await;
        assert_eq!(status(&world, &who, "/v1/reservations").await, expected, "{set}");
    }
}

#[tokio::test]
async fn role_counts_in_tokens_of_the_staffs_own_client_alone() {
    let world = World::new().await;
    world
        .store()
        .add_vendor(&vendor("site-9", VendorKind::SearchSite, VendorStatus::Active), &[])
        .await
        .unwrap();
    let token = |client: &str, role: &str| {
        claims(json!({"sub": "somebody", "client_id": client, "token_use": "access",
            "role": role, "municipality": "131199", "scope": SCOPE}))
    };
    let reports = "/v1/staff/dashboard";
    let staff = caller(&world, token(STAFF_CLIENT, "municipality")).await;
    assert_eq!(status(&world, &staff, reports).await, 200);
    for (client, role) in [
        ("site-9", "municipality"),
        ("site-9", "operator"),
        ("other", "operator"),
        (STAFF_CLIENT, ""),
    ] {
        let who = caller(&world, token(client, role)).await;
        assert_eq!(status(&world, &who, reports).await, 403, "{client} {role}");
        assert_eq!(status(&world, &who, "/v1/reservations").await, 403, "{client} {role}");
    }
}

#[test]
fn token_is_what_follows_its_scheme_in_any_case() {
    for header in ["Bearer e30.e30.e30", "bearer  e30.e30.e30 "] {
        assert_eq!(after_scheme(header, "bearer"), Some("e30.e30.e30"), "{header}");
    }
    for header in ["Basic e30.e30.e30", "Bearer", ""] {
        assert_eq!(after_scheme(header, "bearer"), None, "{header}");
    }
}

/// A user pool without keys: every token is a stranger's.
#[derive(Debug)]
struct NoKeys;

#[async_trait]
impl TokenKeys for NoKeys {
    async fn fetch(&self) -> Result<JwkSet, KeyError> {
        Ok(JwkSet { keys: vec![] })
    }
}

#[tokio::test]
async fn stranger_is_let_through_as_nobody_so_that_the_hub_refuses_in_its_own_words() {
    let world = World::new().await;
    let tokens = Tokens::new("https://issuer.example".into(), Arc::new(NoKeys));
    let store = world.store().clone();
    let authorizer = Authorizer { store, staff_client: STAFF_CLIENT.into(), tokens };
    let sample = include_str!("../../../events/authorize.json");
    for header in ["Bearer e30.e30.e30", "Basic eDp5", "Bearer", ""] {
        let mut request: ApiGatewayV2CustomAuthorizerV2Request =
            serde_json::from_str(sample).unwrap();
        request.identity_source = Some(vec![header.into()]);
        let response = authorizer.handle(request).await.unwrap();
        assert!(response.is_authorized && response.context.is_empty(), "{header}");
        let nobody = As::Token(json!(response.context));
        let answer = world.get(&nobody, "/v1/reservations").await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (401, "unauthorized"));
    }
}

#[tokio::test]
async fn ten_thousand_vendors_cost_a_call_no_more_than_one() {
    let world = World::new().await;
    let vendors: Vec<_> = (0..10_000)
        .map(|n| vendor(&format!("vendor-{n}"), VendorKind::SearchSite, VendorStatus::Active))
        .collect();
    for some in vendors.chunks(100) {
        let added = some.iter().map(|vendor| world.store().add_vendor(vendor, &[]));
        futures::future::try_join_all(added).await.unwrap();
    }
    world.store().meter().take();
    let last = caller(&world, client("vendor-9999", SCOPE)).await;
    let used = world.store().meter().take();
    assert_eq!((used.read, used.write), (0.5, 0.0));
    assert_eq!(status(&world, &last, "/v1/reservations").await, 200);
}
