//! `GET /v1/catalog.jsonld`: what the hub publishes, as catalogues of open data read it (DCAT 3).

use axum::{extract::State, response::Response};
use domain::{
    MunicipalityCode,
    municipality::{self, Municipality},
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use hub_http::{Problem, packed};
use serde_json::{Value, json};

use crate::Procedures;

/// Of all municipalities of the country.
const MUNICIPALITIES_AT_MOST: usize = 2_000;

/// A new municipality shows an hour later at the latest.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=3600");

const LICENCE: &str = "https://creativecommons.org/licenses/by/4.0/";
const JAPANESE: &str = "http://publications.europa.eu/resource/authority/language/JPN";
const PAGED: &str = "https://www.openactive.io/realtime-paged-data-exchange/";
const MEDIA_TYPES: &str = "https://www.iana.org/assignments/media-types/";

/// The catalogue of what the hub publishes: facilities, slots, vacancies and procedures under CC BY 4.0, each with its feed
/// and its other forms, among them the tables of each municipality. DCAT 3 in JSON-LD.
#[utoipa::path(
    get, path = "/v1/catalog.jsonld", tag = "public",
    responses((status = 200, description = "The catalogue", content_type = "application/ld+json")),
)]
pub(crate) async fn catalog(
    State(Procedures { hub, .. }): State<Procedures>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let codes = hub.store.municipalities(None, MUNICIPALITIES_AT_MOST).await?;
    let json = Catalog(&hub.base_url).json(&codes);
    let json = serde_json::to_vec(&json).map_err(|_| Problem::Internal)?;
    let kind: [(HeaderName, String); 1] = [(header::CONTENT_TYPE, "application/ld+json".into())];
    let mut response = packed(&headers, kind, json)?;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, KEPT);
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Ok(response)
}

/// The catalogue of the hub at this address.
struct Catalog<'a>(&'a str);

impl Catalog<'_> {
    fn json(&self, codes: &[MunicipalityCode]) -> Value {
        let at = |path: &str| format!("{}{path}", self.0);
        let known = |code: &MunicipalityCode| Some(municipality::by_code(*code)?.municipality);
        let tables = codes.iter().filter_map(known).flat_map(|of| self.tables(of));
        json!({
            // Whole in itself, so that no reader needs the network for it.
            "@context": {
                "dcat": "http://www.w3.org/ns/dcat#",
                "dct": "http://purl.org/dc/terms/",
                "foaf": "http://xmlns.com/foaf/0.1/",
            },
            "@id": at("/v1/catalog.jsonld"),
            "@type": "dcat:Catalog",
            "dct:title": texts("保活情報連携基盤のオープンデータ", "Open data of the hub for finding a nursery"),
            "dct:description": texts(
                "保育施設、見学枠、空き状況、入園手続きの公開データです。",
                "What is public of nurseries, times for visits, vacancies and procedures.",
            ),
            "dct:language": {"@id": JAPANESE},
            "dct:license": {"@id": LICENCE},
            "dct:publisher": {"@id": self.0, "@type": "foaf:Agent", "foaf:name": self.0,
                "foaf:homepage": {"@id": self.0}},
            "foaf:homepage": {"@id": self.0},
            "dcat:service": {
                "@id": at("/v1"),
                "@type": "dcat:DataService",
                "dct:title": texts("保活情報連携基盤のAPI", "API of the hub"),
                "dcat:endpointURL": {"@id": at("/v1")},
                "dcat:endpointDescription": {"@id": at("/openapi.json")},
            },
            "dcat:dataset": [
                self.dataset("facilities", ("保育施設", "Nurseries"), vec![
                    self.api("/v1/facilities", ("施設の検索", "Search for nurseries")),
                ]),
                self.dataset("slots", ("見学枠", "Times for visits"), vec![]),
                self.dataset("vacancies", ("保育施設の空き状況", "Vacancies of nurseries"),
                    [self.api("/v1/vacancies", ("区市町村の空き状況", "Vacancies of a municipality"))]
                        .into_iter().chain(tables).collect()),
                self.dataset("procedures", ("入園手続き", "Procedures for entry"), vec![
                    self.api("/v1/procedures", ("手続きの検索", "Search for procedures")),
                ]),
            ],
        })
    }

    /// A dataset with its feed, and its other distributions.
    fn dataset(&self, name: &str, (ja, en): (&str, &str), others: Vec<Value>) -> Value {
        let feed = format!("{}/v1/feeds/{name}", self.0);
        let distribution = json!({
            "@id": feed,
            "@type": "dcat:Distribution",
            "dct:title": texts(&format!("{ja}の更新フィード"), &format!("{en}: feed of changes")),
            "dct:conformsTo": {"@id": PAGED},
            "dct:license": {"@id": LICENCE},
            "dcat:accessURL": {"@id": feed},
            "dcat:mediaType": media_type("application/json"),
        });
        let distributions: Vec<_> = [distribution].into_iter().chain(others).collect();
        json!({
            "@id": format!("{}/v1/catalog.jsonld#{name}", self.0),
            "@type": "dcat:Dataset",
            "dct:identifier": name,
            "dct:title": texts(ja, en),
            "dct:language": {"@id": JAPANESE},
            "dct:license": {"@id": LICENCE},
            "dct:publisher": {"@id": self.0},
            // What the codes of its fields mean.
            "dct:references": {"@id": format!("{}/v1/codes", self.0)},
            "dcat:distribution": distributions,
        })
    }

    fn api(&self, path: &str, (ja, en): (&str, &str)) -> Value {
        let address = format!("{}{path}", self.0);
        json!({
            "@id": address,
            "@type": "dcat:Distribution",
            "dct:title": texts(ja, en),
            "dct:license": {"@id": LICENCE},
            "dcat:accessURL": {"@id": address},
            "dcat:accessService": {"@id": format!("{}/v1", self.0)},
            "dcat:mediaType": media_type("application/json"),
        })
    }

    /// What a municipality's nurseries have free in the latest month.
    fn tables(&self, of: &Municipality) -> [Value; 2] {
        [("csv", "CSV", "text/csv"), ("json", "JSON", "application/json")].map(|(end, name, kind)| {
            let address = format!("{}/v1/municipalities/{}/vacancies.{end}", self.0, of.code);
            json!({
                "@id": address,
                "@type": "dcat:Distribution",
                "dct:title": {"@value": format!("{}{}（{name}）", of.prefecture, of.name), "@language": "ja"},
                "dct:license": {"@id": LICENCE},
                "dcat:accessURL": {"@id": address},
                "dcat:downloadURL": {"@id": address},
                "dcat:mediaType": media_type(kind),
            })
        })
    }
}

fn texts(ja: &str, en: &str) -> Value {
    json!([{"@value": ja, "@language": "ja"}, {"@value": en, "@language": "en"}])
}

fn media_type(name: &str) -> Value {
    json!({"@id": format!("{MEDIA_TYPES}{name}")})
}
