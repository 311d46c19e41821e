//! What can be wrong with one value that somebody entered.

use std::{fmt, ops::ControlFlow};

use deserr::{DeserializeError, ErrorKind, IntoValue, MergeWithError, ValueKind, ValuePointerRef};

/// Why a value is refused, in a form that can be told to a person in Japanese or English.
///
/// The value itself is never part of it: it may be personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A required value is absent or empty.
    Missing,
    /// The field is not one that the request knows.
    UnknownField,
    /// The field is in the request more than once.
    Repeated,
    /// The JSON type is another; carries the name of the expected one, such as `string`.
    WrongType(&'static str),
    /// The value does not have the expected form; carries an example or a list of allowed values, and no words.
    Format(&'static str),
    /// The value is none of those that are listed for it.
    NotListed,
    /// A field of one line has a break.
    LineBreak,
    /// A character that cannot be seen, or that turns the direction of writing.
    ControlCharacter,
    /// Longer than this many characters.
    TooLong(usize),
    /// Outside of the inclusive range.
    OutOfRange(i64, i64),
    /// Ends before it starts, or a `to` before its `from`.
    EndsBeforeStart,
    /// Lies in the future, where something is to have happened.
    InTheFuture,
    /// Does not lie in the future, where something is to happen.
    InThePast,
    /// No date of the years that the hub knows.
    NotOfThisAge,
    /// Past the last year whose holidays are known.
    HolidaysUnknown(i16),
    /// Starts on one day and ends on another.
    AcrossDays,
    /// Another value than it has; the caller may not change it.
    Unchangeable,
    /// A change after which everything is as it is now.
    ChangesNothing,
    /// Somebody else changed it since this was asked for.
    ChangedSince,
    /// Says the opposite of another field, which is named.
    NotTogether(&'static str),
    /// A place that is not in Japan.
    OutsideJapan,
    /// The cursor of another list, or no cursor.
    Cursor,
    /// Nothing with this id exists where the request looks for it.
    NoSuch(&'static str),
    /// The code of another municipality than the one that is named beside it.
    CodeOfAnother {
        /// The name.
        name: &'static str,
        /// The code of the municipality with this name.
        code: String,
    },
    /// A file that is no text with separators; carries what it is, such as `a PDF document`.
    OtherFile(&'static str),
    /// A file in no encoding that is accepted.
    Encoding,
    /// A file without a line of headings.
    NoHeadings,
    /// A value in a column that has no heading.
    NoHeading,
    /// A row with fewer or more cells than there are headings.
    CellCount {
        /// How many headings there are.
        headings: usize,
        /// How many cells the row has, without empty ones beyond the headings.
        cells: usize,
    },
    /// A cell that begins with a quote and is not closed by one.
    OpenQuote,
    /// What an earlier line of the list is about too, with other values.
    SameAsLine(u64),
    /// Fits so many things, and it cannot be told which is meant.
    Ambiguous(usize),
    /// Belongs to another municipality than the one that the caller works for.
    OfAnotherMunicipality,
    /// The archive of a hub, sent to one that has facilities already.
    HubNotEmpty,
    /// A file that has more bytes than an import takes, packed or unpacked; carries how many megabytes those are.
    FileTooLarge(usize),
    /// A packed file that is broken.
    NotUnpacked,
    /// Says nothing without another value, which is named.
    Needs(&'static str),
    /// The text is not well-formed JSON, CSV or an accepted encoding.
    Malformed,
}

impl Invalid {
    /// The reason in Japanese, for the people who enter data and for the default of the API.
    pub fn ja(&self) -> String {
        match self {
            Self::Missing => "入力してください。".into(),
            Self::UnknownField => "この項目は使えません。".into(),
            Self::Repeated => "同じ項目が2回以上あります。".into(),
            Self::WrongType(expected) => format!("型が違います（{}）。", type_ja(expected)),
            Self::Format(expected) => format!("形式が正しくありません（{expected}）。"),
            Self::NotListed => "選択肢にない値です。".into(),
            Self::LineBreak => "改行は使えません。".into(),
            Self::ControlCharacter => "使えない制御文字が含まれています。".into(),
            Self::TooLong(max) => format!("{max}文字以内で入力してください。"),
            Self::OutOfRange(min, max) => {
                format!("{min}から{max}までの値を入力してください。")
            }
            Self::EndsBeforeStart => "終わりが始まりより前です。".into(),
            Self::InTheFuture => "未来の日時は使えません。".into(),
            Self::InThePast => "これからの日時を入力してください。".into(),
            Self::NotOfThisAge => "2020年から2100年までの日付を入力してください。".into(),
            Self::HolidaysUnknown(year) => {
                format!("祝日が分かるのは{year}年までです。それより前の日付を入力してください。")
            }
            Self::AcrossDays => "始まりと終わりを同じ日にしてください。".into(),
            Self::Unchangeable => "この項目は変更できません。".into(),
            Self::ChangesNothing => "今の内容と同じです。変更する項目を入力してください。".into(),
            Self::ChangedSince => "依頼の後に、ほかで変更されています。".into(),
            Self::NotTogether(other) => format!("{other}と同時には使えません。"),
            Self::OutsideJapan => "日本国内の緯度・経度を入力してください。".into(),
            Self::Cursor => "同じ一覧の続きを示す値ではありません。".into(),
            Self::NoSuch(what) => format!("該当する{what}がありません。", what = noun_ja(what)),
            Self::CodeOfAnother { name, code } => {
                format!("区市町村のコードではありません（{name}は{code}）。")
            }
            Self::OtherFile(kind) => {
                format!("{}「CSV UTF-8」で保存し直してください。", other_file_ja(kind))
            }
            Self::Encoding => {
                "文字コードを読み取れません。「CSV UTF-8」で保存し直してください。".into()
            }
            Self::NoHeadings => "見出しの行がありません。1行目に項目名を入力してください。".into(),
            Self::NoHeading => "見出しのない列に値があります。".into(),
            Self::CellCount { headings, cells } => {
                format!("列の数が見出しと合いません（見出し{headings}列、この行{cells}列）。")
            }
            Self::OpenQuote => "引用符（\"）が正しく閉じられていません。".into(),
            Self::SameAsLine(line) => {
                format!("{line}行目と同じものですが、内容が違います。一方を削除してください。")
            }
            Self::Ambiguous(count) => {
                format!("該当する施設が{count}件あります。事業所番号を入力してください。")
            }
            Self::OfAnotherMunicipality => "他の区市町村のものです。".into(),
            Self::HubNotEmpty => {
                "この基盤にはすでに施設があります。空の基盤にだけ取り込めます。".into()
            }
            Self::FileTooLarge(megabytes) => {
                format!("ファイルが大きすぎます（上限は、展開後の大きさで{megabytes}MB）。")
            }
            Self::NotUnpacked => "圧縮されたファイル（gzip）が壊れています。".into(),
            Self::Needs(other) => format!("{other}も指定してください。"),
            Self::Malformed => "読み取れない形式です。".into(),
        }
    }

    /// The reason in English.
    pub fn en(&self) -> String {
        match self {
            Self::Missing => "is required".into(),
            Self::UnknownField => "is not a field of this request".into(),
            Self::Repeated => "is in the request more than once".into(),
            Self::WrongType(expected) => format!("must be of type {expected}"),
            Self::Format(expected) => format!("must have the form {expected}"),
            Self::NotListed => "is none of the listed values".into(),
            Self::LineBreak => "must be on one line".into(),
            Self::ControlCharacter => "must have no control characters".into(),
            Self::TooLong(max) => format!("must have at most {max} characters"),
            Self::OutOfRange(min, max) => format!("must be from {min} to {max}"),
            Self::EndsBeforeStart => "ends before it starts".into(),
            Self::InTheFuture => "must not lie in the future".into(),
            Self::InThePast => "must lie in the future".into(),
            Self::NotOfThisAge => "must be from 2020 to 2100".into(),
            Self::HolidaysUnknown(year) => {
                format!("holidays are known until the end of {year}")
            }
            Self::AcrossDays => "must start and end on one day".into(),
            Self::Unchangeable => "must be as it is".into(),
            Self::ChangesNothing => "must change something".into(),
            Self::ChangedSince => "was changed by somebody else since".into(),
            Self::NotTogether(other) => format!("must not come together with {other}"),
            Self::OutsideJapan => "must be within Japan".into(),
            Self::Cursor => "must be the next_cursor of the same list".into(),
            Self::NoSuch(what) => format!("no such {what}"),
            Self::CodeOfAnother { name, code } => {
                format!("is of another municipality: that of {name} is {code}")
            }
            Self::OtherFile(kind) => format!("is {kind}: save the table as CSV UTF-8"),
            Self::Encoding => "must be encoded in UTF-8, UTF-16 or CP932".into(),
            Self::NoHeadings => "must begin with a line of headings".into(),
            Self::NoHeading => "is in a column without a heading".into(),
            Self::CellCount { headings, cells } => {
                format!("must have {headings} cells as the headings, not {cells}")
            }
            Self::OpenQuote => "has a quote that is not closed".into(),
            Self::SameAsLine(line) => {
                format!("is the same thing as line {line}, with other values")
            }
            Self::Ambiguous(count) => format!("fits {count} things: state its number"),
            Self::OfAnotherMunicipality => "belongs to another municipality".into(),
            Self::HubNotEmpty => "is taken by an empty hub alone".into(),
            Self::FileTooLarge(megabytes) => {
                format!("must have at most {megabytes} MB, also when it is unpacked")
            }
            Self::NotUnpacked => "is packed (gzip) and broken".into(),
            Self::Needs(other) => format!("needs {other} beside it"),
            Self::Malformed => "cannot be read".into(),
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en())
    }
}

fn noun_ja(noun: &str) -> &str {
    match noun {
        "facility" => "施設",
        "slot" => "予約枠",
        "prefecture" => "都道府県",
        "municipality" => "区市町村",
        _ => "もの",
    }
}

fn other_file_ja(kind: &str) -> &str {
    match kind {
        "an Excel workbook or a ZIP archive" => "ExcelのブックまたはZIPファイルです。Excelで開き、",
        "an Excel workbook" => "Excelのブックです。Excelで開き、",
        "a PDF document" => "PDFです。元の表を",
        "a web page" => "ウェブページ（HTML）です。表をExcelなどで開き、",
        "gzip within gzip" => "gzipで二重に圧縮されています。圧縮を解き、",
        _ => "表のテキストではありません。",
    }
}

fn type_ja(kind: &str) -> &str {
    match kind {
        "null" => "null",
        "boolean" => "真偽値",
        "integer" => "整数",
        "number" => "数値",
        "string" => "文字列",
        "array" => "配列",
        _ => "オブジェクト",
    }
}

/// One wrong value of a request body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    /// Where it is, as a JSON pointer (RFC 6901); empty for the body itself.
    pub pointer: String,
    /// What is wrong with it.
    pub invalid: Invalid,
}

/// Everything that is wrong with a request body, gathered in one pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputErrors(pub Vec<InputError>);

impl InputErrors {
    /// A single error at a pointer such as `/slot_id`.
    pub fn one(pointer: impl Into<String>, invalid: Invalid) -> Self {
        Self(vec![InputError { pointer: pointer.into(), invalid }])
    }

    fn and(previous: Option<Self>, pointer: String, invalid: Invalid) -> ControlFlow<Self, Self> {
        let mut all = previous.unwrap_or_default();
        all.0.push(InputError { pointer, invalid });
        ControlFlow::Continue(all)
    }
}

impl MergeWithError<InputErrors> for InputErrors {
    fn merge(this: Option<Self>, other: Self, _: ValuePointerRef<'_>) -> ControlFlow<Self, Self> {
        let mut all = this.unwrap_or_default();
        all.0.extend(other.0);
        ControlFlow::Continue(all)
    }
}

impl MergeWithError<Invalid> for InputErrors {
    fn merge(
        this: Option<Self>,
        invalid: Invalid,
        at: ValuePointerRef<'_>,
    ) -> ControlFlow<Self, Self> {
        Self::and(this, pointer(at), invalid)
    }
}

impl DeserializeError for InputErrors {
    fn error<V: IntoValue>(
        this: Option<Self>,
        error: ErrorKind<'_, V>,
        at: ValuePointerRef<'_>,
    ) -> ControlFlow<Self, Self> {
        let (key, invalid) = match error {
            ErrorKind::MissingField { field } => (Some(field), Invalid::Missing),
            ErrorKind::UnknownKey { key, .. } => (Some(key), Invalid::UnknownField),
            ErrorKind::IncorrectValueKind { accepted, .. } => {
                (None, Invalid::WrongType(accepted.first().map_or("object", kind_name)))
            }
            ErrorKind::UnknownValue { .. } => (None, Invalid::NotListed),
            ErrorKind::BadSequenceLen { .. } | ErrorKind::Unexpected { .. } => {
                (None, Invalid::Malformed)
            }
        };
        let mut place = pointer(at);
        if let Some(key) = key {
            push_token(&mut place, key);
        }
        Self::and(this, place, invalid)
    }
}

fn kind_name(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::Null => "null",
        ValueKind::Boolean => "boolean",
        ValueKind::Integer | ValueKind::NegativeInteger => "integer",
        ValueKind::Float => "number",
        ValueKind::String => "string",
        ValueKind::Sequence => "array",
        ValueKind::Map => "object",
    }
}

fn pointer(at: ValuePointerRef<'_>) -> String {
    match at {
        ValuePointerRef::Origin => String::new(),
        ValuePointerRef::Key { key, prev } => {
            let mut path = pointer(*prev);
            push_token(&mut path, key);
            path
        }
        ValuePointerRef::Index { index, prev } => format!("{}/{index}", pointer(*prev)),
    }
}

/// Goes one step down a JSON pointer.
pub fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
}

/// Reads a whole number from `MIN` to `MAX`.
pub fn within<const MIN: i64, const MAX: i64, N: TryFrom<i64>>(number: i64) -> Result<N, Invalid> {
    if !(MIN..=MAX).contains(&number) {
        return Err(Invalid::OutOfRange(MIN, MAX));
    }
    N::try_from(number).map_err(|_| Invalid::OutOfRange(MIN, MAX))
}

/// Lets a type that has `FromStr` be a field of a request body.
macro_rules! deserr_from_text {
    ($type:ty) => {
        impl<E> deserr::Deserr<E> for $type
        where
            E: deserr::DeserializeError + deserr::MergeWithError<$crate::Invalid>,
        {
            fn deserialize_from_value<V: deserr::IntoValue>(
                value: deserr::Value<V>,
                location: deserr::ValuePointerRef<'_>,
            ) -> Result<Self, E> {
                let text = String::deserialize_from_value(value, location)?;
                text.parse()
                    .map_err(|invalid| deserr::take_cf_content(E::merge(None, invalid, location)))
            }
        }
    };
}
pub(crate) use deserr_from_text;
