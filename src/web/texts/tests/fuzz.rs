//! Catalogues of sites as somebody might write them.

use super::*;
use crate::fuzzing::{Damaged, Seeds, fuzz};

const CATALOGUES: Seeds<'_> = Seeds {
    good: &[
        b"language = pl\n# one\n-house = St. Anna\nproduct = Abstractor, { -house }\nqueue-title = Lista \"<b>\"\n\
          item-unread = { $count ->\n    [one] { $count } notatka\n    [few] { $count } notatki\n   *[many] { $count } notatek\n }\n",
        b"item-for = { $name ->\n    [lee] bei Lee\n   *[other] bei { $name }{ \"{\" }\n }\nconflict-held-by = Bis { $time }\n    bei { $name }.\n",
    ],
    telling: b"{}[]()*-.$>=#\"\\u \n\r:,\xff<&",
};

/// A catalogue is refused, or it makes the texts it holds, with words that cannot become elements of a page.
#[test]
fn a_site() {
    fuzz!("texts of a site", Slow, (Damaged, String), |input: &(Damaged, String)| {
        let Ok(site) = Catalogue::of_site(&input.0.text(CATALOGUES)) else { return };
        let _ = site.text("queue-title");
        let _ = site.text_with("item-unread", &[("count", &3_u64)]);
        let html = site.markup("item-for", &[("name", &input.1.as_str())]).0;
        assert!(!html.contains(['<', '>']), "words became an element");
    });
}
