//! Numbers and codes: by their own form (e-mail, telephone, IP) or by the label before them ("MRN:", "S/N").

use std::sync::LazyLock;

use regex::Regex;

use super::{Identifier, IdentifierClass};
use crate::domain::Span;

/// Words between a label and its value.
const LABEL_END: &str =
    r"(?:\s*(?:numbers?\b|no\b\.?|nr\b\.?|num\b\.?|nbr\b\.?|ids?\b|code\b|\#|№))*\s?[:.=\-]{0,2}\s{0,4}(?:is\s+)?";
/// The same with a word for "number" in it, for labels that are words of other meanings too.
const NUMBER_WORD: &str =
    r"(?:\s*(?:numbers?\b|no\b\.?|nr\b\.?|num\b\.?|nbr\b\.?|ids?\b|\#|№))+\s?[:.=\-]{0,2}\s{0,4}(?:is\s+)?";
/// A number or code: capitals, then digits in groups.
const VALUE: &str = r"(\#?(?:[A-Z]{1,6}[ \-/]?){0,2}\d[A-Za-z0-9]*(?:[\-.:/][A-Za-z0-9]+)*(?: \d[A-Z0-9\-]*)*(?:-[A-Z])?)";
/// A code that has capitals and digits, for labels that are words of other meanings too: "tag 7XKP114", "site K-118".
const MIXED: &str = r"(\#?(?:[A-Z]{1,5}[ \-/:]?\d[A-Za-z0-9]*|\d[A-Z0-9]*[A-Z][A-Z0-9]*|\d{2,}-\d+[A-Za-z0-9]*)(?:[\-.:/_][A-Za-z0-9]+)*(?: \d[A-Z0-9\-]*)*(?: [A-Z]{1,3}\b)?)";
/// A number that was spoken.
const SPOKEN: &str = r"((?:[a-z] )?(?:(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)\b[ \-]?){3,})";

/// Labels of numbers with the class of what follows; `!` = only with a word for "number" behind it, `~` = only
/// what has capitals and digits.
const LABELS: &[(IdentifierClass, &str)] = &[
    (IdentifierClass::Ssn, r"SSN|SS\#|soc(?:ial)?\.? sec(?:urity)?|social security"),
    (IdentifierClass::Licence, r"NPI|DEA|GMC|NMC|CLIA|UPIN|PTAN"),
    (
        IdentifierClass::Licence,
        r"(?:driver'?s?|driving)\s+licen[cs]e|state\s+(?:lic(?:en[cs]e)?|id)|agency\s+id|lic(?:en[cs]e)?",
    ),
    (IdentifierClass::Licence, r"!certificate|cert|registration|permit"),
    (IdentifierClass::Vehicle, r"VIN|vehicle\s+id(?:entification)?"),
    (
        IdentifierClass::Vehicle,
        r"(?:licen[cs]e\s+|lic\.?\s+|vanity\s+|temp(?:orary)?\s+|bearing\s+|number\s+|registration\s+|truck\s+|car\s+)?plates?(?:\s+(?:AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY)\b)?",
    ),
    (
        IdentifierClass::Vehicle,
        r"~tags?|reg(?:istration)?|rego|registered|truck|rig|ambulance|medic|vehicle|unit|car|van|tail(?:\s+number)?|hull|trailer|motorcycle|bike|cab|taxi|bus|helicopter|aircraft|boat",
    ),
    (IdentifierClass::Device, r"s/n|SN|ser(?:ial)?\.?\s*(?:no|number|num|\#)|serial|UDI|device\s+(?:id|identifier)|IMEI"),
    (IdentifierClass::Device, r"lot\s*(?:no|number|\#)?|ref|cat(?:alog)?\s*(?:no|number|\#)"),
    (IdentifierClass::RecordNumber, r"MRN|EMRN|EMPI|MPI|URN|UHID|CHI|HRN|med(?:ical)?\.?\s*rec(?:ord)?s?\.?|medical\s+record"),
    (IdentifierClass::RecordNumber, r"!MR|record|chart|hosp(?:ital)?|unit|patient|pt|pat|NHS|case\s+file|file|clinic|EHR"),
    (
        IdentifierClass::PlanNumber,
        r"member|insured'?s?|subscriber|beneficiary|policy|health\s+plan|insurance|HICN?|MBI|medicaid|medicare|medi-?cal|tricare|champus|VA\s+claim",
    ),
    (IdentifierClass::PlanNumber, r"!plan|contract"),
    (
        IdentifierClass::PlanNumber,
        r"grp|group\s*(?:no|number|num|id)?\s*[:\#]|rx\s?-?bin|rx\s?-?pcn|rx\s?-?gr(?:ou)?p|pcn|sub(?:scriber)?\s*id|member|mbr|cardholder|ins(?:urance)?\s*id|card\s*id|cert(?:ificate)?\s*(?:no|number|\#)",
    ),
    (IdentifierClass::PlanNumber, r"~plan|group|coverage|benefit|claims?\s+file|VA\s+file|C-file|part\s+[abcd]|HMO|PPO|ID"),
    (
        IdentifierClass::PlanNumber,
        r"aetna|cigna|humana|anthem|bcbs|blue\s+(?:cross|shield)(?:\s+blue\s+shield)?|kaiser|uhc|united\s*health(?:care)?|aarp|molina|centene|wellcare|ambetter|geisinger|highmark",
    ),
    (IdentifierClass::Code, r"site|facility|location|practice|provider|lane|bin|tray|tote|rack"),
    (
        IdentifierClass::AccountNumber,
        r"acct|FIN|CSN|HAR|bank\s+acc(?:oun)?t|routing|(?:credit\s+|debit\s+)?card(?:\s+ending)?(?:\s+in)?|IBAN",
    ),
    (
        IdentifierClass::AccountNumber,
        r"acc(?:oun)?ts?(?:\s+ending)?(?:\s+in)?|guarantor|visa|mastercard|amex|debit|checking|savings|routing|sort\s+code|venmo|paypal|zelle|cash\s?app|patient\s+balance|statement|receipt|ledger|deposit",
    ),
    (
        IdentifierClass::AccountNumber,
        r"~claim|visit|encounter|enc|contact|bill|invoice|statement|FIN|HAR|CSN|comp|wc|workers'?\s*comp",
    ),
    (IdentifierClass::AccountNumber, r"!visit|encounter|enc|claim|billing|bill|invoice|patient\s+account|contact\s+serial"),
    (IdentifierClass::Code, r"accession|acc\s*\#|case|specimen|sample|requisition|barcode"),
    (
        IdentifierClass::Code,
        r"(?:study|subject|participant|screening|randomi[sz]ation|patient\s+study|student|employee|staff|badge|passport|tax|EIN|TIN|gate|door|access|confirmation|auth(?:ori[sz]ation)?|prior\s+auth|dictation|job|run|incident|dispatch|flight|order|ticket|referral|report|document|doc|lab|prescription|rx|badge|protocol\s+subject)",
    ),
    (
        IdentifierClass::Code,
        r"~case|docket|cause|inc(?:ident)?|report|ticket|event|call|run|session|match(?:\s+run)?|donor(?:\s+id)?|UNOS|recipient|kit|site|box|hash|token|inmate|booking|offender|prisoner|warrant|petition|cr|band|bands|id\s+bands?|wristband|req|requisition|accession|acc|order|confirmation|conf|auth|authorization|referral|ref|specimen|spec|sample|block|slide|cassette|study|subject|subj|participant|screening|protocol|randomi[sz]ation|trial|employee|emp|staff|badge|student|locker|key|code|pass|pw|serial|tracking|shipment|package|parcel|fedex|ups|usps|awb|image|scan|photo|file|no\.|nos\.|number|num|user|login|asset|inventory|equipment|rental|loaner|bag|unit\s+no|product|transfusion|blood\s+unit|din|crossmatch|typenex",
    ),
    (
        IdentifierClass::Code,
        r"(?:door|gate|lock\s?box|access|entry|alarm|key(?:pad)?|garage|building|buzzer|my\s?chart|portal|activation|practice|pass|pin|security|visitor|apartment|safe|wi-?fi|verification|claim|provider|facility|site|location|pharmacy|store)\s+(?:code|pin|combo|combination|password|passcode)s?|lock\s?box|inmate|booking|docket|badge|wristband",
    ),
    (
        IdentifierClass::Licence,
        r"CDL|HCPC|RCN|BON|AHPRA|commission|NMLS|bar(?:\s+(?:no|number|\#))|notary(?:\s+(?:no|number|id))?|PIN(?:\s+no)?|state\s+bar|pilot|passport|green\s+card|alien(?:\s+(?:no|number))?|USCIS|visa\s+(?:no|number)|ID\s+card",
    ),
    (
        IdentifierClass::Licence,
        r"~lic(?:en[cs]e)?|license|licensed|DL|permit|cert|certified|certificate|registration|phys|NPI|DEA(?:\s+X)?|state\s+id|RN|LPN|MD|DO|NP|PA",
    ),
    (
        IdentifierClass::Device,
        r"~s/n|sn|serial|lot|batch|lead|leads|generator|device|pump|monitor|mach(?:ine)?|implant|stent|valve|mesh|IOL|lens|ref|model\s+no|UDI|dialyzer|ventilator|vent|cpap|bipap|concentrator|sensor|transmitter|pod|reader|meter|scope|battery|charger|prosthesis|liner|cup|stem|head|screw|plate|graft|tissue|port|catheter|filter|loop\s+recorder|ICD|pacemaker|PPM|CRT-?D|LVAD|controller|walker|wheelchair|scooter|hoyer|bed|exp",
    ),
    (IdentifierClass::Device, r"!device|machine|mach|pump|unit|monitor"),
    (
        IdentifierClass::RecordNumber,
        r"~chart|MR|med\s*rec|record|folder|file|hosp|hospital|client|old\s+chart|outside\s+MR|dental\s+chart|jacket",
    ),
    (IdentifierClass::Code, r"!store|team|unit|session|log|crew|exam|study|image|photo"),
    (
        IdentifierClass::Biometric,
        r"(?:finger\s?print|retina(?:l)?|iris|voice\s?print|palm|face|facial|biometric)(?:\s+(?:scan|template|print|record|image))?",
    ),
    (IdentifierClass::Fax, r"(?:tele)?fax|facsimile"),
    (IdentifierClass::Phone, r"ext(?:ension)?|pager|beeper|bleep|pgr"),
    (
        IdentifierClass::RecordNumber,
        r"MR\#|Pt\s?ID|patient\s+id(?:entifier)?|hospital\s+id|ID\s+(?:no|number|\#)|MED\s*REC\s*NO",
    ),
    (IdentifierClass::Code, r"(?:your|our|my)?\s?ref(?:erence)?\s*(?:no|number|\#)"),
    (IdentifierClass::Code, r"PIN|OTP|passcode|password|case\s+number|IRB\s+subject"),
    (IdentifierClass::Device, r"(?:pacemaker|implant|pump|generator|lead|device)\s+(?:serial|model|id)"),
    (IdentifierClass::Vehicle, r"registration\s+(?:plate|mark)|reg(?:\.|istration)?\s+(?:no|number)"),
    (IdentifierClass::Device, r"model"),
    (IdentifierClass::Licence, r"DL|D\.L\."),
    (IdentifierClass::PlanNumber, r"payer\s+id|group\s+number|cert(?:ificate)?\s+holder"),
    (IdentifierClass::AccountNumber, r"ABA|swift|sort\s+code"),
    (IdentifierClass::RecordNumber, r"jacket|folder|archive"),
];

/// What is known by its form.
const FORMS: &[(IdentifierClass, &str)] = &[
    (IdentifierClass::Email, r"(?i)\b([a-z0-9._%+\-]+\s?@\s?[a-z0-9\-]+(?:\.[a-z0-9\-]+)+)"),
    (IdentifierClass::Url, r#"(?i)\b((?:https?|ftp)://[^\s<>"\])]*[a-z0-9/])"#),
    (IdentifierClass::Url, r#"(?i)\b(www\.[a-z0-9\-]+(?:\.[a-z0-9\-]+)+(?:/[^\s<>"\])]*[a-z0-9/])?)"#),
    (
        IdentifierClass::Url,
        r"(?i)\b([a-z0-9\-]+(?:\.[a-z0-9\-]+)*\.(?:com|org|net|edu|gov|health)(?:/[^\s<>\])]*[a-z0-9/])?)\b",
    ),
    (
        IdentifierClass::Url,
        r"(?i)\b([a-z0-9][a-z0-9\-]*(?:\.[a-z0-9\-]+)*\.(?:example|info|biz|mil|app|io|dev|tv|care|clinic|hospital|online|site|web|link|page|blog|social|me|us|ca|au|ie|nz|uk|de|fr|eu|co\.uk|ac\.uk|nhs\.uk|org\.uk|gov\.uk|com\.au|gov\.au)/[^\s<>\])]*[a-z0-9/])",
    ),
    (
        IdentifierClass::Url,
        r"(?i)\b([a-z0-9][a-z0-9\-]{2,}(?:\.[a-z0-9\-]{2,})*\.(?:example|info|biz|mil|app|dev|care|clinic|hospital|online|blog|social|co\.uk|ac\.uk|nhs\.uk|org\.uk|gov\.uk|com\.au|gov\.au|nhs\.scot|ca|us))\b",
    ),
    (IdentifierClass::Url, r"(?i)\b([a-z0-9\-]{2,}(?:\.[a-z0-9\-]{2,})*\.[a-z]{2,6}/(?:[a-z0-9._~%\-]+/?)*[a-z0-9/?=&_\-]+)"),
    (
        IdentifierClass::Url,
        r"(?i)\b((?:[a-z0-9\-]+\s)?[a-z0-9\-]+\sdot\s(?:com|org|net|edu|gov|example|health|info)(?:\s(?:slash|forward slash|/)\s[a-z0-9\-]+)*)\b",
    ),
    (
        IdentifierClass::Email,
        r"(?i)\b([a-z0-9._\-]+(?:\s(?:dot|underscore)\s[a-z0-9]+)?\s(?:at|\(at\)|\[at\])\s[a-z0-9\-]+\s?(?:dot|\(dot\)|\[dot\]|\.)\s?(?:com|org|net|edu|gov|example|health))\b",
    ),
    (
        IdentifierClass::Url,
        r"(?i)\b(?:instagram|insta|ig|facebook|fb|twitter|x\.com|tik\s?tok|snap(?:chat)?|linkedin|whatsapp|telegram|discord|skype|reddit|youtube|twitch|pinterest|threads|bluesky|mastodon|onlyfans|grindr|tinder|gofundme|steam|xbox|psn|venmo|cash\s?app)\s*(?:\(|is|:|=|-|handle|account|acct|name|page|profile|user|username|as|under|id|@|at|group|channel|dm|blog)*[\s:=@(\x22]{1,3}((?:[\x22]?@?[a-z0-9]+[._\d/\-][a-z0-9._/\-]*[a-z0-9]))",
    ),
    (IdentifierClass::Url, r"(?:^|[\s(])(/?[ur]/[a-z][A-Za-z0-9_\-]{4,})"),
    (
        IdentifierClass::Code,
        r"(?i)\b(?:user\s?name|user\s?id|login|log-in|screen\s?name|portal\s+user|gamer\s?tag|handle|user|pw|password|passcode|passphrase|wi-?fi\s+(?:key|password))\s*(?:is|:|=|\#)?[\s:=\x22]{1,3}([a-z0-9._\-!@$]*[0-9_][a-z0-9._\-!@$*]*[a-z0-9!*])",
    ),
    (IdentifierClass::Url, r"(?:^|[\s(])(@[A-Za-z][A-Za-z0-9._]{2,}[A-Za-z0-9])"),
    (IdentifierClass::Device, r"\b([0-9A-Fa-f]{2}(?:[:\-][0-9A-Fa-f]{2}){5})\b"),
    (IdentifierClass::Ip, r"\b((?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d))\b"),
    (IdentifierClass::Ip, r"(?i)\b([0-9a-f]{1,4}(?::[0-9a-f]{0,4}){3,7})\b"),
    (IdentifierClass::Ssn, r"\b(\d{3}-\d{2}-\d{4})\b"),
    (IdentifierClass::Ssn, r"(?i)\b[x*]{3}[\s\-]?[x*]{2}[\s\-]?(\d{4})\b"),
    (
        IdentifierClass::Ssn,
        r"(?i)\b(?:ssn|ss#|social(?:\s+security)?|soc)\b[^\n.]{0,24}?\b(?:ends?|ending|last\s+(?:four|4)|digits|l4)\b[^\n\d]{0,16}(\d{4})\b",
    ),
    (IdentifierClass::Ssn, r"(?i)\blast\s+(?:four|4)\b[^\n\d]{0,24}(\d{4})\b"),
    (IdentifierClass::Ssn, r"\b([A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D])\b"),
    (IdentifierClass::Code, r"#\s?(\d{5,})\b"),
    (IdentifierClass::Code, r"\b([A-Z]{1,4}-?\d{5,}[A-Z]?)\b"),
    (IdentifierClass::Vehicle, r"\b([A-HJ-NPR-Z0-9]{3}[A-HJ-NPR-Z][A-HJ-NPR-Z0-9]{8}\d{5})\b"),
    (IdentifierClass::Phone, r"(\+\d{1,3}[ .\-]?(?:\(?\d{1,4}\)?[ .\-]?){2,5}\d{2,4})\b"),
    (IdentifierClass::Phone, r"(\b1[ .\-])?((?:\(\d{3}\)\s?|\b\d{3}[ .\-/])\d{3}[ .\-]\d{4}(?:\s?(?:ext\.?|x)\s?\d{1,6})?)\b"),
    (IdentifierClass::Phone, r"\b(0\d{2,4} \d{3,4} ?\d{3,4})\b"),
    (
        IdentifierClass::Phone,
        r"(?i)\b(?:phone|tel|telephone|cell|mobile|contact|call|ph|callback|reached at)\.?[:\s#]{1,3}(\(?\d[\d .\-()]{5,14}\d)",
    ),
    (IdentifierClass::Phone, r"(\(\d{3}\)\s?\d{3}[ .\-]?\d{4})\b"),
    (
        IdentifierClass::Phone,
        r"\b((?:1[ .\-])?\d{3}\s?[.\-/–]\s?\d{3}\s?[.\-–]\s?\d{4}(?:\s?(?:,|;)?\s?(?:(?i:ext\.?|extension|x)|\#)\s?\d{1,6})?)\b",
    ),
    (IdentifierClass::Phone, r"\b(\d{3}\s\d{3}\s\d{4})\b"),
    (
        IdentifierClass::Phone,
        r"(?i)\b(?:text|sms|dial|press|call|ring|beep|page|paged|vocera|spectra|spectralink|ascom|cisco|zone|portable|hotline|desk|voalte|wireless|cordless)\s(?:me\s|us\s|him\s|her\s)?(?:at\s|on\s|to\s|\#\s?)?(\d-\d{4}|\d{5,6}|\d{3}-\d{4})\b",
    ),
    (
        IdentifierClass::Phone,
        r"(?i)\b(?:pager|pgr|beeper|bleep|vocera|spectra(?:link)?|ascom|zone|portable|voalte|phone|tel|ext|cell)\s?[:#.]?\s?(\d{4,7})\b",
    ),
    (IdentifierClass::Phone, r"\b(?:at|to|on|x|#)\s(\d-\d{4})\b"),
    (IdentifierClass::Phone, r"\bp(\d{4})\b"),
    (IdentifierClass::Phone, r"\b([2-9]\d{2}-\d{4})\b"),
    (IdentifierClass::Phone, r"\b((?:x|X)\d{3,6})\b"),
    (
        IdentifierClass::Code,
        r"\b((?:IMG|DSC|DSCN|PXL|MVI|VID|DCIM|PHOTO|SCAN)_?[0-9][A-Za-z0-9_\-]*(?:\.(?:jpe?g|png|heic|tiff?|gif|mp4|JPE?G|PNG|HEIC|TIFF?))?)",
    ),
    (
        IdentifierClass::Code,
        r"(?i)\b([a-z]{2,6}[\-_]\d{3,}[a-z0-9_\-]*\.(?:jpe?g|png|heic|tiff?|gif|mp4|pdf|docx?|dcm|wav|mov|mp3|m4a))\b",
    ),
    (
        IdentifierClass::Code,
        r"(?i)\b(?:mychart|activation|code|link|otp|pin)\b[^\n.]{0,24}?\b((?-i:[A-Z0-9]{4,6}(?:-[A-Z0-9]{4,6}){1,3}))\b",
    ),
    (
        IdentifierClass::Code,
        r"(?i)\b(?:code|combo|combination|pin|key\s?code|gate|lock\s?box|door|alarm|passcode|buzzer)\s?(?:code|is|:|=|\#|no\.?)*\s?(\#?\d{4,6}[*#]?)\b",
    ),
    (IdentifierClass::Code, r"(?:^|\s)#\s?(\d{4})\b"),
    (IdentifierClass::Code, r"(?i)\b(?:your |our |my )?ref(?:erence)?\s?[:.#]\s{0,2}([a-z]{1,4}(?:/[a-z0-9\-]{1,14}){1,4})\b"),
    (IdentifierClass::Code, r"\b(\d{1,4}-\d{4,6}-\d{2,6})\b"),
    (IdentifierClass::Code, r"\bN(\d{2,4}[A-Z]{2})\b"),
    (IdentifierClass::Code, r"\b([A-Z]{1,4}\d{0,2}-\d{2}-\d{4,8})\b"),
    (IdentifierClass::RecordNumber, r"\bID\s?[:#]?\s{0,3}((?:[A-Z]{1,4}[ \-]?)?\d[A-Z0-9]*(?:-[A-Z0-9]+)*(?: \d+)*)\b"),
];

static RULES: LazyLock<Vec<(IdentifierClass, Regex)>> = LazyLock::new(|| {
    let compiled = |pattern: &str| Regex::new(pattern).expect("a pattern of this table, which a test compiles");
    let forms = FORMS.iter().map(|(class, pattern)| (*class, compiled(pattern)));
    let labels = LABELS.iter().flat_map(|(class, label)| {
        let (label, end) = match label.strip_prefix('!') {
            Some(label) => (label, NUMBER_WORD),
            None => (*label, LABEL_END),
        };
        let (label, value) = label.strip_prefix('~').map_or((label, VALUE), |label| (label, MIXED));
        let written = compiled(&format!(r"\b(?i:(?:{label}){end}){value}"));
        let spoken =
            (*class == IdentifierClass::RecordNumber).then(|| compiled(&format!(r"(?i)\b(?:{label}){NUMBER_WORD}{SPOKEN}")));
        std::iter::once((*class, written)).chain(spoken.map(|spoken| (*class, spoken)))
    });
    forms.chain(labels).collect()
});

pattern!(FAX_BEFORE, r"(?i)\bfax\b[^\n\d]{0,20}$");
pattern!(
    AMOUNT,
    r"(?i)^\s?(?:mg|m?l|mcg|units?|g|kg|hours?|hrs?|%|cc|met(?:er|re)s?|days?|weeks?|months?|min(?:utes)?|mmhg|bpm|cm|mm|/)\b"
);
pattern!(LONG_NUMBER, r"\b[A-Z]{0,3}\d(?:[\d\-]{6,20})\d\b");
pattern!(CODE_SYSTEM, r"(?i)(?:NDC|CPT|ICD|LOINC|OMIM|HCPCS|SNOMED|RxNorm|NCT|rs|GTIN|CAS)[\s#:\-]*(?:code\s*)?$");

/// Numbers and codes of a text, the surest first.
pub(super) fn find(text: &str) -> Vec<Identifier> {
    let mut out = Vec::new();
    for (class, rule) in RULES.iter() {
        for captures in rule.captures_iter(text) {
            let Some(value) = captures.iter().skip(1).flatten().last() else { continue };
            let whole = captures.iter().skip(1).flatten().map(|group| group.start()).min().unwrap_or(value.start());
            let found = Span::new(whole, whole + text[whole..value.end()].trim_end().len());
            if *class == IdentifierClass::Ip && !found.of(text).contains(':') && found.of(text).matches('.').count() != 3 {
                continue;
            }
            if is_cut_from_a_word(text, found)
                || is_code_of_a_system(text, found)
                || is_a_time(found.of(text))
                || is_an_amount(text, found)
            {
                continue;
            }
            let letters = found.of(text).chars().filter(|character| character.is_alphanumeric()).count();
            let fewest = if matches!(class, IdentifierClass::Phone | IdentifierClass::Vehicle) { 2 } else { 4 };
            if letters < fewest {
                continue;
            }
            let is_fax = *class == IdentifierClass::Phone
                && FAX_BEFORE.is_match(Span::new(found.start, found.start).around(text, 40, 0).of(text));
            out.push(Identifier::new(found, if is_fax { IdentifierClass::Fax } else { *class }));
        }
    }
    out
}

/// Numbers so long that they are somebody's, although nothing says whose.
pub(super) fn find_unlabelled(text: &str) -> Vec<Identifier> {
    let digits = |span: Span| span.of(text).bytes().filter(u8::is_ascii_digit).count();
    LONG_NUMBER
        .find_iter(text)
        .map(|found| Span::new(found.start(), found.end()))
        .filter(|span| digits(*span) >= 7 && !is_code_of_a_system(text, *span))
        .map(|span| Identifier::new(span, IdentifierClass::Code))
        .collect()
}

/// A value that begins within the word before it ("B 3-30" of "DOB 3-30"), or with a label ("ID 4471").
fn is_cut_from_a_word(text: &str, span: Span) -> bool {
    let value = span.of(text);
    let first: &str = value.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default();
    let is_label = [
        "ID", "IDS", "NO", "NUM", "NR", "BIN", "PCN", "GRP", "MRN", "DOB", "DOS", "DOI", "DOA", "ADM", "DATE", "ON", "CABG",
        "ICD", "CPT",
    ];
    let is_icd = value.len() > 3
        && value.as_bytes()[0].is_ascii_uppercase()
        && value[1..].starts_with(|one: char| one.is_ascii_digit())
        && value.as_bytes().get(3) == Some(&b'.');
    !first.is_empty() && (text[..span.start].ends_with(|one: char| one.is_ascii_alphabetic()) || is_label.contains(&first))
        || is_icd
}

fn is_code_of_a_system(text: &str, span: Span) -> bool {
    ["NCT", "NM", "NP", "PMID", "ISRCTN", "LOINC"].iter().any(|system| span.of(text).starts_with(system))
        || CODE_SYSTEM.is_match(Span::new(span.start, span.start).around(text, 16, 0).of(text))
}

/// A number with a unit behind it, or a year alone.
fn is_an_amount(text: &str, span: Span) -> bool {
    let value = span.of(text);
    let is_year = value.len() == 4
        && (value.starts_with("19") || value.starts_with("20"))
        && value.bytes().all(|byte| byte.is_ascii_digit());
    is_year || value.bytes().all(|byte| byte.is_ascii_digit()) && AMOUNT.is_match(&text[span.end..])
}

fn is_a_time(value: &str) -> bool {
    let mut parts = value.split(':');
    let is_pair = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    value.contains(':') && value.len() <= 8 && parts.next().is_some_and(|first| first.len() <= 2) && parts.all(is_pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_forms_say_the_class() {
        for (text, class, value) in [
            ("MRN: 00482913  Acct", IdentifierClass::RecordNumber, "00482913"),
            ("hospital number k four four one nine eight i", IdentifierClass::RecordNumber, "k four four one nine eight"),
            ("NPI 1992845576.", IdentifierClass::Licence, "1992845576"),
            ("serial no. QX-55102", IdentifierClass::Device, "QX-55102"),
            ("Member No. W2290 18834 01", IdentifierClass::PlanNumber, "W2290 18834 01"),
            ("call 612.555.0119 ext 44 now", IdentifierClass::Phone, "612.555.0119 ext 44"),
            ("Fax: (866) 555-0107", IdentifierClass::Fax, "(866) 555-0107"),
            ("a.b@c.example.org", IdentifierClass::Email, "a.b@c.example.org"),
            ("from 2001:db8:0:4f::1a today", IdentifierClass::Ip, "2001:db8:0:4f::1a"),
            ("SSN 412 88 0193", IdentifierClass::Ssn, "412 88 0193"),
            ("Our ref: FC/ab/RM-77120", IdentifierClass::Code, "FC/ab/RM-77120"),
        ] {
            let found = find(text);
            assert!(
                found.iter().any(|one| one.class == class && one.span.of(text) == value),
                "{text}: {:?}",
                found.iter().map(|one| (one.class, one.span.of(text))).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn values_and_codes_of_systems_are_none() {
        for text in
            ["NDC 0069-1530-41", "BP 118/64, HR 84", "ICD-10 E11.9", "at 03:12:08", "lot of pain", "Na 138, K 4.1", "ratio 3.4"]
        {
            assert!(find(text).is_empty(), "{text}: {:?}", find(text).len());
        }
    }
}
