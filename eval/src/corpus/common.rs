//! The common JSON lines of the training corpora: `{"id","source","text","entities":[{"start","end","type","code","attributes"}]}`.

use serde_json::Value;

use super::{Marked, MarkedSpan, Refused, offset, word};

/// The document of a line.
pub(super) fn marked(line: &Value) -> Result<Marked, Refused> {
    let entities = line["entities"].as_array().ok_or("`entities` is missing or not a list")?;
    let fields = ["source", "split"].into_iter().filter_map(|name| Some((name.to_owned(), line[name].as_str()?.to_owned())));
    let meta = line["meta"].as_object().into_iter().flatten();
    let meta = meta.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    Ok(Marked {
        id: word(line, "id")?.to_owned(),
        text: word(line, "text")?.to_owned(),
        slices: fields.chain(meta.filter(|(_, value)| value.len() <= 40)).collect(),
        spans: entities.iter().enumerate().map(|(at, one)| span(at, one)).collect::<Result<_, _>>()?,
        relations: Vec::new(),
    })
}

fn span(at: usize, one: &Value) -> Result<MarkedSpan, Refused> {
    let said = one["attributes"].as_object().into_iter().flatten();
    Ok(MarkedSpan {
        key: at.to_string(),
        label: word(one, "type")?.to_owned(),
        start: offset(one, "start")?,
        end: offset(one, "end")?,
        codes: one["code"].as_str().map(str::to_owned).into_iter().collect(),
        said: said.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_with_its_slices() {
        let line = serde_json::json!({"id": "c/1", "source": "c", "split": "test", "text": "No asthma.", "meta": {"section": "GENHX", "tags": ["x"]},
            "entities": [{"start": 3, "end": 9, "type": "DIAGNOSIS", "text": "asthma", "code": "MESH:D001249", "attributes": {"assertion": "negated"}}]});
        let read = marked(&line).expect("reads");
        assert_eq!((read.slices["split"].as_str(), read.slices["section"].as_str()), ("test", "GENHX"));
        assert_eq!((read.spans[0].start, read.spans[0].said[0].1.as_str()), (3, "negated"));
        assert!(marked(&serde_json::json!({"id": "c", "text": "x"})).is_err());
    }
}
