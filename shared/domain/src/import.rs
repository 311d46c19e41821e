//! Lists of facilities, as offices keep them: CSV with Japanese headings (IMP-01).

use std::collections::{BTreeSet, HashMap, HashSet};

use csv::StringRecord;
use unicode_normalization::UnicodeNormalization;

use crate::{
    Facility, FacilityId, Invalid, MunicipalityCode, Settings, Timestamp,
    facility::{ChildCapacity, EstablishmentBody, FacilityType, Location},
    municipality, text,
};

pub use crate::sheet::RowError;

/// One row of a facility list; `None` where the list says nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct FacilityRow {
    office_number: Option<String>,
    facility_name: String,
    facility_name_kana: Option<String>,
    facility_type: Option<FacilityType>,
    establishment_body: Option<EstablishmentBody>,
    municipality_code: MunicipalityCode,
    municipality: String,
    prefecture: String,
    postal_code: Option<String>,
    street_address: Option<String>,
    phone: Option<String>,
    location: Option<Location>,
    capacity: ChildCapacity,
}

/// Reads a facility list: UTF-8 with or without a byte order mark, UTF-16 with one, or CP932.
///
/// Either every row is good, or each wrong value is told; nothing in between.
pub fn facility_rows(bytes: &[u8]) -> Result<Vec<FacilityRow>, Vec<RowError>> {
    let text = decode(bytes).ok_or_else(|| vec![file_error("", Invalid::Malformed)])?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let headings: HashMap<String, usize> = match reader.headers() {
        Ok(headings) => {
            headings.iter().enumerate().map(|(place, name)| (heading_key(name), place)).collect()
        }
        Err(_) => return Err(vec![file_error("", Invalid::Malformed)]),
    };
    let missing: Vec<_> = ["施設の名称", "都道府県", "市区町村"]
        .into_iter()
        .filter(|name| !headings.contains_key(&heading_key(name)))
        .map(|name| file_error(name, Invalid::Missing))
        .collect();
    if !missing.is_empty() {
        return Err(missing);
    }

    let (mut rows, mut errors, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(_) => {
                errors.push(file_error("", Invalid::Malformed));
                break;
            }
        };
        if record.iter().all(|value| value.trim().is_empty()) {
            continue;
        }
        let mut cells = Cells { headings: &headings, record: &record, errors: &mut errors };
        let Some(row) = facility_row(&mut cells) else { continue };
        if seen.insert((row.municipality_code, text::identity(&row.facility_name))) {
            rows.push(row);
        } else {
            cells.refuse("施設の名称", &row.facility_name, "同じ施設が二度あります。".into());
        }
    }
    if errors.is_empty() { Ok(rows) } else { Err(errors) }
}

fn file_error(column: &str, invalid: Invalid) -> RowError {
    RowError { line: 1, column: column.into(), value: String::new(), detail: invalid.ja() }
}

fn decode(bytes: &[u8]) -> Option<String> {
    let (encoding, bom) = encoding_rs::Encoding::for_bom(bytes).unwrap_or((encoding_rs::UTF_8, 0));
    let decode = |encoding: &'static encoding_rs::Encoding| {
        encoding.decode_without_bom_handling_and_without_replacement(&bytes[bom..])
    };
    decode(encoding).or_else(|| decode(encoding_rs::SHIFT_JIS)).map(Into::into)
}

/// Headings are compared without width, spaces and the separators that offices vary.
fn heading_key(name: &str) -> String {
    text::identity(name).chars().filter(|c| !matches!(c, '_' | '・' | '･')).collect()
}

/// The cells of one record, and the errors found in them.
struct Cells<'a> {
    headings: &'a HashMap<String, usize>,
    record: &'a StringRecord,
    errors: &'a mut Vec<RowError>,
}

impl Cells<'_> {
    fn text(&self, heading: &str) -> Option<String> {
        let value = self.record.get(*self.headings.get(&heading_key(heading))?)?.trim();
        (!value.is_empty()).then(|| value.nfc().collect())
    }

    fn refuse(&mut self, heading: &str, value: &str, detail: String) {
        let line = self.record.position().map_or(1, csv::Position::line);
        let (column, value) = (heading.into(), value.into());
        self.errors.push(RowError { line, column, value, detail });
    }

    fn parse<T>(
        &mut self,
        heading: &str,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        let value = self.text(heading)?;
        parse(&value).map_err(|invalid| self.refuse(heading, &value, invalid.ja())).ok()
    }

    fn required(&mut self, heading: &str) -> Option<String> {
        if self.text(heading).is_none() {
            self.refuse(heading, "", Invalid::Missing.ja());
        }
        self.line(heading)
    }

    /// One line of up to 200 characters.
    fn line(&mut self, heading: &str) -> Option<String> {
        self.parse(heading, |text| text::cell(text, 200))
    }

    fn count(&mut self, heading: &str) -> Option<u32> {
        self.parse(heading, |text| {
            half_width(text).parse().map_err(|_| Invalid::OutOfRange(0, 9999))
        })
    }
}

fn facility_row(cells: &mut Cells<'_>) -> Option<FacilityRow> {
    let errors_before = cells.errors.len();
    let facility_name = cells.required("施設の名称");
    let prefecture = cells.required("都道府県");
    let municipality = cells.required("市区町村");
    let municipality = prefecture
        .as_deref()
        .zip(municipality.as_deref())
        .and_then(|names| municipality_of(cells, names.0, names.1));
    let (municipality_code, municipality) = municipality.unzip();
    let row = FacilityRow {
        office_number: cells.parse("事業所番号", |text| {
            let number = half_width(text);
            let valid = number.len() <= 20 && number.bytes().all(|b| b.is_ascii_digit());
            valid.then_some(number).ok_or(Invalid::Format("1311912345678"))
        }),
        facility_name: facility_name.unwrap_or_default(),
        facility_name_kana: cells.line("施設の名称（ふりがな）"),
        facility_type: cells.parse("施設類型", FacilityType::from_label),
        establishment_body: cells.parse("施設_設置主体", EstablishmentBody::from_label),
        municipality_code: municipality_code?,
        municipality: municipality?,
        prefecture: prefecture?,
        postal_code: cells.parse("郵便番号", text::postal_code),
        street_address: cells.line("町名・番地"),
        phone: cells.parse("施設の連絡先_電話番号", text::phone),
        location: location(cells),
        capacity: ChildCapacity {
            age_0: cells.count("0歳_利用定員数"),
            age_1: cells.count("1歳_利用定員数"),
            age_2: cells.count("2歳_利用定員数"),
            age_3: cells.count("3歳_利用定員数"),
            age_4: cells.count("4歳_利用定員数"),
            age_5: cells.count("5歳_利用定員数"),
            total: cells.count("合計_利用定員数"),
        },
    };
    (cells.errors.len() == errors_before).then_some(row)
}

/// By the code of its own column, else by name.
fn municipality_of(
    cells: &mut Cells<'_>,
    prefecture: &str,
    name: &str,
) -> Option<(MunicipalityCode, String)> {
    if cells.text("全国地方公共団体コード").is_some() {
        let code =
            cells.parse("全国地方公共団体コード", |text| half_width(text).parse())?;
        return Some((code, municipality::name_of(code).unwrap_or(name).into()));
    }
    match municipality::by_name(prefecture, name) {
        Some(known) => Some((known.municipality.code, known.municipality.name.into())),
        None => {
            cells.refuse("市区町村", name, Invalid::NoSuch("municipality").ja());
            None
        }
    }
}

fn location(cells: &mut Cells<'_>) -> Option<Location> {
    let mut degrees = |heading: &str, range: std::ops::RangeInclusive<f64>| {
        cells.parse(heading, |text| {
            let degrees: f64 =
                half_width(text).parse().map_err(|_| Invalid::Format("35.7512345"))?;
            let valid = range.contains(&degrees);
            valid.then_some(degrees).ok_or(Invalid::OutsideJapan)
        })
    };
    let (lat, lon) = (degrees("緯度", 20.0..=46.0), degrees("経度", 122.0..=154.0));
    Some(Location { lat: lat?, lon: lon? })
}

fn half_width(text: &str) -> String {
    text.nfkc().filter(|c| !c.is_whitespace()).map(|c| if c == '−' { '-' } else { c }).collect()
}

impl FacilityRow {
    /// The municipality that the row belongs to.
    pub fn municipality_code(&self) -> MunicipalityCode {
        self.municipality_code
    }

    /// The ids that a facility of this row can have been given: by its office number, or by its name while it had none.
    pub fn possible_ids(&self) -> BTreeSet<FacilityId> {
        let numbers = [self.office_number.as_deref(), None];
        let id = |number| FacilityId::derive(number, &self.municipality_code, &self.facility_name);
        numbers.map(id).into()
    }

    /// The facility that the row describes, among those that the hub already has in the
    /// municipality: by office number, else by name.
    pub fn find<'a>(&self, known: &'a [Facility]) -> Option<&'a Facility> {
        let by_number = self.office_number.as_ref().and_then(|number| {
            known.iter().find(|facility| facility.office_number.as_ref() == Some(number))
        });
        by_number.or_else(|| {
            let name = text::identity(&self.facility_name);
            known.iter().find(|facility| {
                text::identity(&facility.facility_name) == name
                    && (facility.office_number.is_none() || self.office_number.is_none())
            })
        })
    }

    /// The facility as the row makes it: a new one, or the known one with what the row states.
    pub fn into_facility(self, known: Option<&Facility>, now: Timestamp) -> Facility {
        let id = || {
            FacilityId::derive(
                self.office_number.as_deref(),
                &self.municipality_code,
                &self.facility_name,
            )
        };
        let known_or = |new: &Option<String>, old: fn(&Facility) -> &Option<String>| {
            new.clone().or_else(|| known.and_then(|facility| old(facility).clone()))
        };
        Facility {
            facility_id: known.map_or_else(id, |facility| facility.facility_id.clone()),
            office_number: known_or(&self.office_number, |f| &f.office_number),
            facility_name_kana: known_or(&self.facility_name_kana, |f| &f.facility_name_kana),
            facility_type: self.facility_type.or(known.and_then(|f| f.facility_type)),
            establishment_body: self
                .establishment_body
                .or(known.and_then(|f| f.establishment_body)),
            postal_code: known_or(&self.postal_code, |f| &f.postal_code),
            street_address: known_or(&self.street_address, |f| &f.street_address),
            phone: known_or(&self.phone, |f| &f.phone),
            location: self.location.or(known.and_then(|f| f.location)),
            capacity: if self.capacity == ChildCapacity::default() {
                known.map(|f| f.capacity.clone()).unwrap_or_default()
            } else {
                self.capacity
            },
            bookable: known.is_some_and(|facility| facility.bookable),
            message_to_parents: known.and_then(|facility| facility.message_to_parents.clone()),
            external_booking_url: known.and_then(|facility| facility.external_booking_url.clone()),
            booking_closes_hours_before: known.map_or_else(
                || Settings::default().booking_closes_hours_before,
                |facility| facility.booking_closes_hours_before,
            ),
            facility_name: self.facility_name,
            municipality_code: self.municipality_code,
            municipality: self.municipality,
            prefecture: self.prefecture,
            details: known.map(|facility| facility.details.clone()).unwrap_or_default(),
            notes: known.map(|facility| facility.notes.clone()).unwrap_or_default(),
            updated_at: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-12-01T10:00:00+09:00";
    const LIST: &str = "事業所番号,施設の名称,施設類型,施設_設置主体,郵便番号,都道府県,市区町村,町名・番地,施設の連絡先_電話番号,合計_利用定員数,緯度,経度
,かないくぼ保育園,保育所,公立,173-0004,東京都,板橋区,板橋2-21-1,03-0000-0000,103,35.75,139.71
";

    fn facilities(rows: Vec<FacilityRow>) -> Vec<Facility> {
        rows.into_iter().map(|row| row.into_facility(None, NOW.parse().unwrap())).collect()
    }

    #[test]
    fn the_same_list_is_read_in_every_encoding() {
        let expected = facilities(facility_rows(LIST.as_bytes()).unwrap());
        assert_eq!(expected[0].postal_code.as_deref(), Some("1730004"));
        assert_eq!(expected[0].capacity.total, Some(103));
        let with_bom = format!("\u{feff}{LIST}");
        let cp932 = encoding_rs::SHIFT_JIS.encode(LIST).0;
        let utf16: Vec<u8> = with_bom.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [with_bom.as_bytes(), &cp932, &utf16] {
            assert_eq!(facilities(facility_rows(bytes).unwrap()), expected);
        }
    }

    #[test]
    fn headings_may_vary_in_separator_and_width() {
        let list = LIST.replace("施設の連絡先_電話番号", "施設の連絡先　電話番号");
        assert!(facilities(facility_rows(list.as_bytes()).unwrap())[0].phone.is_some());
    }

    #[test]
    fn each_wrong_value_is_told_with_line_and_column() {
        let list = format!(
            "{LIST},,保育園,公立,1,東京都,板橋村,,x,-1,135,35\n,かないくぼ保育園,,,,東京都,板橋区,,,,,\n"
        );
        let errors = facility_rows(list.as_bytes()).unwrap_err();
        let told: Vec<_> = errors.iter().map(|e| (e.line, e.column.as_str())).collect();
        assert!(told.contains(&(3, "施設の名称")) && told.contains(&(3, "市区町村")), "{told:?}");
        assert!(told.contains(&(4, "施設の名称")), "the same facility twice: {told:?}");
        let heading = facility_rows("名前\nx\n".as_bytes()).unwrap_err();
        assert_eq!(heading.len(), 3);
    }

    #[test]
    fn a_cell_is_one_line_and_each_column_tells_its_own_error() {
        let list = LIST
            .replace("板橋2-21-1", "\"板橋2-21-1\r\nひかりビル\"")
            .replace("173-0004", "〒１７３−０００４")
            .replace("03-0000-0000", "（03）0000−0000");
        let read = facilities(facility_rows(list.as_bytes()).unwrap());
        assert_eq!(read[0].street_address.as_deref(), Some("板橋2-21-1 ひかりビル"));
        assert_eq!(read[0].postal_code.as_deref(), Some("1730004"));
        assert_eq!(read[0].phone.as_deref(), Some("03-0000-0000"));

        let long = "あ".repeat(201);
        let list = LIST
            .replace("かないくぼ保育園", "かないくぼ\u{202e}保育園")
            .replace("板橋2-21-1", &long)
            .replace("03-0000-0000", &format!("0{}", "-".repeat(60)));
        let errors = facility_rows(list.as_bytes()).unwrap_err();
        let columns: Vec<_> = errors.iter().map(|error| error.column.as_str()).collect();
        assert_eq!(columns, ["施設の名称", "町名・番地", "施設の連絡先_電話番号"]);
    }

    #[test]
    fn an_island_is_found_in_either_writing() {
        for island in ["青ケ島村", "青ヶ島村", "青ｹ島村"] {
            let list = LIST.replace("板橋区", island);
            let read = facilities(facility_rows(list.as_bytes()).unwrap());
            assert_eq!(
                (read[0].municipality.as_str(), read[0].municipality_code.to_string().as_str()),
                ("青ヶ島村", "134023")
            );
        }
    }

    #[test]
    fn a_second_import_finds_what_the_first_made() {
        let now = NOW.parse().unwrap();
        let known = facilities(facility_rows(LIST.as_bytes()).unwrap());
        let again = facility_rows(LIST.as_bytes()).unwrap().remove(0);
        let found = again.find(&known).unwrap();
        assert!(again.clone().into_facility(Some(found), now).has_same_content_as(found));

        let numbered = LIST.replace("\n,かな", "\n1311900000001,かな");
        let row = facility_rows(numbered.as_bytes()).unwrap().remove(0);
        let updated = row.clone().into_facility(row.find(&known), now);
        assert_eq!(updated.facility_id, known[0].facility_id, "a number is added, not a facility");
        assert_eq!(updated.office_number.as_deref(), Some("1311900000001"));
    }
}
