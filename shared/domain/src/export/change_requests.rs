use serde_json::Value;

use super::{Cell, Table, table};
use crate::{
    ChangeRequest, Facility, Timestamp,
    change_request::{ChangeOrigin, FieldChange, WITHHELD, heading},
    facility::named,
};

/// One item that a change request asks for.
struct RequestedItem {
    request: ChangeRequest,
    facility: Facility,
    field: String,
    change: FieldChange,
}

const COLUMNS: [(&str, Cell<RequestedItem>); 11] = [
    ("施設情報変更依頼番号", |of| Some(of.request.change_request_number.to_string())),
    ("変更承認状況", |of| Some(of.request.status.label().into())),
    ("依頼元", |of| Some(origin(of.request.origin).into())),
    ("依頼日時", |of| of.request.created_at().map(minute)),
    ("更新日時", |of| of.request.updated_at().map(minute)),
    ("施設ID", |of| Some(of.request.facility_id.to_string())),
    ("事業所番号", |of| of.facility.office_number.clone()),
    ("施設の名称", |of| Some(of.facility.facility_name.clone())),
    ("項目", |of| heading(&of.field).map(str::to_owned)),
    ("変更前", |of| written(&of.facility, &of.field, &of.change.from)),
    ("変更後", |of| written(&of.facility, &of.field, &of.change.to)),
];

/// What nurseries ask their municipality to change, a row for each item, for who looks through it in a spreadsheet.
pub fn change_requests(requests: &[(ChangeRequest, Facility)]) -> Table {
    let asked: Vec<_> = requests
        .iter()
        .flat_map(|(request, facility)| {
            request.changes.iter().map(move |(field, change)| RequestedItem {
                request: request.clone(),
                facility: facility.clone(),
                field: field.to_owned(),
                change: change.clone(),
            })
        })
        .collect();
    table(COLUMNS, &asked)
}

fn origin(of: ChangeOrigin) -> &'static str {
    match of {
        ChangeOrigin::Facility => "施設",
        ChangeOrigin::Import => "一括インポート",
    }
}

fn minute(at: Timestamp) -> String {
    at.local().strftime("%Y-%m-%d %H:%M").to_string()
}

/// A value as the hub's lists have it.
fn written(facility: &Facility, field: &str, value: &Value) -> Option<String> {
    if field == WITHHELD {
        let fields = value.as_array()?.iter().filter_map(|field| heading(field.as_str()?));
        return Some(fields.collect::<Vec<_>>().join(" "));
    }
    let (item, mut with) = (named(field)?, facility.clone());
    item.set(&mut with, value.clone()).ok()?;
    item.write(&with)
}
