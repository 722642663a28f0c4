//! The classes of identifiers: the eighteen of HIPAA Safe Harbor (45 CFR 164.514(b)(2)(i)), and a few that are found beyond.

use serde::Serialize;

/// What an identifier is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierClass {
    /// A person's name or initials: patient, relative, provider, anybody (A).
    Name,
    /// A place smaller than a state: street, city, county (B).
    Location,
    /// A postal code (B).
    Zip,
    /// A date, but for a year alone (C).
    Date,
    /// A time of day beside a date.
    Time,
    /// An age over 89 (C).
    Age,
    /// A telephone, pager or extension number (D).
    Phone,
    /// A fax number (E).
    Fax,
    /// An e-mail address (F).
    Email,
    /// A social security number (G).
    Ssn,
    /// A medical record number (H).
    RecordNumber,
    /// A number of a health plan's member (I).
    PlanNumber,
    /// An account, visit or claim number (J).
    AccountNumber,
    /// A number of a certificate or licence: NPI, DEA, driver's licence (K).
    Licence,
    /// A vehicle's number or plate (L).
    Vehicle,
    /// A device's identifier or serial number (M).
    Device,
    /// A web address or an account of a network (N).
    Url,
    /// An IP address (O).
    Ip,
    /// The identifier of a biometric record (P). A photograph's (Q) is found as [`Self::Code`]: text alone is read.
    Biometric,
    /// Any other number or code that is one person's: accession, specimen, reference, study subject (R).
    Code,
    /// A hospital, department, employer or school.
    Organization,
    /// A room, bed or ward.
    Room,
    /// A word or a number that no list and no form of clinical writing knows: it may be an identifier.
    Other,
}

impl IdentifierClass {
    /// All classes.
    pub const ALL: [Self; 23] = [
        Self::Name,
        Self::Location,
        Self::Zip,
        Self::Date,
        Self::Time,
        Self::Age,
        Self::Phone,
        Self::Fax,
        Self::Email,
        Self::Ssn,
        Self::RecordNumber,
        Self::PlanNumber,
        Self::AccountNumber,
        Self::Licence,
        Self::Vehicle,
        Self::Device,
        Self::Url,
        Self::Ip,
        Self::Biometric,
        Self::Code,
        Self::Organization,
        Self::Room,
        Self::Other,
    ];

    /// The word of its tag, without brackets.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::Location => "LOCATION",
            Self::Zip => "ZIP",
            Self::Date => "DATE",
            Self::Time => "TIME",
            Self::Age => "AGE",
            Self::Phone => "PHONE",
            Self::Fax => "FAX",
            Self::Email => "EMAIL",
            Self::Ssn => "SSN",
            Self::RecordNumber => "MRN",
            Self::PlanNumber => "PLAN",
            Self::AccountNumber => "ACCOUNT",
            Self::Licence => "LICENCE",
            Self::Vehicle => "VEHICLE",
            Self::Device => "DEVICE",
            Self::Url => "URL",
            Self::Ip => "IP",
            Self::Biometric => "BIOMETRIC",
            Self::Code => "CODE",
            Self::Organization => "ORGANIZATION",
            Self::Room => "ROOM",
            Self::Other => "OTHER",
        }
    }
}

impl std::str::FromStr for IdentifierClass {
    type Err = ();
    fn from_str(tag: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|class| class.tag() == tag).ok_or(())
    }
}
