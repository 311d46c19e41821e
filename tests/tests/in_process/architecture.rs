//! What `docs/architecture.md` says of the rooms, where a machine can check it: who imports whom, and what a room
//! cannot reach.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::sources::{crates, files, root, text};

const SHARED: [&str; 5] = ["domain", "store", "runtime", "notify", "hub-http"];

/// The folder of a crate, such as `shared/domain`, and its dependencies without those of its tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let read = |folder: &Path| {
        let name = folder.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let manifest = text(&format!("{name}/Cargo.toml"));
        let (_, listed) = manifest.split_once("\n[dependencies]\n").unwrap_or_default();
        let lines = listed.lines().take_while(|line| !line.starts_with('['));
        let names = lines.filter_map(|line| line.split_once(['.', ' ', '=']));
        (name, names.map(|(name, _)| name.to_owned()).filter(|name| name != "#").collect())
    };
    crates().iter().map(|folder| read(folder)).collect()
}

/// The crates of this repository, as manifests name them.
fn of_the_house() -> BTreeSet<String> {
    let name = |folder: &PathBuf| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let (_, name) = manifest.split_once("\nname = \"").unwrap();
        name.split('"').next().unwrap().to_owned()
    };
    crates().iter().map(name).collect()
}

/// Which crates of this repository a crate may import.
fn may_import(folder: &str) -> &'static [&'static str] {
    match folder {
        "shared/domain" => &[],
        "shared/store" => &["domain"],
        "shared/runtime" => &["domain", "store"],
        "shared/notify" | "shared/http" => &["domain", "store", "runtime"],
        _ => &SHARED,
    }
}

#[test]
fn a_room_imports_only_from_the_rooms_below_it() {
    let (crates, house) = (dependencies(), of_the_house());
    assert!(crates.len() > 30 && house.len() == crates.len(), "{house:?}");
    for (folder, imports) in &crates {
        let imports = imports.intersection(&house).map(String::as_str);
        let wrong: Vec<_> = match folder.as_str() {
            "tests" => continue,
            "infra/local" => imports.filter(|name| *name == "tests").collect(),
            folder => imports.filter(|name| !may_import(folder).contains(name)).collect(),
        };
        assert!(wrong.is_empty(), "{folder} imports {wrong:?}");
    }
}

#[test]
fn only_store_and_runtime_speak_to_aws() {
    for (folder, imports) in dependencies() {
        let sdk: Vec<_> = imports.iter().filter(|name| name.starts_with("aws-sdk-")).collect();
        match folder.as_str() {
            "shared/store" => assert_eq!(sdk, ["aws-sdk-dynamodb"]),
            // The local hub is the table itself, and tests break the wire to it.
            "shared/runtime" | "infra/local" | "tests" => assert!(!sdk.is_empty()),
            _ => assert!(sdk.is_empty(), "{folder} imports {sdk:?}"),
        }
    }
}

#[test]
fn domain_has_no_io_no_clock_and_no_randomness() {
    let pure = [
        "csv",
        "data-encoding",
        "deserr",
        "encoding_rs",
        "flate2",
        "hmac",
        "jiff",
        "memchr",
        "serde",
        "serde_json",
        "sha2",
        "thiserror",
        "unicode-normalization",
        "url",
        "utoipa",
    ];
    let imports = &dependencies()["shared/domain"];
    assert!(imports.iter().map(String::as_str).eq(pure), "does it do I/O? {imports:?}");
    let modules = modules(&root().join("shared/domain"));
    let code = modules.values().map(|code| code.split_whitespace().collect::<String>());
    let code = code.collect::<String>();
    for module in ["env", "fs", "io", "net", "process", "thread", "time"] {
        assert!(!code.contains(&format!("std::{module}")), "domain uses std::{module}");
        let imports = code.split("usestd::{").skip(1).filter_map(|rest| rest.split(';').next());
        let mut names = imports.flat_map(|tree| tree.split(|c: char| !c.is_alphanumeric()));
        assert!(names.all(|name| name != module), "domain uses std::{module}");
    }
    for clock in ["Timestamp::now", "Zoned::now", "TimeZone::system"] {
        assert!(!code.contains(clock), "domain reads {clock}");
    }
}

/// Texts of the grammar of keys that stand in some code: a kind followed by `#`, or what splits at it.
fn key_grammar_in(code: &str, kinds: &BTreeSet<String>) -> Vec<String> {
    let kinds = kinds.iter().map(|kind| format!("\"{kind}#"));
    let splits = ["split('#')", "split_once('#')", "splitn("].map(str::to_owned);
    kinds.chain(splits).filter(|text| code.contains(text)).collect()
}

#[test]
fn keys_are_written_and_read_in_one_module() {
    let keys = text("shared/store/src/keys/mod.rs");
    let (_, table) = keys.split_once("\nkeys! {").unwrap();
    let kinds =
        table.split('[').skip(1).filter_map(|part| part.strip_prefix('"')?.split('"').next());
    let kinds: BTreeSet<String> = kinds.map(str::to_owned).collect();
    assert!(kinds.len() > 20 && kinds.contains("FAC") && kinds.contains("SLOT"), "{kinds:?}");
    for planted in ["pk.strip_prefix(\"FAC#\")", "format!(\"SLOT#{id}\")", "sk.split_once('#')"] {
        assert_eq!(key_grammar_in(planted, &kinds).len(), 1, "{planted}");
    }
    for (folder, _) in dependencies().iter().filter(|(folder, _)| !folder.starts_with("tests")) {
        for (module, code) in modules(&root().join(folder)) {
            if folder == "shared/store" && (module == "keys" || module.starts_with("keys::")) {
                continue;
            }
            let found = key_grammar_in(&code, &kinds);
            assert!(found.is_empty(), "{folder} {module}: {found:?} belongs into store::keys");
        }
    }
}

/// What reads and writes the search index, and the crates that may: it follows the table, and nothing that must be right
/// is read from it.
const SEARCH_INDEX: [(&str, &[&str]); 3] = [
    ("search_buckets", &["shared/store", "functions/search-facilities"]),
    ("search_versions", &["shared/store", "functions/search-facilities"]),
    ("change_search", &["shared/store", "functions/fan-out"]),
];

#[test]
fn only_search_and_relay_use_the_search_index() {
    for (name, may) in SEARCH_INDEX {
        let mut named = BTreeSet::new();
        for folder in dependencies().into_keys().filter(|folder| !folder.starts_with("tests")) {
            if modules(&root().join(&folder)).values().any(|code| code.contains(name)) {
                named.insert(folder);
            }
        }
        assert_eq!(named, may.iter().map(ToString::to_string).collect(), "{name}");
    }
}

#[test]
fn no_test_sleeps() {
    let nap = ["sleep", "("].concat();
    for file in ["tests", "infra/local/tests"].iter().flat_map(|folder| files(&root().join(folder)))
    {
        let source = fs::read_to_string(&file).unwrap();
        assert!(!source.contains(&nap), "{} sleeps", file.display());
    }
}

/// The modules of a crate by their paths, such as `report::fact`, with their code: no comments, no tests.
fn modules(folder: &Path) -> Modules {
    let source = folder.join("src");
    let files = files(&source).into_iter().filter(|file| !file.ends_with("src/main.rs"));
    let read = |file: &Path| {
        let place = file.strip_prefix(&source).unwrap().with_extension("");
        let names = place.iter().map(|name| name.to_str().unwrap());
        let names: Vec<_> = names.filter(|name| !["lib", "mod"].contains(name)).collect();
        let text = fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]\n").next().unwrap_or_default();
        let code = code.lines().map(|line| line.split("//").next().unwrap_or_default());
        (names.join("::"), code.collect::<Vec<_>>().join("\n"))
    };
    files.map(|file| read(&file)).collect()
}

/// The paths of a tree of `use`: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let mut depth = 0;
    let parts = tree.split(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('{') {
            Some((before, rest)) => {
                let inside = rest.rsplit_once('}').map_or(rest, |(inside, _)| inside);
                expand(&format!("{prefix}{}", before.trim()), inside, paths);
            }
            None => paths.push(format!("{prefix}{}", part.split(" as ").next().unwrap_or(part))),
        }
    }
}

/// The paths that `use` names, after this keyword: `use`, or `pub use`.
fn used(code: &str, keyword: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for rest in code.split(keyword).skip(1) {
        expand("", rest.split(';').next().unwrap_or_default(), &mut paths);
    }
    paths
}

/// Every path within the crate that some code names, in `use` or anywhere else.
fn named(code: &str) -> Vec<String> {
    let mut paths = used(code, "use ");
    let of_a_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    paths.extend(code.split(|c| !of_a_path(c)).map(str::to_owned));
    let begins = |path: &String| ["crate::", "super::"].iter().any(|root| path.starts_with(root));
    paths.retain(begins);
    paths
}

fn within(module: &str, name: &str) -> String {
    if module.is_empty() { name.into() } else { format!("{module}::{name}") }
}

fn above(module: &str) -> &str {
    module.rsplit_once("::").map_or("", |(above, _)| above)
}

type Modules = BTreeMap<String, String>;

/// The names that a module hands on from a module in it, with the module that they come from.
fn handed_on(modules: &Modules) -> BTreeMap<String, String> {
    let mut handed_on = BTreeMap::new();
    for (module, code) in modules {
        for path in ["pub use ", "pub(crate) use "].iter().flat_map(|keyword| used(code, keyword)) {
            let path = path.trim_start_matches("self::");
            let (first, _) = path.split_once("::").unwrap_or_default();
            let (_, last) = path.rsplit_once("::").unwrap_or_default();
            if modules.contains_key(&within(module, first)) {
                handed_on.insert(within(module, last), within(module, first));
            }
        }
    }
    handed_on
}

/// The module in which a path ends that this module names.
fn end_of(
    path: &str,
    module: &str,
    modules: &Modules,
    handed_on: &BTreeMap<String, String>,
) -> String {
    let mut at = module.to_owned();
    for name in path.split("::") {
        let next = within(&at, name);
        match name {
            "crate" => at.clear(),
            "super" => at = above(&at).into(),
            _ if modules.contains_key(&next) => at = next,
            _ => return handed_on.get(&next).cloned().unwrap_or(at),
        }
    }
    at
}

/// Which modules import each other in a cycle. A folder is one module to those outside it, and its files are modules to
/// each other. What a file defines or hands on for the files of its folder (`mod.rs`, `lib.rs`) is no import, and a name
/// that it hands on belongs to the file that defines it.
fn cycles(modules: &Modules) -> BTreeSet<(String, String)> {
    let (handed_on, mut edges) = (handed_on(modules), BTreeSet::new());
    for (module, code) in modules {
        for path in named(code) {
            let end = end_of(&path, module, modules, &handed_on);
            let (from, to) = (module.split("::"), end.split("::"));
            let common = from.clone().zip(to.clone()).take_while(|(from, to)| from == to).count();
            // Where the two part they are siblings, unless one holds the other.
            let sibling = |path: std::str::Split<'_, &str>| {
                let names: Vec<_> = path.collect();
                names.get(..=common).map(|names| names.join("::")).filter(|name| !name.is_empty())
            };
            edges.extend(sibling(from).zip(sibling(to)));
        }
    }
    // An import is part of a cycle if what is imported leads back, by however many others.
    let mut leads = edges.clone();
    loop {
        let on = |(from, by): &(String, String)| {
            let next = edges.iter().filter(|(importer, _)| importer == by);
            next.map(|(_, to)| (from.clone(), to.clone())).collect::<Vec<_>>()
        };
        let further: Vec<_> = leads.iter().flat_map(on).collect();
        let before = leads.len();
        leads.extend(further);
        if leads.len() == before {
            break;
        }
    }
    edges.retain(|(from, to)| leads.contains(&(to.clone(), from.clone())));
    edges
}

#[test]
fn no_modules_of_a_crate_import_each_other_in_a_cycle() {
    for folder in crates() {
        let cycles = cycles(&modules(&folder));
        assert!(cycles.is_empty(), "{}: {cycles:#?}", folder.display());
    }
}

#[test]
fn a_cycle_is_found_by_whatever_path_modules_import_each_other() {
    let of = |modules: &[(&str, &str)]| {
        let owned = |(module, code): &(&str, &str)| ((*module).into(), (*code).into());
        let found = cycles(&modules.iter().map(owned).collect());
        found.into_iter().map(|(from, to)| format!("{from}>{to}")).collect::<Vec<_>>().join(" ")
    };
    let root = ("", "pub mod a;\nmod b;\npub use self::{a::A, b::{B, C}};\n");
    assert_eq!(of(&[root, ("a", "use crate::b::B;"), ("b", "use std::fmt;")]), "");
    assert_eq!(
        of(&[root, ("a", "use crate::{\n    b::B,\n};"), ("b", "use crate::A;")]),
        "a>b b>a"
    );
    assert_eq!(
        of(&[root, ("a", "fn f() { crate::b::g() }"), ("b", "use super::a::A;")]),
        "a>b b>a"
    );
    // Through a third; what stands before and behind it is in none.
    let three =
        [("a", "use crate::b::B;"), ("b", "use crate::c::C;"), ("c", "use crate::{a::A, d};")];
    let beside = [("d", "use crate::e;"), ("e", "use crate::d;"), ("f", "use crate::a::A;")];
    assert_eq!(of(&[root, three[0], three[1], three[2], beside[2], ("d", "")]), "a>b b>c c>a");
    assert_eq!(of(&[&[root, beside[2]], &three[..], &beside[..2]].concat()), "a>b b>c c>a d>e e>d");
    // In a folder: with its files' siblings, and among them; with its own `mod.rs` it is one.
    let folder = ("f", "mod x;\nmod y;\npub(crate) use x::X;\n");
    assert_eq!(of(&[root, folder, ("f::x", "use super::F;"), ("f::y", "use super::X;")]), "");
    assert_eq!(
        of(&[root, folder, ("f::x", "use super::y::Y;"), ("f::y", "use super::X;")]),
        "f::x>f::y f::y>f::x"
    );
    assert_eq!(
        of(&[root, folder, ("f::x", "use crate::a::A;"), ("a", "use crate::f::X;")]),
        "a>f f>a"
    );
}
