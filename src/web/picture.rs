//! The picture of a second factor's address, for the camera of an app: an SVG image of dark squares, in the page itself.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use qrcodegen::{QrCode, QrCodeEcc};

/// Light squares around it, as readers want them.
const MARGIN: i32 = 4;
/// Goes to a place, in the path of an SVG image.
const MOVE: char = 'M';

/// The source of an image with the code of this text; none where it is too long for one.
pub(super) fn source(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let side = code.size() + 2 * MARGIN;
    let mut dark = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            let _ = write!(dark, "{MOVE}{},{}h1v1h-1z", x + MARGIN, y + MARGIN);
        }
    }
    let sides = [side; 2].map(|side| side.to_string()).join(" ");
    // light and dark whatever the page's colours are: a camera wants dark on light
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {sides}\" shape-rendering=\"crispEdges\">\
         <rect fill=\"#fff\" width=\"{side}\" height=\"{side}\"/><path fill=\"#000\" d=\"{dark}\"/></svg>"
    );
    Some(format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_squares_are_those_of_the_code() {
        let text = "otpauth://totp/Abstractor:ada?secret=GEZDGNBVGY3TQOJQ";
        let source = source(text).expect("is short");
        let svg = STANDARD.decode(source.strip_prefix("data:image/svg+xml;base64,").expect("an image")).expect("base64");
        let svg = String::from_utf8(svg).expect("text");
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).expect("is short");
        let all = (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y)));
        let dark = all.filter(|(x, y)| code.get_module(*x, *y)).count();
        assert_eq!(svg.matches("h1v1h-1z").count(), dark);
        // the corner of a finder pattern lies behind the margin
        assert!(svg.contains("d=\"M4,4h1v1h-1z") && svg.contains(&format!("0 0 {0} {0}", code.size() + 8)), "{svg}");
    }
}
