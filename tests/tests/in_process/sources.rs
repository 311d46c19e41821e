//! The repository itself, for tests that read it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The rooms that hold Rust.
const ROOMS: [&str; 4] = ["shared", "functions", "infra/local", "tests"];

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file of the repository.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Rust file below a folder, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let below = |path: PathBuf| {
        if path.is_dir() {
            files(&path)
        } else {
            Vec::from_iter(path.extension().is_some_and(|it| it == "rs").then_some(path))
        }
    };
    entries.into_iter().flat_map(below).collect()
}

/// Every crate of the repository, by its folder.
pub(crate) fn crates() -> BTreeSet<PathBuf> {
    let libraries = ROOMS.into_iter().flat_map(|room| files(&root().join(room)));
    let libraries = libraries.filter(|file| file.ends_with("src/lib.rs"));
    libraries.filter_map(|file| Some(file.parent()?.parent()?.to_owned())).collect()
}

/// Every test, with the file that it is in.
pub(crate) fn tests() -> Vec<(String, String)> {
    let mut tests = Vec::new();
    for file in ROOMS.into_iter().flat_map(|room| files(&root().join(room))) {
        let place = file.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let source = fs::read_to_string(&file).unwrap();
        for (attribute, line) in source.lines().zip(source.lines().skip(1)) {
            let name = line.trim().trim_start_matches("async ").strip_prefix("fn ");
            let name = name.and_then(|name| name.split('(').next());
            // An attribute, and not the name of the test before.
            let is_test = attribute.trim().starts_with("#[") && attribute.contains("test");
            tests.extend(name.filter(|_| is_test).map(|name| (name.to_owned(), place.clone())));
        }
    }
    tests
}

/// Every Rust file, with its path in the repository.
pub(crate) fn all() -> Vec<(String, String)> {
    let files = ROOMS.into_iter().flat_map(|room| files(&root().join(room)));
    let named = |file: PathBuf| {
        let path = file.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        (path, fs::read_to_string(&file).unwrap())
    };
    files.map(named).collect()
}
