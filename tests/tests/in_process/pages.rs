//! What pages for people name exists: a test for each promise of `docs/semantics.md` and each invariant of
//! `docs/architecture.md`, a file for each link, a command for each recipe of the `justfile`.

use std::{collections::BTreeSet, fs, path::Path};

use crate::sources::{self, root, text};

/// Asserts that a text names tests, by their names in backticks, and that there are such tests.
fn names_tests(text: &str, tests: &BTreeSet<String>) {
    let named: Vec<_> = text.split('`').skip(1).step_by(2).collect();
    assert!(!named.is_empty(), "no test is named for: {text}");
    for name in named {
        assert!(tests.contains(name), "there is no test {name}: {text}");
    }
}

fn tests() -> BTreeSet<String> {
    sources::tests().into_iter().map(|(name, _)| name).collect()
}

#[test]
fn every_promise_names_a_test_that_exists() {
    let (page, tests) = (text("docs/semantics.md"), tests());
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows: Vec<_> = rows.filter(|row| *row != "promise | test").collect();
    assert!(rows.len() > 40, "{} promises", rows.len());
    for row in rows {
        let (promise, test) = row.split_once(" | ").unwrap_or((row, ""));
        assert!(promise.ends_with('.'), "a promise is a sentence: {promise}");
        names_tests(test, &tests);
    }
}

#[test]
fn every_room_has_an_invariant_whose_test_exists() {
    let (page, tests) = (text("docs/architecture.md"), tests());
    let (_, rooms) = page.split_once("\n## The rooms\n").unwrap();
    let rooms: Vec<_> = rooms.split("\n### ").skip(1).collect();
    assert_eq!(rooms.len(), 8);
    for room in rooms {
        let invariants: Vec<_> = room.split("**Invariant.** ").skip(1).collect();
        assert!(!invariants.is_empty(), "{room}");
        for invariant in invariants {
            let (_, checked) = invariant.split_once("Checked by ").unwrap_or_default();
            names_tests(checked.split(".\n").next().unwrap_or_default(), &tests);
        }
    }
}

/// The pages that people read: those at the root and all below `docs`.
fn pages(folder: &Path, pages: &mut Vec<String>) {
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let name = folder.join(entry.unwrap().file_name());
        if name.starts_with("docs") && root().join(&name).is_dir() {
            self::pages(&name, pages);
        } else if name.extension().is_some_and(|extension| extension == "md") {
            pages.push(name.to_str().unwrap().to_owned());
        }
    }
}

#[test]
fn every_link_of_a_page_leads_to_a_file() {
    let mut found = Vec::new();
    pages(Path::new(""), &mut found);
    pages(Path::new("docs"), &mut found);
    let mut links = 0;
    for page in found {
        let (text, folder) = (text(&page), Path::new(&page).parent().unwrap());
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if !link.is_empty() && !link.starts_with("https://") {
                links += 1;
                assert!(root().join(folder).join(link).exists(), "{page} leads to no file: {link}");
            }
        }
    }
    assert!(links > 100, "{links} links");
}

#[test]
fn whoever_builds_for_the_first_time_is_told_how_long_it_takes() {
    let page = text("README.md");
    let (_, rest) = page.split_once("```sh\ncargo run\n```").unwrap();
    let (until_tests, _) = rest.split_once("```sh\ncargo test --workspace\n```").unwrap();
    let (_, told) = until_tests.split_once("The first build").unwrap_or_default();
    assert!(told.contains("minutes"), "README.md does not say how long the first build takes");
}

#[test]
fn every_recipe_is_a_command_that_works_without_just() {
    let (recipes, page) = (text("justfile"), text("CONTRIBUTING.md"));
    let commands: Vec<_> = recipes.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        let command = command.replace("{{ name }}", "NAME");
        assert!(page.contains(&command), "CONTRIBUTING.md does not show: {command}");
    }
}
