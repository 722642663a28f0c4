//! Errors in context, with boxes to choose among them. Their words come out of notes: everything is escaped.

use std::fmt::Write as _;

use super::plots::escaped;
use crate::{
    note::Kind,
    score::examples::{Example, Sort},
};

/// The script that hides what was not chosen; without it all errors are shown.
const SCRIPT: &str = r#"<script>
(() => {
  const box = document.getElementById("errors");
  const fields = ["sort", "kind", "words"].map((name) => document.getElementById("choose-" + name));
  const show = () => {
    const [sort, kind, words] = fields.map((field) => field.value.toLowerCase());
    let shown = 0;
    for (const one of box.querySelectorAll("article")) {
      const fits = (!sort || one.dataset.sort === sort) && (!kind || one.dataset.kind.toLowerCase() === kind)
        && (!words || one.textContent.toLowerCase().includes(words));
      one.hidden = !fits;
      shown += fits;
    }
    document.getElementById("shown").textContent = shown + " shown";
  };
  for (const field of fields) field.addEventListener("input", show);
  show();
})();
</script>"#;

/// The errors with their chooser; words that say why there are none otherwise.
pub(super) fn errors(examples: &[&Example]) -> String {
    if examples.is_empty() {
        return "<p>No errors in context: the definition asks for none, or this report was made of results, which hold no word of a note.</p>".to_owned();
    }
    let option = |value: &str| format!("<option value=\"{0}\">{0}</option>", escaped(value));
    let sorts: String = Sort::ALL.iter().map(|sort| option(sort.as_str())).collect();
    let kinds: String = Kind::ALL.iter().map(|kind| option(kind.as_str())).collect();
    let mut out = format!(
        "<form class=\"choose\"><label>What <select id=\"choose-sort\"><option value=\"\">everything</option>{sorts}</select></label>\
         <label>Kind <select id=\"choose-kind\"><option value=\"\">all</option>{kinds}</select></label>\
         <label>Words <input id=\"choose-words\" type=\"search\"></label> <output id=\"shown\"></output></form><div id=\"errors\">"
    );
    for one in examples {
        let _ = write!(
            out,
            "<article data-sort=\"{sort}\" data-kind=\"{kind}\"><header><b>{sort}</b> <span>{kind}</span> <span>{}</span> <span>{}</span></header>\
             <p>{}<mark>{}</mark>{}</p>",
            escaped(&one.note),
            escaped(&one.section),
            escaped(&one.before),
            escaped(&one.words),
            escaped(&one.after),
            sort = one.sort.as_str(),
            kind = one.kind.as_str(),
        );
        out.push_str("<footer>");
        for (label, words) in [("expected", one.expected.trim()), ("said", one.said.trim())] {
            if !words.is_empty() {
                let _ = write!(out, "<span>{label} <b>{}</b></span> ", escaped(words));
            }
        }
        if let Some(confidence) = one.confidence {
            let _ = write!(out, "<span>confidence {confidence:.2}</span>");
        }
        out.push_str("</footer></article>");
    }
    out.push_str("</div>");
    out.push_str(SCRIPT);
    out
}
