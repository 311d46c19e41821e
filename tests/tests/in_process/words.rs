//! The words of `docs/glossary.md`: those that are retired stand in no identifier and in no JSON field.

use std::collections::BTreeSet;

use crate::sources;

/// What is called otherwise today, as whole identifiers.
const RETIRED: &[&str] = &[
    "Asked",
    "AskedView",
    "Asker",
    "Asking",
    "Causes",
    "Deed",
    "Ear",
    "FamilyMark",
    "FanOut",
    "Opened",
    "PlanAsking",
    "Reach",
    "RequestMark",
    "Saying",
    "SlotChanged",
    "Told",
    "WaitingRequest",
    "WaitingRequests",
    "asking",
    "body_mark",
    "cause_of",
    "caused_by",
    "deeds",
    "key_mark",
    "reach",
    "set_apart",
    "tell",
    "tell_slots",
    "untold",
];

/// The identifiers of a line of Rust that is no comment, without what stands in quotes.
fn identifiers(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split("//").next().unwrap_or_default();
    let outside_quotes = code.split('"').step_by(2);
    outside_quotes.flat_map(|part| part.split(|c: char| !(c.is_alphanumeric() || c == '_')))
}

#[test]
fn retired_words_stand_in_no_identifier() {
    let retired: BTreeSet<&str> = RETIRED.iter().copied().collect();
    let mut found = Vec::new();
    for (path, source) in sources::all() {
        for (number, line) in source.lines().enumerate() {
            let words = identifiers(line).filter(|word| retired.contains(word));
            found.extend(words.map(|word| format!("{path}:{}: {word}", number + 1)));
        }
    }
    assert!(found.is_empty(), "docs/glossary.md has another word for it:\n{}", found.join("\n"));
    let planted: Vec<_> = identifiers("let reach = asking(text); // tell").collect();
    assert!(planted.contains(&"reach") && planted.contains(&"asking"));
    assert!(!planted.contains(&"tell"));
}

#[test]
fn retired_words_are_no_json_fields() {
    let document: serde_json::Value =
        serde_json::from_str(&sources::text("docs/openapi.json")).unwrap();
    let mut looked_at = 0;
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for field in schema["properties"].as_object().into_iter().flat_map(|it| it.keys()) {
            looked_at += 1;
            let retired = RETIRED.contains(&field.as_str()) || field == "asked";
            assert!(!retired, "{name}.{field}: docs/glossary.md has another word for it");
        }
    }
    assert!(looked_at > 100, "{looked_at}");
    let dashboard = &document["components"]["schemas"]["Dashboard"]["properties"];
    assert!(dashboard["pending"].is_object() && dashboard["waiting"].is_null());
}
