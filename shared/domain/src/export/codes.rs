use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    facility,
    item::{Format, Item},
    procedure,
    vacancy::{self, Mark},
};

/// A code and what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Code {
    /// Of which data: `facilities`, `vacancies` or `procedures`.
    #[schema(examples("facilities"))]
    pub dataset: &'static str,
    /// The field, or column, that has it.
    #[schema(examples("facility_type"))]
    pub field: String,
    /// The code.
    #[schema(examples("nursery"))]
    pub code: &'static str,
    /// What lists and people say (項目の選択肢).
    #[schema(examples("保育所"))]
    pub label: &'static str,
}

/// Every code of the items and of the tables for programs. An import reads the labels by the same tables.
pub fn codes() -> Vec<Code> {
    let ages = vacancy::ITEMS.iter().filter(|item| item.field.starts_with("age_"));
    let ages = ages.map(|item| (item.field, item.heading.trim_end_matches("空き人数")));
    let age_class = |dataset| {
        ages.clone().map(move |(code, label)| Code {
            dataset,
            field: "age_class".into(),
            code,
            label,
        })
    };
    let mut codes = of_items("facilities", facility::ITEMS);
    codes.extend(of_items("vacancies", vacancy::ITEMS).into_iter().map(|code| Code {
        // Of an age class, the mark is a code beside the number.
        field: code.field.replace("age_", "mark_"),
        ..code
    }));
    codes.extend(Mark::CODES.iter().map(|(code, label)| Code {
        dataset: "vacancies",
        field: "vacancy_mark".into(),
        code,
        label,
    }));
    codes.extend(age_class("vacancies"));
    codes.extend(of_items("procedures", procedure::ITEMS));
    // The combined class is of vacancies alone.
    codes.extend(age_class("procedures").filter(|code| code.code != "age_0_2"));
    codes
}

fn of_items<T>(dataset: &'static str, items: &'static [Item<T>]) -> Vec<Code> {
    let of_item = |item: &'static Item<T>| {
        item.codes.iter().map(move |(code, label)| Code {
            dataset,
            field: item.field.into(),
            code,
            label,
        })
    };
    items.iter().flat_map(of_item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_told_once_and_with_a_label() {
        let codes = codes();
        let mut keys: Vec<_> =
            codes.iter().map(|code| (code.dataset, &code.field, code.code)).collect();
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count);
        assert!(codes.iter().all(|code| !code.label.is_empty()));
    }

    #[test]
    fn an_import_reads_every_label() {
        for item in facility::ITEMS {
            for (_, label) in item.codes {
                let mut facility = crate::search::tests::facility("あ", "い");
                item.read(&mut facility, label).unwrap();
                assert!(
                    item.write(&facility).is_none_or(|written| written == *label),
                    "{}: {label}",
                    item.field
                );
            }
        }
    }
}
