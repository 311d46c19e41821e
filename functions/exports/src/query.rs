//! What an export is asked with.

use deserr::Deserr;
use domain::{Invalid, MunicipalityCode, calendar::Month, invalid::InputErrors};
use hub_http::{QueryParams, given};
use utoipa::{IntoParams, ToSchema};

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum Format {
    /// The hub's own list, for spreadsheets and for importing again.
    Csv,
    /// The national layout, for publication.
    Opendata,
    /// A row for each observation, for programs and publication.
    Long,
    /// The archive, or a part of it.
    Json,
}

impl TryFrom<String> for Format {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        match text.as_str() {
            "csv" => Ok(Self::Csv),
            "opendata" => Ok(Self::Opendata),
            "long" => Ok(Self::Long),
            "json" => Ok(Self::Json),
            _ => Err(Invalid::Format("csv、opendata、long、json")),
        }
    }
}

/// Whose data, and in which form.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = InputErrors, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// `csv` where it is not said; of `all`, `json`. `opendata` is of facilities alone, `long` of procedures and vacancies.
    #[deserr(default, try_from(String) = given::<Format> -> Invalid)]
    #[param(inline, value_type = Option<Format>)]
    pub(crate) format: Option<Format>,
    /// Of these municipalities; may be repeated. An operator names at least one, municipal staff need none.
    #[deserr(default)]
    #[param(explode = true, required = false)]
    pub(crate) municipality: Vec<MunicipalityCode>,
    /// Of vacancies: of this month; of all months where it is not said.
    #[deserr(default, try_from(String) = given::<Month> -> Invalid)]
    pub(crate) base_month: Option<Month>,
}

impl QueryParams for ExportQuery {
    const LISTS: &'static [&'static str] = &["municipality"];
}
