//! What another model or vocabulary has to show before it is served.

use serde::Deserialize;

use super::within;
use crate::{domain::ShadowRule, service::OversightSettings};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShadowTable {
    #[serde(default)]
    required: bool,
    margin: Option<f64>,
    encounters: Option<u64>,
}

impl ShadowTable {
    pub(super) fn checked(&self) -> Result<OversightSettings, String> {
        let mut rule = ShadowRule::default();
        if let Some(margin) = self.margin {
            if !(margin > 0.0 && margin <= 0.2) {
                return Err("margin of [shadow] must be more than 0 and at most 0.2".to_owned());
            }
            rule.margin = margin;
        }
        if let Some(encounters) = self.encounters {
            within("encounters of [shadow]", encounters, 100_000)?;
            rule.encounters = encounters;
        }
        Ok(OversightSettings { required: self.required, rule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_checked() {
        let read = |text: &str| toml::from_str::<ShadowTable>(text).map_err(|error| error.to_string())?.checked();
        let none = read("").expect("can be used");
        assert_eq!((none.required, none.rule), (false, ShadowRule::default()));
        let all = read("required = true\nmargin = 0.05\nencounters = 10").expect("can be used");
        assert_eq!((all.required, all.rule), (true, ShadowRule { margin: 0.05, encounters: 10 }));
        for wrong in ["margin = 0.0", "margin = 0.5", "encounters = 0", "else = 1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
