use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Invalid,
    item::{Format, plain},
};

/// A place on earth, in decimal degrees (JGD2011, which equals WGS 84 here).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Location {
    /// Latitude, north positive.
    pub lat: f64,
    /// Longitude, east positive.
    pub lon: f64,
}

impl Location {
    /// A place in Japan.
    pub fn in_japan(lat: f64, lon: f64) -> Result<Self, Invalid> {
        let japan = (20.0..=46.0).contains(&lat) && (122.0..=154.0).contains(&lon);
        if japan { Ok(Self { lat, lon }) } else { Err(Invalid::OutsideJapan) }
    }
}

impl std::str::FromStr for Location {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        <Self as Format>::read(text)
    }
}

crate::invalid::deserr_from_text!(Location);

impl Format for Location {
    type Value = Self;
    const TYPE: &'static str = "object";

    /// Latitude and longitude, as in `35.7512345,139.7123456`.
    fn read(cell: &str) -> Result<Self, Invalid> {
        const FORM: Invalid = Invalid::Format("35.7512345,139.7123456");
        let cell = plain(cell);
        let (lat, lon) = cell.split_once([',', '、']).ok_or(FORM)?;
        let degrees = |text: &str| text.parse::<f64>().map_err(|_| FORM);
        Self::in_japan(degrees(lat)?, degrees(lon)?)
    }

    fn write(value: &Self) -> String {
        format!("{},{}", value.lat, value.lon)
    }
}
