//! What a receiver of HL7 version 2 wants of a finished encounter.

use serde::{Deserialize, Serialize};

/// Which message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AbstractFormat {
    /// DFT^P03: one transaction with the diagnoses, for billing.
    Dft,
    /// BAR^P05: the account's diagnoses anew.
    Bar,
    /// MDM^T02: a document with the abstract as text.
    Mdm,
    /// ORU^R01: a result with the abstract as text.
    Oru,
}

/// What a receiver wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HL7Destination {
    /// Which message.
    pub format: AbstractFormat,
    /// MSH-3.
    #[serde(default = "abstractor")]
    pub sending_application: String,
    /// MSH-4.
    #[serde(default)]
    pub sending_facility: String,
    /// MSH-5.
    #[serde(default)]
    pub receiving_application: String,
    /// MSH-6.
    #[serde(default)]
    pub receiving_facility: String,
    /// FT1-7 of DFT: the code of the transaction that carries the diagnoses.
    #[serde(default = "transaction")]
    pub transaction_code: String,
    /// Whether a BAR also has the allergies, as AL1.
    #[serde(default)]
    pub allergies: bool,
    /// Whether a BAR also has the diagnoses as problems, as PRB. The standard has no place for them; some receivers ask for them.
    #[serde(default)]
    pub problems: bool,
}

fn abstractor() -> String {
    "ABSTRACTOR".to_owned()
}

fn transaction() -> String {
    "ABSTRACT".to_owned()
}

impl HL7Destination {
    /// A format with everything else as it is when nothing is said.
    #[must_use]
    pub fn of(format: AbstractFormat) -> Self {
        Self {
            format,
            sending_application: abstractor(),
            sending_facility: String::new(),
            receiving_application: String::new(),
            receiving_facility: String::new(),
            transaction_code: transaction(),
            allergies: false,
            problems: false,
        }
    }
}
