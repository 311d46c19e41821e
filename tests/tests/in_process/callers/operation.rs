//! The operations of the OpenAPI document.

use http::Method;
use serde_json::Value;

/// A method on a path.
pub struct Operation {
    /// Its `operationId`.
    pub id: String,
    /// Its method.
    pub method: Method,
    /// Its path, with the names of its parameters.
    pub path: String,
    /// The names of the path's parameters.
    pub parameters: Vec<String>,
    /// Whether it asks in its query for a municipality.
    pub of_municipality: bool,
    /// The security scheme; empty where it is public.
    pub scheme: String,
    /// The scope that a client needs; empty where it needs none.
    pub scope: String,
    /// Every scope there is.
    pub scopes: Vec<String>,
}

/// All operations of the document.
pub fn operations() -> Vec<Operation> {
    let document = local::document();
    let schemes = &document["components"]["securitySchemes"];
    let scopes = &schemes["client_credentials"]["flows"]["clientCredentials"]["scopes"];
    let scopes: Vec<String> = scopes.as_object().unwrap().keys().cloned().collect();
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let of_method =
            |(method, operation): (&String, &Value)| operation_of(path, method, operation, &scopes);
        item.as_object().unwrap().iter().map(of_method).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

fn operation_of(path: &str, method: &str, operation: &Value, scopes: &[String]) -> Operation {
    let security = operation["security"][0].as_object();
    let (scheme, scope) = security.and_then(|schemes| schemes.iter().next()).unzip();
    let scheme = scheme.cloned().unwrap_or_default();
    let scope = scope.and_then(|scopes| scopes[0].as_str()).unwrap_or_default().to_owned();
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let named = |place: &str| {
        let of_place = parameters.clone().filter(|parameter| parameter["in"] == place);
        of_place.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
    };
    let (parameters, query): (Vec<String>, Vec<String>) = (named("path"), named("query"));
    Operation {
        id: operation["operationId"].as_str().unwrap().to_owned(),
        method: Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(),
        path: path.to_owned(),
        parameters,
        of_municipality: query.iter().any(|name| name == "municipality"),
        scheme,
        scope,
        scopes: scopes.to_vec(),
    }
}
