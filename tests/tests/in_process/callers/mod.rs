//! Every operation by every caller, on things that are there and on things that are not.

mod operation;
mod rows;
mod scene;
mod who;

use http::Method;
use tests::{Answer, As, World};

use self::{
    operation::{Operation, operations},
    rows::{Access, KNOW_FAMILY, KNOW_OTHER_RESERVATION, KNOW_RESERVATION, ROWS},
    scene::Scene,
    who::Who,
};

#[tokio::test]
async fn every_operation_answers_its_callers_alone() {
    let operations = operations();
    let mut wrong = Vec::new();
    for operation in &operations {
        match ROWS.iter().find(|(id, _)| *id == operation.id) {
            Some((_, access)) => try_everybody(operation, access, &mut wrong).await,
            None => wrong.push(format!(
                "{} {}: say in callers/rows.rs who may call `{}`",
                operation.method, operation.path, operation.id
            )),
        }
    }
    for (id, _) in ROWS {
        if !operations.iter().any(|operation| operation.id == *id) {
            wrong.push(format!("`{id}` in callers/rows.rs is no operation of the document"));
        }
    }
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

async fn try_everybody(operation: &Operation, access: &Access, wrong: &mut Vec<String>) {
    let mut scene = None;
    for who in Who::ALL {
        let here = match scene.take() {
            Some(scene) => scene,
            None => Scene::of(operation).await,
        };
        let expected = access.expected(*who, operation);
        let expected_of_missing = if expected == OK { 404 } else { expected };
        for path in here.missing(operation) {
            let answer = here.call(*who, operation, &path).await;
            here.check(*who, operation, &path, expected_of_missing, &answer, wrong);
        }
        let path = here.path(operation);
        let answer = here.call(*who, operation, &path).await;
        here.check(*who, operation, &path, expected, &answer, wrong);
        // What was done cannot be done twice: the next caller finds a new world.
        if here.world.store().meter().take().write == 0.0 {
            scene = Some(here);
        } else if expected != OK {
            wrong.push(format!("{} as {who:?}: it was refused, and done", operation.id));
        }
    }
}

/// Stands for every success.
const OK: u16 = 200;

impl Access {
    fn expected(&self, who: Who, operation: &Operation) -> u16 {
        if self.allowed.contains(&who) {
            OK
        } else if self.hidden.contains(&who) {
            404
        } else if who.proves(&operation.scheme) {
            403
        } else {
            401
        }
    }
}

/// What a family wrote in its request.
const FAMILY: [&str; 4] = ["花子", "090-0000-0000", "hanako@example.jp", "について相談したい"];

/// The only answer about what is not there, so that it tells nothing of what is another's.
const NOT_FOUND: &str = r#"404 Not Found
content-type: application/problem+json

{
  "detail": "該当するものがありません。",
  "instance": "request-1",
  "status": 404,
  "title": "There is nothing here.",
  "type": "/problems/not-found"
}"#;

impl Scene {
    fn check(
        &self,
        who: Who,
        operation: &Operation,
        path: &str,
        expected: u16,
        answer: &Answer,
        wrong: &mut Vec<String>,
    ) {
        let (status, shown) = (answer.status, answer.shown());
        let mut say = |what: &str| {
            wrong.push(format!("{} {path} as {who:?}: {what}: {shown}", operation.method));
        };
        match expected {
            OK if status.is_success() => {}
            404 if shown == NOT_FOUND => {}
            401 | 403 if status.as_u16() == expected => {}
            _ => say(&format!("not {expected}")),
        }
        let family = FAMILY.map(|text| (text, KNOW_FAMILY));
        let numbers = [
            (self.number.as_str(), KNOW_RESERVATION),
            (self.other_number.as_str(), KNOW_OTHER_RESERVATION),
        ];
        for (secret, may_know) in numbers.into_iter().chain(family) {
            if shown.contains(secret) && !may_know.contains(&who) {
                say(&format!("it tells {secret}"));
            }
        }
    }
}

/// The row of an operation whose body is left out stands for this too.
#[tokio::test]
async fn import_whose_file_comes_later_is_for_who_may_import() {
    let operations = operations();
    let operation = operations.iter().find(|one| one.id == "request_import").unwrap();
    let (_, access) = ROWS.iter().find(|(id, _)| *id == operation.id).unwrap();
    let mut wrong = Vec::new();
    for who in Who::ALL {
        let here = Scene::of(operation).await;
        let (expected, path) = (access.expected(*who, operation), here.path(operation));
        let answer = here.send_list(*who, operation, &path, "").await;
        here.check(*who, operation, &path, expected, &answer, &mut wrong);
        assert_eq!(answer.body["upload_url"].is_string(), expected == OK, "{who:?}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_municipality_in_the_query_is_checked_like_one_in_the_path() {
    let world = World::new().await;
    for (who, path) in [
        (As::Municipality("131211"), "/v1/staff/dashboard?municipality=131199"),
        (
            As::Municipality("131211"),
            "/v1/staff/reports/REP-05?municipality=131211&municipality=131199",
        ),
        (As::Operator, "/v1/staff/reports/rep-05"),
    ] {
        let answer = world.call(&who, Method::GET, path, None, &[]).await;
        assert_eq!(answer.shown(), NOT_FOUND, "{who:?} {path}");
    }
}
