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
pub(super) const TITLES: &str = "dr|doctor|mr|mrs|ms|miss|mister|missus|prof|professor|sra|sr|srta|sister|nurse|rev|reverend|pastor|father|\
    rabbi|imam|officer|detective|sgt|sergeant|lt|capt|captain|judge|attorney|hon|sir|dame|lady|lord|mx|drs|\
    messrs|mme|herr";

/// Who somebody is to the patient.
pub(super) const RELATIONS: &str = "mother|father|mom|mum|dad|daughter|son|wife|husband|sister|brother|aunt|uncle|niece|nephew|cousin|\
    grandmother|grandfather|grandson|granddaughter|grandma|grandpa|partner|spouse|fiance|fiancee|girlfriend|\
    boyfriend|friend|neighbor|neighbour|roommate|caregiver|carer|guardian|landlord|landlady|teacher|coordinator|\
    counsellor|counselor|therapist|midwife|proxy|parent|patient|pt|client|proband|girl|boy|baby|twin|attorney|\
    boss|sibling|stepfather|stepmother";

/// Words that are labels when a colon, a dash or wide space follows them.
pub(super) const LABELS: &str = "patient|pt|name|attending|surgeon|assistant|anesthesiologist|anaesthetist|anesthesia|anaes|consultant|\
    physician|provider|pcp|referring|ordering|submitting|pathologist|radiologist|prescriber|subscriber|guardian|\
    parent|caller|teacher|scrub|therapist|midwife|gp|doctor|nurse|author|signed|by|dictated|from|to|cc|attn|re|\
    client|student|kin|nok|contact|insured|employee|proband|coordinator|counsellor|counselor|md|phys|physlclan|\
    patlent|resident|fellow|psychiatrist|hospitalist|witness|child|spouse|signature|dispenser|owner|per";

/// Phrases after which a name stands.
pub(super) const PHRASES: &str = "signed|signed by|dictated by|seen by|read by|reviewed by|reported by|examined by|requested by|referred by|\
    notified by|approved by|verified by|authored by|discussed with|d/w|spoke with|spoke to|met with|report from|\
    report to|report given to|rec'd report from|care of|care from|care to|covering for|dear|hi|hello|\
    dictating on patient|dictating on|note on|progress note on|named|née|nee|call from|cc|attn|paged|informed|\
    thank you|thanks|assumed care of pt from|consult by|c/o";

/// Credentials behind a name.
pub(super) const CREDENTIALS: &str = "md|do|rn|lpn|np|pa|pa-c|pharmd|phd|facs|facc|cpnp|lgc|cwocn|dds|dmd|lcsw|msw|cnm|crna|rd|rrt|emt|jr|sr|iii|\
    mbbs|frcp|frcs|mrcp|fnp|aprn|cns|cna|dpm|od|psyd|bsn|msn|lmft|mph|bch|fnp-c|arnp|bc|ms|lvn|dnp";

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
    consulting|industries|farms|packing|steel|motors|store|market|hotel|rehabilitation|valley";

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
