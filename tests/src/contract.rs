//! Every answer that a test receives, held against the OpenAPI document: its status, its content type and its body,
//! in which nothing may stand that the document does not name.

use std::sync::LazyLock;

use http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Value, json};

use crate::schema;

static DOCUMENT: LazyLock<Value> = LazyLock::new(local::document);

/// Fails where the document does not say that this may be answered.
pub fn check(method: &Method, path: &str, status: StatusCode, headers: &HeaderMap, body: &Value) {
    let path = path.split('?').next().unwrap_or_default();
    let asked = format!("{method} {path}: {status}");
    let content_type = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap());
    let content_type = content_type.map(|value| value.split(';').next().unwrap().trim());
    let route = route_of(path).map(|route| (route, &DOCUMENT["paths"][route]));
    let operation = route.map(|(route, item)| (route, &item[method.as_str().to_lowercase()]));
    let Some((route, operation)) = operation.filter(|(_, operation)| !operation.is_null()) else {
        // Where nothing is, or nothing by this method, a problem says so.
        assert!(matches!(status.as_u16(), 404 | 405 | 401 | 429), "{asked} is no operation");
        let problem = json!({"$ref": "#/components/schemas/Problem"});
        return fits(&problem, body, &asked);
    };
    let response = &operation["responses"][status.as_str()];
    assert!(!response.is_null(), "{asked} is not documented for {route}: {body:#}");
    let Some(content) = response["content"].as_object() else {
        assert!(body.is_null(), "{asked} has no body by the document: {body:#}");
        return;
    };
    let content_type = content_type.unwrap_or_else(|| panic!("{asked} has no content type"));
    let media = content.get(content_type);
    let media = media.unwrap_or_else(|| panic!("{asked} is no {content_type} by the document"));
    if let Some(schema) = media.get("schema") {
        fits(schema, body, &asked);
    }
    if headers.get(header::CONTENT_LANGUAGE).is_some_and(|language| language == "ja") {
        speaks_japanese(body, &asked);
    }
}

fn fits(schema: &Value, body: &Value, asked: &str) {
    let wrong = schema::errors(&DOCUMENT, schema, body);
    assert!(wrong.is_empty(), "{asked} is not what the document says: {wrong:#?}\n{body:#}");
}

/// No sentence of a Japanese answer is English: a name of a field may stand in it, two words in a row may not.
fn speaks_japanese(body: &Value, asked: &str) {
    let wrong = body["errors"].as_array().into_iter().flatten().map(|error| &error["detail"]);
    for detail in wrong.chain([&body["detail"]]).filter_map(Value::as_str) {
        let words: Vec<_> = detail.split(' ').collect();
        let is_word = |word: &str| word.chars().filter(char::is_ascii_alphabetic).count() > 1;
        let english = words.windows(2).any(|two| two.iter().all(|word| is_word(word)));
        assert!(!english, "{asked} speaks English to who asked for Japanese: {detail}");
    }
}

/// The path of the document that a request's path is one of; one without parameters before one with.
fn route_of(path: &str) -> Option<&'static str> {
    let parts: Vec<_> = path.split('/').collect();
    let fits = |route: &&String| {
        let names: Vec<_> = route.split('/').collect();
        let same = |(name, part): (&&str, &&str)| name == part || name.starts_with('{');
        names.len() == parts.len() && names.iter().zip(&parts).all(same)
    };
    let routes = DOCUMENT["paths"].as_object().unwrap().keys();
    routes.filter(fits).min_by_key(|route| route.matches('{').count()).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(path: &str, status: u16, body: Value) -> bool {
        let status = StatusCode::from_u16(status).unwrap();
        let kind =
            if status.is_success() { "application/json" } else { "application/problem+json" };
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]);
        let checked = || check(&Method::GET, path, status, &headers, &body);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(checked)).is_err()
    }

    #[test]
    fn what_the_document_does_not_say_is_no_answer() {
        let path = "/v1/ict/facilities/fac_7k3m9qxd2abc/new-count?x=1";
        let count = json!({"count": 1, "as_of": "2026-12-01T10:00:00+09:00"});
        assert!(!fails(path, 200, count.clone()));
        assert!(fails(path, 201, count), "a status");
        assert!(fails(path, 200, json!({"count": 1})), "a field that is missing");
        assert!(
            fails(path, 200, json!({"count": "1", "as_of": "2026-12-01T10:00:00+09:00"})),
            "a type"
        );
        assert!(fails(path, 200, json!({"count": 1, "as_of": "yesterday"})), "a form");
        let more = json!({"count": 1, "as_of": "2026-12-01T10:00:00+09:00", "name": "x"});
        assert!(fails(path, 200, more), "a field that is not named");
        let problem = json!({"type": "/problems/not-found", "title": "x", "status": 404, "detail": "x", "instance": "x"});
        assert!(!fails(path, 404, problem.clone()));
        assert!(!fails("/v1/nothing", 404, problem.clone()));
        assert!(fails(path, 404, json!({"message": "Not Found"})));
        assert!(fails(path, 418, problem));
    }
}
