//! The kinds of releases that can be kept, and what a person must know of each.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::BuildError;
use crate::releases::{
    Output, Release, Summary,
    icd10cm::{addenda, complications, conversion, drugs, exempt, gems, hcc, index, neoplasms, order, tabular},
    terminologies::{fhir, rxnorm, rxterms, site_terms, snomed_gps, snomed_rf2, umls, unii},
};

/// A kind of release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// ICD-10-CM tabular list.
    Icd10cmTabular,
    /// ICD-10-CM Alphabetic Index.
    Icd10cmIndex,
    /// ICD-10-CM External Cause of Injuries Index.
    Icd10cmExternalCauses,
    /// ICD-10-CM Table of Neoplasms.
    Icd10cmNeoplasms,
    /// ICD-10-CM Table of Drugs and Chemicals.
    Icd10cmDrugs,
    /// ICD-10-CM order file.
    Icd10cmOrder,
    /// Addenda of the order and codes files.
    Icd10cmAddenda,
    /// ICD-10-CM conversion table.
    Icd10cmConversion,
    /// Codes that need no present-on-admission indicator.
    Icd10cmPoaExempt,
    /// Complications or comorbidities, and major ones.
    Icd10cmCcMcc,
    /// General Equivalence Mappings.
    Gems,
    /// CMS-HCC categories.
    CmsHcc,
    /// RxNorm.
    Rxnorm,
    /// RxTerms.
    Rxterms,
    /// SNOMED CT, Release Format 2.
    SnomedRf2,
    /// SNOMED CT Global Patient Set.
    SnomedGps,
    /// UMLS Metathesaurus.
    Umls,
    /// UNII lists.
    Unii,
    /// FHIR value sets and code systems.
    Fhir,
    /// A site's own terms.
    SiteTerms,
}

/// What is said of a kind: its word, its title, its licence, its attribution, what it needs.
struct Said {
    word: &'static str,
    title: &'static str,
    licence: &'static str,
    attribution: &'static str,
    needs: &'static str,
}

/// Licence of what the government publishes.
pub(super) const PUBLIC_DOMAIN: &str = "Work of the United States Government, public domain; no licence is needed.";
const UMLS_LICENCE: &str =
    "UMLS Metathesaurus License, free of charge with an account at the NLM; the tables must not be passed on to others.";
/// Who must be named for ICD-10-CM.
pub(super) const NCHS: &str = "ICD-10-CM: Centers for Disease Control and Prevention, National Center for Health Statistics, and Centers for \
                    Medicare & Medicaid Services.";
/// Who must be named for what CMS publishes.
pub(super) const CMS: &str = "Centers for Medicare & Medicaid Services.";
/// Who must be named for RxNorm and RxTerms.
pub(super) const NLM: &str = "This product uses publicly available data from the U.S. National Library of Medicine (NLM), National Institutes of \
                   Health, Department of Health and Human Services; NLM is not responsible for the product and does not endorse or \
                   recommend this or any other product.";
const SNOMED: &str = "This product includes content of SNOMED CT, (c) SNOMED International. SNOMED and SNOMED CT are registered \
                      trademarks of SNOMED International, which does not endorse this product.";

impl Kind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Self; 20] = [
        Self::Icd10cmTabular,
        Self::Icd10cmIndex,
        Self::Icd10cmExternalCauses,
        Self::Icd10cmNeoplasms,
        Self::Icd10cmDrugs,
        Self::Icd10cmOrder,
        Self::Icd10cmAddenda,
        Self::Icd10cmConversion,
        Self::Icd10cmPoaExempt,
        Self::Icd10cmCcMcc,
        Self::Gems,
        Self::CmsHcc,
        Self::Rxnorm,
        Self::Rxterms,
        Self::SnomedRf2,
        Self::SnomedGps,
        Self::Umls,
        Self::Unii,
        Self::Fhir,
        Self::SiteTerms,
    ];

    /// The word of the command line and of the folder.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.said().word
    }

    /// What it is called.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.said().title
    }

    /// Under which licence it may be used, as a sentence.
    #[must_use]
    pub const fn licence(self) -> &'static str {
        self.said().licence
    }

    /// Who must be named, as a sentence; empty for a site's own terms.
    #[must_use]
    pub const fn attribution(self) -> &'static str {
        self.said().attribution
    }

    /// Which files it needs, for help.
    #[must_use]
    pub const fn needs(self) -> &'static str {
        self.said().needs
    }

    /// Whether it belongs to an edition of ICD-10-CM, named by its fiscal year.
    pub(super) const fn is_of_an_edition(self) -> bool {
        matches!(
            self,
            Self::Icd10cmTabular
                | Self::Icd10cmIndex
                | Self::Icd10cmExternalCauses
                | Self::Icd10cmPoaExempt
                | Self::Icd10cmCcMcc
                | Self::Icd10cmNeoplasms
                | Self::Icd10cmDrugs
                | Self::Icd10cmOrder
                | Self::Icd10cmAddenda
                | Self::Icd10cmConversion
        )
    }

    /// Whether it makes an edition, so that its first day must be known.
    pub(super) const fn makes_an_edition(self) -> bool {
        matches!(self, Self::Icd10cmTabular | Self::Icd10cmOrder | Self::Icd10cmAddenda)
    }

    /// Reads the release.
    pub(super) fn read(self, release: &Release, out: &mut dyn Output) -> crate::releases::Result<Summary> {
        let import = match self {
            Self::Icd10cmTabular => tabular::import,
            Self::Icd10cmIndex => index::import,
            Self::Icd10cmExternalCauses => index::import_external_causes,
            Self::Icd10cmPoaExempt => exempt::import,
            Self::Icd10cmCcMcc => complications::import,
            Self::Icd10cmNeoplasms => neoplasms::import,
            Self::Icd10cmDrugs => drugs::import,
            Self::Icd10cmOrder => order::import,
            Self::Icd10cmAddenda => addenda::import,
            Self::Icd10cmConversion => conversion::import,
            Self::Gems => gems::import,
            Self::CmsHcc => hcc::import,
            Self::Rxnorm => rxnorm::import,
            Self::Rxterms => rxterms::import,
            Self::SnomedRf2 => snomed_rf2::import,
            Self::SnomedGps => snomed_gps::import,
            Self::Umls => umls::import,
            Self::Unii => unii::import,
            Self::Fhir => fhir::import,
            Self::SiteTerms => site_terms::import,
        };
        import(release, out)
    }

    const fn said(self) -> Said {
        match self {
            Self::Icd10cmTabular => Said {
                word: "icd10cm-tabular",
                title: "ICD-10-CM Tabular List of Diseases and Injuries",
                licence: PUBLIC_DOMAIN,
                attribution: NCHS,
                needs: "icd10cm_tabular_YYYY.xml, or the zip \"Code Tables, Tabular and Index\" of CMS or the CDC",
            },
            Self::Icd10cmIndex => Said {
                word: "icd10cm-index",
                title: "ICD-10-CM Index to Diseases and Injuries",
                licence: PUBLIC_DOMAIN,
                attribution: NCHS,
                needs: "icd10cm_index_YYYY.xml, or the zip \"Code Tables, Tabular and Index\" of CMS or the CDC",
            },
            Self::Icd10cmExternalCauses => Said {
                word: "icd10cm-external-causes",
                title: "ICD-10-CM External Cause of Injuries Index",
                licence: PUBLIC_DOMAIN,
                attribution: NCHS,
                needs: "icd10cm_eindex_YYYY.xml, or the zip \"Code Tables, Tabular and Index\" of CMS or the CDC. It is kept only: no table is made of it",
            },
            Self::Icd10cmPoaExempt => Said {
                word: "icd10cm-poa-exempt",
                title: "ICD-10-CM codes that are exempt from present-on-admission reporting",
                licence: PUBLIC_DOMAIN,
                attribution: CMS,
                needs: "the list of CMS as text or CSV, each row with a code (\"Z38.00\") and its title",
            },
            Self::Icd10cmCcMcc => Said {
                word: "icd10cm-cc-mcc",
                title: "ICD-10-CM complications or comorbidities (CC) and major ones (MCC) of the MS-DRGs",
                licence: PUBLIC_DOMAIN,
                attribution: CMS,
                needs: "Tables 6I (MCC) and 6J (CC) of the IPPS final rule as text or CSV, or rows with a code and CC or MCC",
            },
            Self::Icd10cmNeoplasms => Said {
                word: "icd10cm-neoplasms",
                title: "ICD-10-CM Table of Neoplasms",
                licence: PUBLIC_DOMAIN,
                attribution: NCHS,
                needs: "icd10cm_neoplasm_YYYY.xml, or the zip \"Code Tables, Tabular and Index\" of CMS or the CDC",
            },
            Self::Icd10cmDrugs => Said {
                word: "icd10cm-drugs",
                title: "ICD-10-CM Table of Drugs and Chemicals",
                licence: PUBLIC_DOMAIN,
                attribution: NCHS,
                needs: "icd10cm_drug_YYYY.xml, or the zip \"Code Tables, Tabular and Index\" of CMS or the CDC",
            },
            Self::Icd10cmOrder => Said {
                word: "icd10cm-order",
                title: "ICD-10-CM codes with titles, order file",
                licence: PUBLIC_DOMAIN,
                attribution: NCHS,
                needs: "icd10cm_order_YYYY.txt, or the zip \"Code Descriptions in Tabular Order\" of CMS; give its fiscal year as release",
            },
            Self::Icd10cmAddenda => Said {
                word: "icd10cm-addenda",
                title: "ICD-10-CM addenda: codes added, deleted and renamed",
                licence: PUBLIC_DOMAIN,
                attribution: NCHS,
                needs: "icd10cm_order_addenda_YYYY.txt or icd10cm_codes_addenda_YYYY.txt; give its fiscal year as release. They must follow on \
                        an edition that is loaded",
            },
            Self::Icd10cmConversion => Said {
                word: "icd10cm-conversion",
                title: "ICD-10-CM conversion table",
                licence: PUBLIC_DOMAIN,
                attribution: NCHS,
                needs: "icd10cm_conversion_table_FYYYYY.txt (the text, not the workbook)",
            },
            Self::Gems => Said {
                word: "gems",
                title: "General Equivalence Mappings between ICD-9-CM and ICD-10-CM",
                licence: PUBLIC_DOMAIN,
                attribution: CMS,
                needs: "2018_I9gem.txt, 2018_I10gem.txt, or both",
            },
            Self::CmsHcc => Said {
                word: "cms-hcc",
                title: "CMS-HCC risk adjustment categories",
                licence: PUBLIC_DOMAIN,
                attribution: CMS,
                needs: "format files such as F2824T1N.TXT under the names of CMS, or the ICD-10 mappings as CSV",
            },
            Self::Rxnorm => Said {
                word: "rxnorm",
                title: "RxNorm",
                licence: "The Current Prescribable Content needs no licence. The full release needs the UMLS Metathesaurus License, free of \
                          charge with an account at the NLM.",
                attribution: NLM,
                needs: "RxNorm_full_prescribe_MMDDYYYY.zip or RxNorm_full_MMDDYYYY.zip (RXNCONSO and RXNREL; RXNSAT for UNII codes)",
            },
            Self::Rxterms => Said {
                word: "rxterms",
                title: "RxTerms",
                licence: "No licence is needed.",
                attribution: NLM,
                needs: "RxTermsYYYYMM.zip (RxTermsYYYYMM.txt and RxTermsIngredientsYYYYMM.txt)",
            },
            Self::SnomedRf2 => Said {
                word: "snomed-rf2",
                title: "SNOMED CT",
                licence: "SNOMED CT Affiliate License: free of charge in member countries (in the United States with the UMLS Metathesaurus \
                          License); the tables must not be passed on to others.",
                attribution: SNOMED,
                needs: "SnomedCT_ManagedServiceUS_PRODUCTION_..._YYYYMMDD.zip; the map to ICD-10-CM is in the US edition only",
            },
            Self::SnomedGps => Said {
                word: "snomed-gps",
                title: "SNOMED CT Global Patient Set",
                licence: "Creative Commons Attribution 4.0 International (https://creativecommons.org/licenses/by/4.0/).",
                attribution: SNOMED,
                needs: "the tab-separated file of the Global Patient Set",
            },
            Self::Umls => Said {
                word: "umls",
                title: "UMLS Metathesaurus",
                licence: UMLS_LICENCE,
                attribution: "Some material in the UMLS Metathesaurus is from copyrighted sources of the respective copyright holders. \
                              Users of the UMLS Metathesaurus are solely responsible for compliance with their terms.",
                needs: "MRCONSO.RRF and MRSTY.RRF, beside them MRSAT.RRF for the case of names, plain, as gz or in a zip",
            },
            Self::Unii => Said {
                word: "unii",
                title: "UNII lists of the Global Substance Registration System",
                licence: PUBLIC_DOMAIN,
                attribution: "Unique Ingredient Identifiers: U.S. Food and Drug Administration.",
                needs: "UNII_Records_DDMonYYYY.txt, beside it UNII_Names_DDMonYYYY.txt, or the zips that hold them",
            },
            Self::Fhir => Said {
                word: "fhir",
                title: "FHIR value sets and code systems",
                licence: "As the resources and their code systems say; check that they may be used.",
                attribution: "As the resources say.",
                needs: "ValueSet (with its expansion), CodeSystem or a Bundle of them, as JSON or NDJSON",
            },
            Self::SiteTerms => Said {
                word: "site-terms",
                title: "The site's own terms",
                licence: "They belong to the site.",
                attribution: "",
                needs: "a CSV in UTF-8 with the columns term, kind, codes, expansion, guard, context, case_sensitive; only term must be there",
            },
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = BuildError;

    fn from_str(word: &str) -> Result<Self, BuildError> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == word);
        found.ok_or_else(|| BuildError::UnknownKind { word: word.to_owned() })
    }
}

/// The words of all kinds, for messages.
pub(super) fn all_words() -> String {
    Kind::ALL.map(Kind::as_str).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back_to_their_kind() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse::<Kind>().expect("a kind"), kind);
            let written = toml::Value::try_from(kind).expect("written");
            assert_eq!(written.as_str(), Some(kind.as_str()));
            assert!(kind.licence().ends_with(['.', ')']) && !kind.title().is_empty() && !kind.needs().is_empty());
        }
        let error = "icd11".parse::<Kind>().expect_err("unknown").to_string();
        assert!(error.contains("\"icd11\"") && error.contains("snomed-rf2, snomed-gps"), "{error}");
    }
}
