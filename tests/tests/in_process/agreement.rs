//! The document, the template, the routers, the table and the sample events say the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::PathBuf,
};

use runtime::metrics;
use serde_json::Value as Json;
use serde_yaml_ng::Value;
use store::schema;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn template() -> Value {
    let text = fs::read_to_string(root().join("template.yaml")).unwrap();
    serde_yaml_ng::from_str(&text).unwrap()
}

/// The resources of a type, by their logical ids.
fn resources(template: &Value, kind: &str) -> BTreeMap<String, Value> {
    let all = template["Resources"].as_mapping().unwrap().iter();
    let wanted = all.filter(|(_, resource)| resource["Type"] == kind);
    wanted.map(|(id, r)| (id.as_str().unwrap().to_owned(), r["Properties"].clone())).collect()
}

/// The text of a value, whether it stands alone or in a short form such as `!Ref` or `!Sub`.
fn text(value: &Value) -> &str {
    match value {
        Value::Tagged(tagged) => tagged.value.as_str().unwrap_or_default(),
        other => other.as_str().unwrap_or_default(),
    }
}

fn names(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A route: function, method, path, and whether a token is needed.
type Route = (String, String, String, bool);

fn routes_of(name: &str, function: &dyn local::Served) -> Vec<Route> {
    let document = serde_json::to_value(function.describe()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            // A parent's cookie is the function's business, a token the gateway's.
            let by_token = |scheme: &Json| scheme.get("visit_session").is_none();
            let secured = operation["security"].as_array().is_some_and(|s| s.iter().any(by_token));
            routes.push((name.to_owned(), method.to_uppercase(), path.clone(), secured));
        }
    }
    routes
}

fn routes_of_functions() -> BTreeSet<Route> {
    local::FUNCTIONS.iter().flat_map(|(name, function)| routes_of(name, *function)).collect()
}

/// The resources of the template that are functions, by their folder.
fn functions_of_template() -> BTreeMap<String, Value> {
    let template = template();
    let resources = template["Resources"].as_mapping().unwrap();
    let functions = resources.values().filter(|r| r["Type"] == "AWS::Serverless::Function");
    functions
        .map(|function| {
            let folder = function["Properties"]["CodeUri"].as_str().unwrap();
            let binary = function["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap();
            let name = folder.trim_start_matches("functions/").to_owned();
            assert_eq!(binary, name, "the binary of a folder has its name");
            (name, function["Properties"].clone())
        })
        .collect()
}

fn routes_of_template() -> BTreeSet<Route> {
    let template = template();
    let body = &template["Resources"]["Api"]["Properties"]["DefinitionBody"];
    let mut routes = BTreeSet::new();
    for (path, operations) in body["paths"].as_mapping().unwrap() {
        // Where nothing is: every router says so by itself.
        let operations = operations.as_mapping().unwrap().iter().filter(|_| path != "$default");
        for (method, operation) in operations {
            let integration = text(&operation["x-amazon-apigateway-integration"]["$ref"]);
            let function = integration.rsplit('/').next().unwrap().to_owned();
            let secured = operation["security"].is_sequence();
            let method = text(method).to_uppercase();
            routes.insert((function, method, text(path).to_owned(), secured));
        }
    }
    routes
}

/// The role of API Gateway may call each of them, and nothing else.
#[test]
fn api_gateway_may_call_the_functions_that_have_routes_and_no_others() {
    let template = template();
    let api = &template["Resources"]["Api"]["Properties"]["DefinitionBody"];
    let integrations = api["components"]["x-amazon-apigateway-integrations"].as_mapping().unwrap();
    let mut called = BTreeSet::from(["${AuthorizeFunction.Alias}".to_owned()]);
    for (name, integration) in integrations {
        let uri = text(&integration["uri"]);
        let alias =
            uri.split("/functions/").nth(1).and_then(|rest| rest.strip_suffix("/invocations"));
        let function = alias.unwrap().trim_matches(['$', '{', '}']).trim_end_matches(".Alias");
        let folder = &template["Resources"][function]["Properties"]["CodeUri"];
        assert_eq!(text(folder), format!("functions/{}", text(name)));
        called.insert(alias.unwrap().to_owned());
    }
    let policy = &template["Resources"]["ApiRole"]["Properties"]["Policies"][0];
    let statement = &policy["PolicyDocument"]["Statement"][0];
    assert_eq!(text(&statement["Action"]), "lambda:InvokeFunction");
    let allowed =
        statement["Resource"].as_sequence().unwrap().iter().map(|one| text(one).to_owned());
    assert_eq!(allowed.collect::<BTreeSet<_>>(), called);
    let routed = routes_of_template().into_iter().map(|(function, ..)| function);
    let named = integrations.keys().map(|name| text(name).to_owned());
    assert_eq!(routed.collect::<BTreeSet<_>>(), named.collect());
}

#[test]
fn the_template_routes_what_the_functions_answer_and_nothing_else() {
    let (routers, template) = (routes_of_functions(), routes_of_template());
    let missing: Vec<_> = routers.difference(&template).collect();
    let unknown: Vec<_> = template.difference(&routers).collect();
    assert!(missing.is_empty(), "answered, but not in template.yaml: {missing:#?}");
    assert!(unknown.is_empty(), "in template.yaml, but not answered so: {unknown:#?}");
}

#[test]
fn the_document_that_is_served_is_what_the_handlers_say() {
    let file = root().join("docs/openapi.json");
    let written = format!("{:#}\n", local::document());
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, &written).unwrap();
    }
    let checked_in = fs::read_to_string(file).unwrap();
    assert!(checked_in == written, "docs/openapi.json is old, and UPDATE_DOCS=1 writes it anew");
    let document: Json = serde_json::from_str(&checked_in).unwrap();
    let documented: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let routers: BTreeSet<_> =
        routes_of_functions().into_iter().map(|(_, method, path, _)| (method, path)).collect();
    assert_eq!(documented, routers);
}

#[test]
fn every_function_has_a_resource_and_a_sample_event() {
    let folders = names("functions");
    let resources: BTreeSet<_> = functions_of_template().into_keys().collect();
    let events: BTreeSet<_> =
        names("events").into_iter().map(|file| file.trim_end_matches(".json").to_owned()).collect();
    assert_eq!(folders, resources, "functions/ and template.yaml");
    assert_eq!(folders, events, "functions/ and events/");
}

#[test]
fn every_function_has_an_alarm_and_every_alarm_a_runbook() {
    let template = template();
    let pages = names("docs/runbooks");
    let mut watched = BTreeSet::new();
    for (id, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
        let description = text(&alarm["AlarmDescription"]).to_owned();
        let page = description.split_once("${Runbooks}/").map_or("", |(_, page)| page);
        assert!(pages.contains(page), "{id} names no page of docs/runbooks/: {description:?}");
        // Others may look at a function too, but only this one sees that it crashes.
        let metrics = alarm["Metrics"].as_sequence().into_iter().flatten();
        let metrics: Vec<_> = metrics.map(|one| &one["MetricStat"]["Metric"]).collect();
        assert!(metrics.len() <= 11, "{id}: CloudWatch reckons with ten metrics");
        for metric in metrics.into_iter().chain([&alarm]) {
            if metric["MetricName"] == "Errors" {
                let dimensions = metric["Dimensions"].as_sequence().into_iter().flatten();
                watched.extend(dimensions.map(|dimension| text(&dimension["Value"]).to_owned()));
            }
        }
    }
    for (id, function) in resources(&template, "AWS::Serverless::Function") {
        assert!(watched.contains(&id), "no alarm on errors of {}", text(&function["CodeUri"]));
    }
}

#[test]
fn every_metric_that_is_looked_at_is_written_and_told_in_the_log_guide() {
    let template = template();
    assert!(!template["Globals"]["Function"]["Environment"]["Variables"]["STAGE"].is_null());
    let mut written: BTreeSet<String> = metrics::names().map(str::to_owned).collect();
    for filter in resources(&template, "AWS::Logs::MetricFilter").values() {
        let transformation = &filter["MetricTransformations"][0];
        assert_eq!(transformation["MetricNamespace"], metrics::NAMESPACE);
        written.insert(text(&transformation["MetricName"]).to_owned());
    }
    let alarms = resources(&template, "AWS::CloudWatch::Alarm").into_values();
    let of_the_hub = alarms.filter(|alarm| alarm["Namespace"] == metrics::NAMESPACE);
    let mut looked_at: BTreeSet<String> =
        of_the_hub.map(|alarm| text(&alarm["MetricName"]).to_owned()).collect();
    for dashboard in resources(&template, "AWS::CloudWatch::Dashboard").values() {
        let shown = text(&dashboard["DashboardBody"]).split("[\"hokatsu\", \"").skip(1);
        looked_at.extend(shown.map(|rest| rest.split('"').next().unwrap().to_owned()));
    }
    assert!(looked_at.len() > 3, "{looked_at:?}");
    let nowhere: Vec<_> = looked_at.difference(&written).collect();
    assert!(nowhere.is_empty(), "looked at, but written by nobody: {nowhere:?}");
    let guide = fs::read_to_string(root().join("docs/logs.md")).unwrap();
    for name in written {
        assert!(guide.contains(&format!("| `{name}` |")), "docs/logs.md does not tell {name}");
    }
}

#[test]
fn the_template_deploys_the_table_that_the_store_creates() {
    let template = template();
    let tables = template["Resources"].as_mapping().unwrap();
    let table = tables.values().find(|r| r["Type"] == "AWS::DynamoDB::Table").unwrap();
    let table = &table["Properties"];
    let keys = |schema: &Value| {
        let names = schema.as_sequence().unwrap().iter();
        names.map(|key| key["AttributeName"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&table["KeySchema"]), ["pk", "sk"]);
    assert_eq!(table["StreamSpecification"]["StreamViewType"], "NEW_AND_OLD_IMAGES");
    assert_eq!(table["TimeToLiveSpecification"]["AttributeName"], schema::EXPIRES_AT);
    let indexes = table["GlobalSecondaryIndexes"].as_sequence().unwrap();
    assert_eq!(indexes.len(), schema::INDEXES.len());
    for (deployed, index) in indexes.iter().zip(schema::INDEXES) {
        assert_eq!(deployed["IndexName"], index.name);
        assert_eq!(keys(&deployed["KeySchema"]), [index.partition, index.sort]);
        let included = deployed["Projection"]["NonKeyAttributes"].as_sequence().unwrap();
        let included: BTreeSet<_> = included.iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(included, index.includes.iter().copied().collect());
    }
}

/// The queues that functions are handed messages from, with the folder of the function.
const QUEUES: [(&str, &str); 3] =
    [("vendor-push", "PushQueue"), ("send-mail", "MailQueue"), ("send-mail", "RoutineMailQueue")];

/// The secret that a value names by its ARN, which `Id` is.
fn secret_of(value: &Value) -> String {
    text(value).trim_end_matches(".Id").to_owned()
}

/// The statements of a function's policy.
fn statements(function: &Value) -> Vec<Value> {
    let policies = function["Policies"].as_sequence().into_iter().flatten();
    policies.flat_map(|policy| policy["Statement"].as_sequence().unwrap().clone()).collect()
}

#[test]
fn what_anybody_may_call_cannot_read_a_reservation() {
    // Who takes a request writes it, and a parent's cookie is for one.
    let own = ["request-reservation", "visits"];
    let routes = routes_of_template().into_iter().filter(|(_, _, _, secured)| !secured);
    let open: BTreeSet<_> = routes.map(|(name, ..)| name).collect();
    let mut looked_at = 0;
    for (name, function) in functions_of_template() {
        if !open.contains(&name) || own.contains(&name.as_str()) {
            continue;
        }
        for statement in statements(&function) {
            if text(&statement["Resource"]).starts_with("Table") {
                let condition = &statement["Condition"]["ForAllValues:StringLike"];
                let keys = &condition["dynamodb:LeadingKeys"];
                let keys = keys.as_sequence().cloned().unwrap_or_else(|| vec![keys.clone()]);
                for key in keys {
                    let key = key.as_str().unwrap_or("*");
                    let public = ["SEARCH", "SEARCH#*", "FAC#*", "FEED#*", "VAC#*", "PRC", "MUN"];
                    assert!(public.contains(&key), "{name}: {key}");
                }
                looked_at += 1;
            }
        }
    }
    assert!(looked_at >= 4, "{open:?}");
}

#[test]
fn the_seal_is_for_functions_alone() {
    let template = template();
    let key = &template["Resources"]["SealKey"]["Properties"]["KeyPolicy"]["Statement"];
    let mut roles = BTreeSet::new();
    for statement in key.as_sequence().unwrap() {
        let mut actions = statement["Action"].as_sequence().unwrap().iter().map(text);
        let uses =
            ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:*", "kms:CreateGrant"];
        if actions.any(|action| uses.contains(&action)) {
            let role = text(&statement["Condition"]["ArnLike"]["aws:PrincipalArn"]).to_owned();
            assert!(role.contains(":role/"), "{role:?} is more than a role");
            roles.insert(role.split_once(":role").unwrap().1.to_owned());
        }
    }
    let path = text(&template["Globals"]["Function"]["RolePath"]).to_owned();
    assert_eq!(roles, BTreeSet::from([format!("{path}*")]));
}

#[test]
fn a_function_may_read_the_keys_that_it_names_and_no_others() {
    let template = template();
    let mut secrets = resources(&template, "AWS::SecretsManager::Secret");
    // The distribution's, which no function reads.
    secrets.remove("CdnSecret");
    let mut readers = BTreeMap::<String, BTreeSet<String>>::new();
    for (name, function) in functions_of_template() {
        let variables = function["Environment"]["Variables"].as_mapping().cloned();
        let variables = variables.unwrap_or_default();
        let named: BTreeSet<_> = variables.values().map(secret_of).collect();
        assert!(!named.iter().any(|value| value.contains("resolve:")), "{name}: a secret itself");
        let named: BTreeSet<_> = named.into_iter().filter(|n| secrets.contains_key(n)).collect();
        let mut readable = BTreeSet::new();
        for statement in statements(&function) {
            if statement["Action"] == "secretsmanager:GetSecretValue" {
                let resource = &statement["Resource"];
                let listed = resource.as_sequence().cloned();
                let listed = listed.unwrap_or_else(|| vec![resource.clone()]);
                readable.extend(listed.iter().map(secret_of));
            }
        }
        assert_eq!(named, readable, "{name}");
        for key in named {
            readers.entry(key).or_default().insert(name.clone());
        }
    }
    assert_eq!(readers.keys().collect::<Vec<_>>(), secrets.keys().collect::<Vec<_>>());
    let only = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    assert_eq!(readers["FamilyKeys"], only(&["request-reservation"]));
    assert_eq!(readers["LinkKeys"], only(&["send-mail", "visits"]));
    assert_eq!(readers["NoticeKeys"], only(&["facility-settings", "send-mail"]));
    assert_eq!(readers["AddressKeys"], only(&["mail-events", "send-mail"]));
}

#[test]
fn queues_hide_a_message_for_six_times_its_function_and_try_for_a_day() {
    let template = template();
    let default = template["Globals"]["Function"]["Timeout"].as_u64().unwrap();
    for (name, queue) in QUEUES {
        let function = functions_of_template().remove(name).unwrap();
        let timeout = function["Timeout"].as_u64().unwrap_or(default);
        let queue = &template["Resources"][queue]["Properties"];
        let hidden = queue["VisibilityTimeout"].as_u64().unwrap();
        assert!(hidden >= 6 * timeout, "{name}");
        let times = queue["RedrivePolicy"]["maxReceiveCount"].as_u64().unwrap();
        assert!(hidden * times >= 24 * 3600, "{name}: given up after {} s", hidden * times);
    }
}

#[test]
fn mails_keep_to_the_rate_that_is_shared_by_all_runs() {
    let function = functions_of_template().remove("send-mail").unwrap();
    let timeout = function["Timeout"].as_u64().unwrap();
    let mut runs = 0;
    for event in function["Events"].as_mapping().unwrap().values() {
        let properties = &event["Properties"];
        runs += properties["ScalingConfig"]["MaximumConcurrency"].as_u64().unwrap();
        let batch = properties["BatchSize"].as_u64().unwrap();
        assert!(batch * u64::from(send_mail::AT_ONCE) < timeout, "at one mail a second");
    }
    assert_eq!(runs, u64::from(send_mail::AT_ONCE));
}

/// Linking a test program for each of them costs minutes, so most have none: `test = false`. A test written there
/// would never run.
#[test]
fn functions_without_a_test_program_have_no_tests() {
    for entry in fs::read_dir(root().join("functions")).unwrap() {
        let folder = entry.unwrap().path();
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let library = manifest.split("[[bin]]").next().unwrap();
        for source in fs::read_dir(folder.join("src")).unwrap() {
            let source = source.unwrap().path();
            let is_run = !library.contains("\ntest = false") && !source.ends_with("main.rs");
            let has_tests = fs::read_to_string(&source).unwrap_or_default().contains("cfg(test)");
            assert!(is_run || !has_tests, "{} is never run", source.display());
        }
    }
}
