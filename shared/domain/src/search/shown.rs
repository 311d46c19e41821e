//! What a list shows of a facility, packed into few bytes, and written as JSON when somebody asks.
//!
//! Of each field that is stated: a tag of two bytes that follows from its name, a length, and the value as JSON. So a
//! field that another version of the hub does not know is passed over, and one that it does not write is `null`.

use std::{collections::BTreeMap, sync::LazyLock};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use super::{bytes, summary::FacilitySummary};
use crate::{
    Facility,
    facility::{Details, ITEMS},
};

/// All but the long texts that a list shows beyond [`FacilitySummary`], for the document.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct ListedDetails {}

impl PartialSchema for ListedDetails {
    fn schema() -> RefOr<Schema> {
        let mut schema = Details::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            let fields = detail_fields();
            object.properties.retain(|field, _| fields.contains(&field.as_str()));
            object.required.retain(|field| fields.contains(&field.as_str()));
        }
        schema
    }
}

impl ToSchema for ListedDetails {}

/// The items that a list shows beyond those of [`FacilitySummary`].
fn detail_fields() -> Vec<&'static str> {
    let details = map(&Details::default());
    let listed = ITEMS.iter().filter(|item| item.one_line && details.contains_key(item.field));
    listed.map(|item| item.field).collect()
}

fn map(of: &impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(of) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// By which a field is known: sixteen bits of the FNV-1a hash of its name.
fn tag(field: &str) -> u16 {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let hash = field.bytes().fold(0x811c_9dc5, step);
    (hash ^ (hash >> 16)) as u16
}

/// The items beyond the summary, by tag.
static DETAILS: LazyLock<Vec<(&str, u16)>> =
    LazyLock::new(|| detail_fields().into_iter().map(|field| (field, tag(field))).collect());

/// All that a list shows of a facility, which is as the public sees it.
pub(super) fn pack(summary: &FacilitySummary, facility: &Facility) -> Vec<u8> {
    let (mut fields, details) = (map(summary), map(&facility.details));
    let listed = details.into_iter().filter(|(name, _)| DETAILS.iter().any(|(of, _)| of == name));
    fields.extend(listed);
    let mut plain = Vec::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        let json = value.to_string();
        plain.extend(tag(name).to_le_bytes());
        bytes::put_number(&mut plain, json.len() as u64);
        plain.extend(json.bytes());
    }
    deflate(&plain)
}

/// Writes all fields, each after a comma, but the first.
pub(super) fn write_json(packed: &[u8], to: &mut String) {
    let plain = inflate(packed).unwrap_or_default();
    let stated = fields(&plain);
    let of_summary = SUMMARY.iter().chain(DETAILS.iter());
    for (place, (name, tag)) in of_summary.enumerate() {
        to.push_str(if place == 0 { "\"" } else { ",\"" });
        to.push_str(name);
        to.push_str("\":");
        to.push_str(stated.get(tag).copied().unwrap_or("null"));
    }
}

/// The fields of the summary, by tag.
static SUMMARY: LazyLock<Vec<(&str, u16)>> =
    LazyLock::new(|| FacilitySummary::FIELDS.iter().map(|field| (*field, tag(field))).collect());

fn fields(mut plain: &[u8]) -> BTreeMap<u16, &str> {
    let next = move || {
        let (tag, mut rest) = plain.split_first_chunk::<2>()?;
        let length = usize::try_from(bytes::number(&mut rest)?).ok()?;
        let (value, rest) = rest.split_at_checked(length)?;
        plain = rest;
        Some((u16::from_le_bytes(*tag), std::str::from_utf8(value).ok()?))
    };
    std::iter::from_fn(next).collect()
}

/// What values often say. They are packed as if this stood before them, so that it takes a few bytes where it comes again.
/// It belongs to the form of the entries.
const OFTEN: &str = concat!(
    "小規模家庭的保育事業所内認定こども園東京都市区町村北海道府県株式会社公園ビル階駅線都営地下鉄東武西武京王",
    "小田急東急京成メトロ生後6か月～就学前57日～2歳児クラス満1歳児クラスまでこどもえんほいくえんしゃかいふくしほうじん",
    "学校法人社会福祉法人会保育園",
    "smallkodomoen_youhotokyo_certifiednurserypublicprivateconsultyesnoage_2school",
    "[\"https://www.instagram.com/\"]\"https://www..ed.jp/.co.jp/.or.jp/.lg.jp/.com/\"\"03-042\"13\"",
    "[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\",\"sat\",\"sun\",\"holiday\"]\"06:30\"\"20:15\"\"19:15\"\"18:15\"\"07:15\"",
    "falsetrue{\"lat\":35.6,\"lon\":139.7}\"fac_\"2026-12-01T10:00:00+09:00\"",
    "{\"age_0\":null,\"age_1\":10,\"age_2\":12,\"age_3\":20,\"age_4\":20,\"age_5\":20,\"total\":100}",
);

/// The length before it was packed, and the packed bytes.
fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::best(), false);
    let mut before = Vec::with_capacity(OFTEN.len() + 64);
    let mut packed = Vec::with_capacity(plain.len() + 64);
    bytes::put_number(&mut packed, plain.len() as u64);
    // There is room for all of it, so each is done in one step.
    let often = compress.compress_vec(OFTEN.as_bytes(), &mut before, FlushCompress::Sync);
    let fields = compress.compress_vec(plain, &mut packed, FlushCompress::Finish);
    if often.is_err() || !matches!(fields, Ok(Status::StreamEnd)) {
        packed.clear();
    }
    packed
}

/// What a list shows of a facility is shorter than this.
const LONGEST: u64 = 1 << 20;

fn inflate(mut packed: &[u8]) -> Option<Vec<u8>> {
    let length = bytes::number(&mut packed).filter(|length| *length <= LONGEST)?;
    let mut plain = Vec::with_capacity(OFTEN.len() + length as usize);
    // A block that is stored as it is: its kind, its length, and the same with every bit turned.
    let often = u16::try_from(OFTEN.len()).ok()?;
    let mut before = vec![0];
    before.extend(often.to_le_bytes());
    before.extend((!often).to_le_bytes());
    before.extend(OFTEN.bytes());
    let mut decompress = Decompress::new(false);
    decompress.decompress_vec(&before, &mut plain, FlushDecompress::Sync).ok()?;
    decompress.decompress_vec(packed, &mut plain, FlushDecompress::Finish).ok()?;
    Some(plain.split_off(OFTEN.len().min(plain.len())))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::search::tests::facility;

    #[test]
    fn no_two_fields_have_one_tag() {
        let mut tags = HashSet::new();
        for (field, tag) in SUMMARY.iter().chain(DETAILS.iter()) {
            assert!(tags.insert(tag), "{field} needs another name");
        }
        let summary = map(&FacilitySummary::new(facility("あ", "い")));
        let named: HashSet<_> = FacilitySummary::FIELDS.iter().map(ToString::to_string).collect();
        assert_eq!(summary.keys().cloned().collect::<HashSet<_>>(), named);
    }

    #[test]
    fn a_list_shows_every_item_but_the_long_texts() {
        let fields = detail_fields();
        assert!(fields.contains(&"weekday_opens_at") && fields.contains(&"nearest_station"));
        assert!(!fields.contains(&"features") && !fields.contains(&"care_content"));
    }

    #[test]
    fn what_another_version_packed_is_shown_as_far_as_it_is_known() {
        let mut plain = tag("of_a_newer_version").to_le_bytes().to_vec();
        plain.extend([4, b't', b'r', b'u', b'e']);
        plain.extend(tag("facility_name").to_le_bytes());
        plain.extend([3, b'"', b'a', b'"']);
        let mut json = "{".to_owned();
        write_json(&deflate(&plain), &mut json);
        let shown: Value = serde_json::from_str(&(json + "}")).unwrap();
        assert_eq!((&shown["facility_name"], &shown["phone"]), (&"a".into(), &Value::Null));
        assert_eq!(shown.get("of_a_newer_version"), None);
        write_json(b"nonsense", &mut String::new());
    }
}
