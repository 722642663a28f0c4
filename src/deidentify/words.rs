//! Words that say what stands beside them: titles, relations, labels, last words of organisations. Separated by bars.

/// The words of a list.
pub(super) fn list(words: &str) -> impl Iterator<Item = &str> {
    words.split('|')
}

/// Whether a list has a word.
pub(super) fn holds(words: &str, word: &str) -> bool {
    list(words).any(|one| one == word)
}

/// Words before a name that make the next word one.
pub(super) const TITLES: &str = "dra|fr|ofc|sen|rep|deacon|elder|bishop|brother|chaplain|coach|principal|nurses|drs|cpl|pvt|maj|col|cmdr|dr|doctor|mr|mrs|ms|miss|mister|missus|prof|professor|sra|sr|srta|sister|nurse|rev|reverend|pastor|father|\
    rabbi|imam|officer|detective|sgt|sergeant|lt|capt|captain|judge|attorney|hon|sir|dame|lady|lord|mx|\
    messrs|mme|herr";

/// Who somebody is to the patient.
pub(super) const RELATIONS: &str = "mother|father|mom|mum|dad|daughter|son|wife|husband|sister|brother|aunt|uncle|niece|nephew|cousin|\
    grandmother|grandfather|grandson|granddaughter|grandma|grandpa|partner|spouse|fiance|fiancee|girlfriend|\
    boyfriend|friend|neighbor|neighbour|roommate|caregiver|carer|guardian|landlord|landlady|teacher|coordinator|\
    counsellor|counselor|therapist|midwife|proxy|parent|patient|pt|client|proband|girl|boy|baby|twin|attorney|\
    boss|sibling|stepfather|stepmother|bf|gf|dtr|dtrs|dau|daughters|sons|sisters|brothers|siblings|fob|mob|stepson|\
    stepdaughter|grandparent|granny|nana|papa|ex|fiancee|sponsor|chaplain|doula|coach|counsel|supervisor|adjuster|\
    rep|tech|driver|volunteer|aide|interpreter|worker|manager|foreman|vendor|circulator|notary|witness|agent|\
    lawyer|godmother|godfather|kids|children|babysitter|nanny|twins|aunties|auntie|nephews|nieces|roomate|bestie|\
    buddy|colleague|coworker|co-worker|employer|advocate|payee|conservator|executor|poa|hcp|dpoa|surrogate|hha|cna|\
    pca|sitter|phlebotomist|sonographer|dietitian|pharmacist|intern|scribe|secretary|clerk|receptionist|officer|medic|\
    paramedic|emt|dispatcher|pilot|nurse|rn|lpn|np|crna|sw|msw|cm|rt|pt's|mgr";

/// Words that are labels when a colon, a dash or wide space follows them.
pub(super) const LABELS: &str = "rep|doula|aide|driver|patient|pt|name|attending|surgeon|assistant|anesthesiologist|anaesthetist|anesthesia|anaes|consultant|\
    physician|provider|pcp|referring|ordering|submitting|pathologist|radiologist|prescriber|subscriber|guardian|\
    parent|caller|teacher|scrub|therapist|midwife|gp|doctor|nurse|author|signed|by|dictated|from|to|cc|attn|re|\
    client|student|kin|nok|contact|insured|employee|proband|coordinator|counsellor|counselor|md|phys|physlclan|\
    patlent|resident|fellow|psychiatrist|hospitalist|witness|child|spouse|signature|dispenser|owner|per|res|resident|member|recipient|caller|employee|\
    supervisor|informant|source|interpreter|interp|tech|technician|technologist|rn|phleb|scored|transcribed|typed|taken|\
    recorded|entered|verified|reported|circulator|anes|cosigner|cosigned|witnesses|agent|alternate|attn|dir|director|\
    proctor|preceptor|evaluator|examiner|rater|counsel|notary|mother|father|mom|dad|wife|husband|son|daughter|sister|\
    brother|grandmother|grandfather|partner|sibling|siblings|parents|donor|holder|cardholder|applicant|claimant|veteran|\
    inmate|beneficiary|poa|hcp|emergency|last|first|middle|surname|maiden|alias|aka|preferred|nickname";

/// Phrases after which a name stands.
pub(super) const PHRASES: &str = "signed|signed by|dictated by|seen by|read by|reviewed by|reported by|examined by|requested by|referred by|\
    notified by|approved by|verified by|authored by|discussed with|d/w|spoke with|spoke to|met with|report from|\
    report to|report given to|rec'd report from|care of|care from|care to|covering for|dear|hi|hello|\
    dictating on patient|dictating on|note on|progress note on|named|née|nee|call from|cc|attn|paged|informed|\
    thank you|thanks|assumed care of pt from|consult by|c/o|s/w|spoke w/|spoke w|d/w|w/|per|via|staffed with|staffed w/|\
    discussed w/|seen w/|seen with|met w/|handoff to|handoff from|hand-off to|signed out to|sign-out to|report w/|\
    relieved by|precepted by|cosigned by|entered by|recorded by|taken by|drawn by|placed by|done by|performed by|\
    accompanied by|brought in by|brought by|interviewed by|evaluated by|managed by|followed by|prescribed by|ordered by|\
    witnessed by|called by|answered by|known as|goes by|aka|a.k.a|prefers|preferred name|nickname|likes to be called|\
    asked for|reach|contact|notified|emailed|texted|messaged|told|updated|called|ask for";

/// Credentials behind a name.
pub(super) const CREDENTIALS: &str = "md|do|rn|lpn|np|pa|pa-c|pharmd|phd|facs|facc|cpnp|lgc|cwocn|dds|dmd|lcsw|msw|cnm|crna|rd|rrt|emt|jr|sr|iii|\
    rdh|rpsgt|rpft|rvt|rdms|rdcs|rdn|ldn|cde|cdces|otr|otr/l|slp|ccc-slp|ma|cma|rma|lsw|lisw|lmhc|lpc|cadc|esq|ii|iv|jd|mba|edd|acnp|agnp|whnp|pmhnp|ccrn|rnfa|cst|cpht|rph|ot|atc|dc|nd|lac|mbbs|frcp|frcs|mrcp|fnp|aprn|cns|cna|dpm|od|psyd|bsn|msn|lmft|mph|bch|fnp-c|arnp|bc|ms|lvn|dnp";

/// Small words inside names.
pub(super) const PARTICLES: &str = "van|von|der|den|de|la|las|los|del|della|da|das|dos|di|du|bin|ibn|ben|al|el|ul|abu|st|ter|ten|le|ni|o|mac|san|\
    y|abd";

/// Words with a capital that end a name.
pub(super) const STOPPERS: &str = "patient|pt|mrn|dob|date|age|sex|phone|fax|address|md|rn|do|np|pa|adm|admitted|attending|account|acct|room|rm|\
    bed|visit|the|and|is|was|has|had|who|with|in|on|at|for|from|to|of|or|med|fin|id|hospital|no|number|arrival|\
    department|clinic|nurse|doctor|dr|mr|mrs|ms|re|ssn|npi|dea|cc|relationship|physician|icu|ed|er|or|pcp|dx|hx|\
    tel|ext|consultant|surgeon|signed|electronically|dictated|report|note|he|she|his|her|will|may|improved|\
    called|grade|school|teacher|sister|brother|hcp|pharmd|unit|male|female|street|thank";

/// Behind an eponym: what makes it a term and no person.
pub(super) const TERMS: &str = "disease|syndrome|sign|palsy|score|scale|criteria|stage|grade|classification|catheter|drain|clamp|tube|\
    procedure|test|reflex|lymphoma|sarcoma|tumor|tumour|cyst|esophagus|oesophagus|fracture|contracture|node|\
    nodes|lines|spots|boot|lift|murmur|response|thyroiditis|granulomatosis|chorea|ataxia|dementia|retractor|\
    forceps|needle|point|position|maneuver|manoeuvre|operation|fundoplication|mania|diverticulum|bodies|cells|\
    anomaly|malformation|phenomenon|negative|positive|neg|pos|tenderness|cannula|line|port|knife|blade|airway|\
    tray|mesh|nail|plus|down|present|absent|exercises|stain|factor|units|index|risk|body|coma|triad|law|bed|\
    hernia|ulcer|lesion|pouch|loop|shunt|valve|cancer";

/// Words by which organisations end.
pub(super) const HEADS: &str = "hospital|hosp|center|centre|clinic|infirmary|health|healthcare|home|manor|hospice|school|college|university|\
    academy|church|pharmacy|associates|corp|corporation|inc|llc|ltd|co|company|bank|airlines|bakery|restaurant|\
    institute|foundation|shelter|living|memorial|general|regional|laboratories|laboratory|labs|lab|genomics|unit|\
    surgery|medicine|elementary|high|group|partners|services|system|practice|trust|consultancy|police|prison|\
    consulting|industries|farms|packing|steel|motors|store|market|hotel|rehabilitation|valley|coffee|daycare|apothecary|\
    lodge|inn|cathedral|court|jail|correctional|network|club|camp|preschool|kindergarten|cafe|diner|grill|deli|gym|\
    supply|plan|insurance|imaging|consultants|physicians|specialists|vascular|alliance|mills|mill|factory|plant|\
    foundry|brewery|winery|ems|vamc|temple|mosque|synagogue|parish|ministries|ministry|ymca|ywca|library|theater|\
    theatre|museum|orthopedics|orthopaedics|pediatrics|dermatology|cardiology|dentistry|dental|endodontics|\
    orthodontics|optical|pathology|radiology|diagnostics|therapeutics|biosciences|pharmaceuticals|house|village|\
    villas|villa|gardens|terrace|commons|estates|place|residence|residences|retirement|sanctuary|mission|ranch|\
    legal|boys|society|association|union|league|council|agency|bureau|authority|commission|county|township|precinct|\
    district|department|battalion|regiment|squadron|brigade|division|infantry|depot|garage|autobody|auto|tire|\
    plumbing|electric|construction|roofing|landscaping|trucking|transport|transportation|logistics|freight|airways|\
    railway|railroad|shipping|warehouse|outlet|mall|plaza|supermarket|grocery|foods|kitchen|pizza|tavern|pub|bar|\
    brewing|salon|spa|studio|studios|records|software|solutions|technologies|technology|systems|labs|holdings|\
    enterprises|brothers|sons|pllc|plc|pc|lp|llp|ag|ab|gmbh|nhs|wellness|recovery|counseling|counselling|detox|\
    crossing|pointe|landing|prep|institution|penitentiary|facility|tribe|nation|reservation|casino|resort";

/// Words that, however many, name no particular organisation.
pub(super) const GENERIC: &str = "medical|general|emergency|department|health|home|primary|care|family|wound|pain|surgery|surgical|clinic|\
    hospital|hosp|center|centre|intensive|unit|cardiology|neurology|oncology|urology|radiology|pathology|\
    psychiatry|pediatric|pediatrics|paediatric|maternity|day|outpatient|inpatient|community|nursing|skilled|\
    facility|the|of|and|for|a|an|at|in|to|mental|behavioral|public|school|high|elementary|middle|college|\
    university|group|practice|medicine|internal|services|service|social|urgent|critical|coronary|cardiac|burn|\
    stroke|trauma|icu|laboratory|lab|labs|pharmacy|rehab|rehabilitation|hospice|assisted|living|long|term|acute|\
    women|women's|children|children's|eye|dental|sleep|allergy|travel|diabetes|endocrine|renal|dialysis|infusion|\
    foot|hand|spine|orthopaedic|orthopedic|obstetric|anticoagulation|coumadin|heart|failure|system|our|this|that|\
    local|county|state|national|transitional|step|down|her|his";
