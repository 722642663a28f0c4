//! What a title says is not there: "without acute cor pulmonale", "not intractable".

/// Words of one meaning in titles and notes.
const SAME: [&[&str]; 6] = [
    &["thyrotoxic crisis", "thyroid storm", "thyrotoxic storm", "storm"],
    &["bleeding", "hemorrhage"],
    &["macular edema", "dme"],
    &["status migrainosus", "status migrainous"],
    &["loss of consciousness", "loc"],
    &["neurogenic claudication", "claudication"],
];

/// A part of a title that says that something is not there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// What is not there, as notes may have it.
    pub phrases: Vec<String>,
    /// The words of the title.
    pub written: String,
    /// The words of the title that says that it is there.
    pub instead: String,
}

/// The parts of a title in lower case that say so.
pub(super) fn left_out(title: &str) -> Vec<LeftOut> {
    let mut found = Vec::new();
    for (at, without) in title.match_indices("without ") {
        let rest = &title[at + without.len()..];
        let end =
            [",", ";", " with ", " and without ", " or ", " due to ", " in "].iter().filter_map(|end| rest.find(end)).min();
        let named = rest[..end.unwrap_or(rest.len())].trim();
        let thing = named.strip_prefix("mention of ").or_else(|| named.strip_prefix("current ")).unwrap_or(named);
        found.push(LeftOut {
            phrases: named_otherwise(thing),
            written: format!("without {named}"),
            instead: format!("with {named}"),
        });
    }
    if title.contains("not intractable") {
        let phrases = ["intractable", "refractory"].map(str::to_owned).to_vec();
        found.push(LeftOut { phrases, written: "not intractable".to_owned(), instead: "intractable".to_owned() });
    }
    found
}

fn named_otherwise(thing: &str) -> Vec<String> {
    let others = SAME.iter().filter(|same| same.contains(&thing)).flat_map(|same| same.iter().copied());
    let mut phrases = vec![thing.to_owned()];
    phrases.extend(others.filter(|other| *other != thing).map(str::to_owned));
    phrases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_titles_leave_out() {
        let phrases = |title: &str| -> Vec<String> { left_out(title).into_iter().map(|one| one.phrases[0].clone()).collect() };
        assert_eq!(phrases("saddle embolus of pulmonary artery without acute cor pulmonale"), ["acute cor pulmonale"]);
        assert_eq!(
            phrases("chronic migraine without aura, not intractable, without status migrainosus"),
            ["aura", "status migrainosus", "intractable"]
        );
        assert_eq!(phrases("proliferative diabetic retinopathy without macular edema, right eye"), ["macular edema"]);
        assert!(phrases("essential (primary) hypertension").is_empty());
    }
}
