//! Who pays for an encounter, from the codes and words that other systems use for it.

use crate::domain::PayerClass;

/// The class of a claim filing indicator code of X12 (837, SBR09), as insurance plans are often typed. Financial classes and names of companies use the same letters for other things.
pub(super) fn of_claim_filing(code: &str) -> Option<PayerClass> {
    Some(match code {
        "MA" | "MB" => PayerClass::Medicare,
        "16" | "HN" => PayerClass::MedicareAdvantage,
        "MC" => PayerClass::Medicaid,
        "CI" | "BL" | "HM" | "12" | "13" | "14" | "15" | "DS" => PayerClass::Commercial,
        "CH" | "VA" | "OF" | "FI" | "TV" => PayerClass::Government,
        "WC" => PayerClass::WorkersCompensation,
        "09" => PayerClass::SelfPay,
        "AM" | "LM" | "LI" | "ZZ" | "17" | "11" => PayerClass::Other,
        _ => return None,
    })
}

/// The class of a code of the Source of Payment Typology (NAHDO), whose first digits are its groups.
pub(super) fn of_typology(code: &str) -> Option<PayerClass> {
    if code.is_empty() || !code.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    Some(match code {
        // Medicare managed care
        code if code.starts_with("11") => PayerClass::MedicareAdvantage,
        code if code.starts_with('1') => PayerClass::Medicare,
        code if code.starts_with('2') => PayerClass::Medicaid,
        code if code.starts_with('3') || code.starts_with('4') => PayerClass::Government,
        code if ["5", "6", "7"].iter().any(|group| code.starts_with(group)) => PayerClass::Commercial,
        code if code.starts_with("81") || code == "8" => PayerClass::SelfPay,
        code if code.starts_with("95") => PayerClass::WorkersCompensation,
        _ => PayerClass::Other,
    })
}

/// The class of a code of HL7's ActCode or of FHIR's coverage-selfpay.
pub(super) fn of_act_code(code: &str) -> Option<PayerClass> {
    Some(match code {
        "pay" => PayerClass::SelfPay,
        "WCBPOL" => PayerClass::WorkersCompensation,
        "PUBLICPOL" | "SUBSIDIZ" => PayerClass::Government,
        "SUBSIDMC" => PayerClass::Medicaid,
        "EHCPOL" | "HSAPOL" | "HIP" | "MCPOL" | "POS" | "HMO" | "PPO" => PayerClass::Commercial,
        _ => return None,
    })
}

/// The class that words name: those of our contract, and what plans and financial classes are commonly called.
pub(super) fn of_words(words: &str) -> Option<PayerClass> {
    let letters = words.chars().filter(|letter| !matches!(letter, '\'' | '’'));
    let spaced: String =
        letters.map(|letter| if letter.is_alphanumeric() { letter.to_ascii_lowercase() } else { ' ' }).collect();
    let parts: Vec<&str> = spaced.split_whitespace().collect();
    let has = |wanted: &[&str]| wanted.iter().any(|one| parts.contains(one));
    let pair =
        |first: &[&str], second: &[&str]| parts.windows(2).any(|two| first.contains(&two[0]) && second.contains(&two[1]));
    if has(&["medicare"]) {
        let managed = has(&["advantage", "hmo", "ppo", "managed", "replacement", "risk"]) || pair(&["part"], &["c"]);
        return Some(if managed { PayerClass::MedicareAdvantage } else { PayerClass::Medicare });
    }
    if has(&["medicaid"]) {
        return Some(PayerClass::Medicaid);
    }
    if has(&["workers", "worker", "workmans", "workmens"]) && has(&["compensation", "comp"]) || pair(&["work"], &["comp"]) {
        return Some(PayerClass::WorkersCompensation);
    }
    if has(&["selfpay", "uninsured"]) || pair(&["self", "private"], &["pay"]) {
        return Some(PayerClass::SelfPay);
    }
    if has(&["tricare", "champus", "champva", "veterans", "military", "government", "federal"]) {
        return Some(PayerClass::Government);
    }
    if has(&["commercial", "hmo", "ppo", "epo", "pos"])
        || pair(&["blue"], &["cross", "shield"])
        || pair(&["private"], &["insurance"])
    {
        return Some(PayerClass::Commercial);
    }
    (parts == ["other"]).then_some(PayerClass::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_codes() {
        for class in PayerClass::ALL {
            assert_eq!(of_words(class.as_str()), Some(class), "{}", class.as_str());
        }
        for (words, class) in [
            ("MEDICARE PART A", Some(PayerClass::Medicare)),
            ("Medicare HMO", Some(PayerClass::MedicareAdvantage)),
            ("Medicare Part C", Some(PayerClass::MedicareAdvantage)),
            ("Managed Medicaid", Some(PayerClass::Medicaid)),
            ("Blue Cross", Some(PayerClass::Commercial)),
            ("Self Pay", Some(PayerClass::SelfPay)),
            ("Worker's Comp", Some(PayerClass::WorkersCompensation)),
            ("Workers Comp", Some(PayerClass::WorkersCompensation)),
            ("TRICARE", Some(PayerClass::Government)),
            ("MC", None),
            ("P7", None),
            ("", None),
        ] {
            assert_eq!(of_words(words), class, "{words}");
        }
        for (code, class) in [
            ("1", Some(PayerClass::Medicare)),
            ("111", Some(PayerClass::MedicareAdvantage)),
            ("21", Some(PayerClass::Medicaid)),
            ("311", Some(PayerClass::Government)),
            ("512", Some(PayerClass::Commercial)),
            ("81", Some(PayerClass::SelfPay)),
            ("82", Some(PayerClass::Other)),
            ("95", Some(PayerClass::WorkersCompensation)),
            ("9999", Some(PayerClass::Other)),
            ("x1", None),
            ("", None),
        ] {
            assert_eq!(of_typology(code), class, "{code}");
        }
        assert_eq!(
            (of_claim_filing("MC"), of_claim_filing("16")),
            (Some(PayerClass::Medicaid), Some(PayerClass::MedicareAdvantage))
        );
        assert_eq!(of_claim_filing("P7"), None);
        assert_eq!(of_act_code("WCBPOL"), Some(PayerClass::WorkersCompensation));
        assert_eq!(of_act_code("DENTPRG"), None);
    }
}
