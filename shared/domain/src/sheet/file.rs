//! What a file is, and its text.

use std::borrow::Cow;

use encoding_rs::{Encoding, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE};

use crate::Invalid;

/// A file that is no text with separators, whatever its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherFile {
    /// A workbook of today's Excel, which is a ZIP archive, or another archive.
    Zip,
    /// A workbook of Excel until 2003.
    Xls,
    /// A PDF document.
    Pdf,
    /// A page of the web, or a sheet that was saved as one.
    Html,
    /// Gzip, after one layer of it was unpacked.
    Gzip,
}

impl OtherFile {
    const BEGINNINGS: [(&[u8], Self); 5] = [
        (b"PK\x03\x04", Self::Zip),
        (b"PK\x05\x06", Self::Zip),
        (b"\xd0\xcf\x11\xe0", Self::Xls),
        (b"%PDF-", Self::Pdf),
        (b"\x1f\x8b", Self::Gzip),
    ];

    /// What it is and what to do, in Japanese.
    pub(crate) fn ja(self) -> &'static str {
        match self {
            Self::Zip => {
                "ExcelのブックまたはZIPファイルです。Excelで開き、「CSV UTF-8」で保存し直してください。"
            }
            Self::Xls => "Excelのブックです。Excelで開き、「CSV UTF-8」で保存し直してください。",
            Self::Pdf => "PDFです。元の表を「CSV UTF-8」で保存し直してください。",
            Self::Html => {
                "ウェブページ（HTML）です。表をExcelなどで開き、「CSV UTF-8」で保存し直してください。"
            }
            Self::Gzip => "gzipで二重に圧縮されています。圧縮は一度だけにしてください。",
        }
    }

    /// The same in English.
    pub(crate) fn en(self) -> &'static str {
        match self {
            Self::Zip => "is an Excel workbook or a ZIP archive: save it as CSV UTF-8",
            Self::Xls => "is an Excel workbook: save it as CSV UTF-8",
            Self::Pdf => "is a PDF document: save the table as CSV UTF-8",
            Self::Html => "is a web page: save its table as CSV UTF-8",
            Self::Gzip => "is compressed twice: compress it once",
        }
    }
}

/// The text of a file, without its byte order mark. UTF-8 is borrowed, not copied.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Invalid> {
    let other = OtherFile::BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning));
    if let Some((_, other)) = other {
        return Err(Invalid::OtherFile(*other));
    }
    let decode = |encoding: &'static Encoding, bytes| {
        encoding.decode_without_bom_handling_and_without_replacement(bytes)
    };
    let text = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => decode(encoding, &bytes[mark..]),
        None => match utf_16_without_mark(bytes) {
            Some(encoding) => decode(encoding, bytes),
            None => decode(UTF_8, bytes).or_else(|| decode(SHIFT_JIS, bytes)),
        },
    };
    let text = text.ok_or(Invalid::Encoding)?;
    let beginning: String = text.trim_start().chars().take(9).collect();
    let beginning = beginning.to_ascii_lowercase();
    if ["<!doctype", "<html", "<?xml"].iter().any(|tag| beginning.starts_with(tag)) {
        return Err(Invalid::OtherFile(OtherFile::Html));
    }
    Ok(text)
}

/// Told by the separators and line breaks at the beginning, most of which have a zero byte beside them. Zero bytes alone
/// say little: 一 has one in UTF-16, and a stray NUL is one.
fn utf_16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    const BEGINNING: usize = 1024;
    let beginning = &bytes[..bytes.len().min(BEGINNING)];
    let divides = |byte: &u8| b",\t\r\n".contains(byte);
    let units = || beginning.as_chunks::<2>().0.iter();
    let little = units().filter(|[low, high]| *high == 0 && divides(low)).count();
    let big = units().filter(|[high, low]| *high == 0 && divides(low)).count();
    let most = beginning.iter().filter(|byte| divides(byte)).count() / 2;
    if little > most {
        Some(UTF_16LE)
    } else if big > most {
        Some(UTF_16BE)
    } else {
        None
    }
}
