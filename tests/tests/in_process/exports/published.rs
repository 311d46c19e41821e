//! What the hub says of what it publishes: the code lists, and the catalogue.

use domain::{facility::FacilityType, sheet::Sheet};
use serde_json::Value;
use tests::{As, World};

use super::{column, municipalities};

#[tokio::test]
async fn imp_06_every_code_has_its_label_as_json_and_as_a_table() {
    let world = World::empty().await;
    let answer = world.get(&As::Anyone, "/v1/codes").await;
    assert_eq!(answer.headers["cache-control"], "public, max-age=3600");
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    let items = answer.body["items"].as_array().unwrap();
    let of = |dataset: &str, field: &str| -> Vec<(&str, &str)> {
        let of_field =
            items.iter().filter(|item| item["dataset"] == dataset && item["field"] == field);
        of_field
            .map(|item| (item["code"].as_str().unwrap(), item["label"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(of("facilities", "facility_type").len(), FacilityType::ALL.len());
    assert_eq!(of("facilities", "facility_type")[0], ("nursery", "保育所"));
    assert_eq!(of("vacancies", "mark_0_2"), [("open", "○"), ("few", "△"), ("none", "×")]);
    assert_eq!(of("facilities", "temporary_care"), [("true", "有"), ("false", "無")]);
    assert!(of("vacancies", "age_class").contains(&("age_0_2", "0～2歳クラス")));

    let table = world.get(&As::Anyone, "/v1/codes?format=csv").await;
    let table = table.body.as_str().unwrap();
    assert!(table.starts_with("\u{feff}dataset,field,code,label\r\n"));
    assert_eq!(column(table, "code").len(), items.len());
    assert!(Sheet::open(table.as_bytes()).is_ok());
    let wrong = world.get(&As::Anyone, "/v1/codes?format=xlsx").await;
    assert_eq!(
        (wrong.status.as_u16(), &wrong.body["errors"][0]["pointer"]),
        (400, &"/format".into())
    );
}

#[tokio::test]
async fn imp_06_the_catalogue_names_each_dataset_with_its_licence_and_where_it_is() {
    let world = municipalities().await;
    let answer = world.get(&As::Anyone, "/v1/catalog.jsonld").await;
    assert_eq!(answer.headers["content-type"], "application/ld+json");
    assert_eq!(answer.headers["cache-control"], "public, max-age=3600");
    let hub = "https://hub.example.jp";
    let catalogue = &answer.body;
    let licence = "https://creativecommons.org/licenses/by/4.0/";
    assert_eq!(
        (&catalogue["@type"], &catalogue["dct:publisher"]["@id"]),
        (&"dcat:Catalog".into(), &hub.into())
    );
    let datasets = catalogue["dcat:dataset"].as_array().unwrap();
    let names: Vec<_> =
        datasets.iter().map(|one| one["dct:identifier"].as_str().unwrap()).collect();
    assert_eq!(names, ["facilities", "slots", "vacancies", "procedures"]);
    let mut addresses = Vec::new();
    for dataset in datasets {
        let name = dataset["dct:identifier"].as_str().unwrap();
        let distributions = dataset["dcat:distribution"].as_array().unwrap();
        assert_eq!(distributions[0]["dcat:accessURL"]["@id"], format!("{hub}/v1/feeds/{name}"));
        for one in [dataset].into_iter().chain(distributions) {
            assert_eq!(one["dct:license"]["@id"], licence, "{one}");
        }
        let address = |one: &Value| one["dcat:accessURL"]["@id"].as_str().unwrap().to_owned();
        addresses.extend(distributions.iter().map(address));
    }
    // What is a table is there; the other addresses are of the document, or of a feed.
    let tables: Vec<_> =
        addresses.iter().filter(|address| address.contains("/vacancies.")).collect();
    assert_eq!(tables.len(), 6, "two for each municipality of the pilot");
    for table in tables {
        let path = table.strip_prefix(hub).unwrap();
        assert_eq!(world.get(&As::Anyone, path).await.status, 200, "{table}");
    }
}
