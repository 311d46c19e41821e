//! Vendors, the facilities linked to them, and their webhook endpoints.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    ClientId, FacilityId, Sealed, Timestamp, WebhookEndpointId,
    applicant::Email,
    vendor::{
        Breaker, Description, ENDPOINTS_AT_MOST, EndpointStatus, EventFilter, VendorKind,
        VendorStatus, WebhookEndpoint,
    },
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_dynamo::to_attribute_value;

use crate::{
    Store, StoreError,
    condition::Condition,
    item::{Item, from_item, number, some_epoch_ms, to_item},
    keys::{Key, span::Span},
    once::{Earlier, Once},
    query::Query,
    transaction::Transaction,
    write::Write,
};

/// A vendor, as the operator registers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorRecord {
    /// The client as the token issuer names it.
    pub client_id: ClientId,
    /// What it is.
    pub kind: VendorKind,
    /// Its name.
    pub name: String,
    /// Who is mailed when its endpoint fails.
    pub contact: Email,
    /// Whether it may call.
    #[serde(default)]
    pub status: VendorStatus,
}

#[derive(Serialize, Deserialize)]
struct EndpointItem {
    id: WebhookEndpointId,
    client_id: ClientId,
    kind: VendorKind,
    url: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    event_types: Vec<EventFilter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<Description>,
    status: EndpointStatus,
    secret: ByteBuf,
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "is_zero")]
    failures: u32,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "some_epoch_ms")]
    next_try_at: Option<Timestamp>,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

fn endpoint_from(item: Item) -> Result<WebhookEndpoint, StoreError> {
    let item: EndpointItem = from_item(item)?;
    Ok(WebhookEndpoint {
        id: item.id,
        client_id: item.client_id,
        kind: item.kind,
        url: item.url,
        event_types: item.event_types,
        description: item.description,
        status: item.status,
        secret: Sealed(item.secret.into_vec()),
        created_at: item.created_at,
        breaker: Breaker { failures: item.failures, next_try_at: item.next_try_at },
    })
}

fn endpoint_item(endpoint: &WebhookEndpoint) -> Result<Item, StoreError> {
    to_item(&EndpointItem {
        id: endpoint.id.clone(),
        client_id: endpoint.client_id.clone(),
        kind: endpoint.kind,
        url: endpoint.url.clone(),
        event_types: endpoint.event_types.clone(),
        description: endpoint.description.clone(),
        status: endpoint.status,
        secret: ByteBuf::from(endpoint.secret.0.clone()),
        created_at: endpoint.created_at,
        failures: endpoint.breaker.failures,
        next_try_at: endpoint.breaker.next_try_at,
    })
}

/// How many endpoints a client ever added: it changes with each, so that two at once cannot both be the last.
#[derive(Serialize, Deserialize)]
struct Added {
    added: u32,
}

/// What came of a request for a webhook endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointCreated {
    /// It is created.
    New,
    /// An earlier request under the same key left this.
    Earlier(Earlier),
    /// The client has as many as one may have.
    TooMany,
}

impl Store {
    /// Registers a vendor and links it to facilities; what exists is left as it is.
    pub async fn add_vendor(
        &self,
        vendor: &VendorRecord,
        facilities: &[FacilityId],
    ) -> Result<(), StoreError> {
        let client = &vendor.client_id;
        self.add(Key::Vendor(client.clone()), to_item(vendor)?).await?;
        self.add(Key::ListedVendor(vendor.kind, client.clone()), Item::new()).await?;
        for facility in facilities {
            let link = Key::Link(facility.clone(), client.clone());
            self.add(link, Item::new()).await?;
            let facility = Key::LinkedFacility(client.clone(), facility.clone());
            self.add(facility, Item::new()).await?;
        }
        Ok(())
    }

    /// A vendor.
    pub async fn vendor(&self, id: &ClientId) -> Result<Option<VendorRecord>, StoreError> {
        self.get_item(Key::Vendor(id.clone()), false).await?.map(from_item).transpose()
    }

    /// Every search site.
    pub async fn search_sites(&self) -> Result<Vec<ClientId>, StoreError> {
        let parse = |item: Item| match Key::of(&item) {
            Some(Key::ListedVendor(_, client)) => Ok(client),
            _ => Err(StoreError::UnknownForm("a vendor in the list".into())),
        };
        let sites = Query::of(Span::listed_vendors(VendorKind::SearchSite));
        self.list(&sites, None, parse).await
    }

    /// Whether the facility granted an ICT system its requests.
    pub async fn is_linked(
        &self,
        client: &ClientId,
        facility: &FacilityId,
    ) -> Result<bool, StoreError> {
        Ok(self.get_item(Key::Link(facility.clone(), client.clone()), false).await?.is_some())
    }

    /// The ICT systems that a facility granted its requests.
    pub async fn linked_clients(&self, facility: &FacilityId) -> Result<Vec<ClientId>, StoreError> {
        let parse = |item: Item| match Key::of(&item) {
            Some(Key::Link(_, client)) => Ok(client),
            _ => Err(StoreError::UnknownForm("a link".into())),
        };
        self.list(&Query::of(Span::links(facility)), None, parse).await
    }

    /// The facilities that granted an ICT system their requests, by id: at most so many, from after this one.
    pub async fn linked_facilities(
        &self,
        client: &ClientId,
        limit: usize,
        after: Option<&FacilityId>,
    ) -> Result<Vec<FacilityId>, StoreError> {
        let parse = |item: Item| match Key::of(&item) {
            Some(Key::LinkedFacility(_, facility)) => Ok(facility),
            _ => Err(StoreError::UnknownForm("a link".into())),
        };
        let links = Query::of(Span::linked_facilities(client, after));
        self.list(&links, Some(limit), parse).await
    }

    /// Creates a webhook endpoint, with the answer that its repeats get, unless the client has as many as one may have.
    pub async fn create_endpoint(
        &self,
        endpoint: &WebhookEndpoint,
        once: &Once,
        answer: String,
    ) -> Result<EndpointCreated, StoreError> {
        let client = &endpoint.client_id;
        // Whoever is faster takes a place, so nobody loses more often than there are places.
        for _ in 0..=ENDPOINTS_AT_MOST {
            // Read before the endpoints are counted: whoever adds one in between changes it.
            let key = Key::EndpointsAdded(client.clone());
            let added = self.get_item(key.clone(), true).await?;
            let added: Option<Added> = added.map(from_item).transpose()?;
            let endpoints = Query::of(Span::webhook_endpoints(client)).consistent();
            if self.list(&endpoints, None, Ok).await?.len() >= ENDPOINTS_AT_MOST {
                return Ok(EndpointCreated::TooMany);
            }
            let count = match added {
                None => Write::replace(key, to_item(&Added { added: 1 })?, Condition::Absent),
                Some(Added { added }) => {
                    let unchanged = Condition::Is("added".into(), number(added));
                    Write::update(key, unchanged).set("added", number(added + 1))
                }
            };
            let writes = vec![
                self.answered(once, answer.clone(), endpoint.created_at)?,
                Write::create(endpoint_key(client, &endpoint.id), endpoint_item(endpoint)?),
                count,
            ];
            let refusals = match self.transact(writes).await? {
                Transaction::Done => return Ok(EndpointCreated::New),
                Transaction::Refused(refusals) => refusals,
            };
            if let Some(earlier) = once.met(&refusals)? {
                return Ok(EndpointCreated::Earlier(earlier));
            }
        }
        Err(StoreError::Conflict)
    }

    /// One webhook endpoint of a client.
    pub async fn endpoint(
        &self,
        client: &ClientId,
        id: &WebhookEndpointId,
    ) -> Result<Option<WebhookEndpoint>, StoreError> {
        let item = self.get_item(Key::WebhookEndpoint(client.clone(), id.clone()), false).await?;
        item.map(endpoint_from).transpose()
    }

    /// The same, unless an operator locked the client out: then nothing is sent to it.
    pub async fn endpoint_to_send_to(
        &self,
        client: &ClientId,
        id: &WebhookEndpointId,
    ) -> Result<Option<WebhookEndpoint>, StoreError> {
        let (vendor, endpoint) =
            (Key::Vendor(client.clone()), Key::WebhookEndpoint(client.clone(), id.clone()));
        let (mut found, mut locked_out) = (None, false);
        for item in self.get_items([vendor, endpoint], false).await? {
            match Key::of(&item) {
                Some(Key::Vendor(_)) => {
                    let vendor: VendorRecord = from_item(item)?;
                    locked_out = vendor.status == VendorStatus::Suspended;
                }
                _ => found = Some(endpoint_from(item)?),
            }
        }
        Ok(found.filter(|_| !locked_out))
    }

    /// The webhook endpoints of a client, for who sends to them: none may be missed.
    pub async fn endpoints_to_tell(
        &self,
        client: &ClientId,
    ) -> Result<Vec<WebhookEndpoint>, StoreError> {
        self.list_whole(&Query::of(Span::webhook_endpoints(client)), None, endpoint_from).await
    }

    /// The webhook endpoints of a client.
    pub async fn endpoints(&self, client: &ClientId) -> Result<Vec<WebhookEndpoint>, StoreError> {
        self.list(&Query::of(Span::webhook_endpoints(client)), None, endpoint_from).await
    }

    /// Removes a webhook endpoint; tells whether there was one.
    ///
    /// A transaction of one write, so that its repeat is not told that there was none.
    pub async fn delete_endpoint(
        &self,
        client: &ClientId,
        id: &WebhookEndpointId,
    ) -> Result<bool, StoreError> {
        let delete = Write::delete(endpoint_key(client, id), Condition::Present);
        Ok(self.transact(vec![delete]).await?.is_done())
    }

    /// Stops sending to an endpoint; tells whether this call did it.
    pub async fn disable_endpoint(
        &self,
        client: &ClientId,
        id: &WebhookEndpointId,
    ) -> Result<bool, StoreError> {
        let status: AttributeValue = to_attribute_value(EndpointStatus::Disabled)?;
        let enabled = Condition::IsNot("status".into(), status.clone());
        let condition = Condition::All(vec![Condition::Present, enabled]);
        let disable = Write::update(endpoint_key(client, id), condition).set("status", status);
        Ok(self.transact(vec![disable]).await?.is_done())
    }
}

fn endpoint_key(client: &ClientId, id: &WebhookEndpointId) -> Key {
    Key::WebhookEndpoint(client.clone(), id.clone())
}
