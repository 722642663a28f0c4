//! Every text of the pages by its key: English in `texts/en.ftl`, and the texts of a site's own catalogue that stand in its place.
//!
//! A catalogue is written in [Project Fluent](https://projectfluent.org): plurals and the order of words are the translator's. A page asks for a
//! text with `text!("queue-title")` or `text!("entry-more-places", count = places)`, and with `markup!` where a link or a key stands in the
//! sentence. Texts without arguments are made once and looked up after that.
//!
//! Why not a catalogue in each view? Every page and most words of `words` need one, and a program has one: it is chosen before the first
//! page is made and never changes.

use std::{collections::BTreeSet, fmt::Write as _, sync::OnceLock};

use askama::filters::{Html, Safe, escape};
use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use fluent_syntax::ast::{CallArguments, Entry, Expression, InlineExpression, Message, Pattern, PatternElement};
use rustc_hash::FxHashMap;
use thiserror::Error;
use unic_langid::LanguageIdentifier;

/// The English catalogue: the texts there are.
pub const ENGLISH_TEXTS: &str = include_str!("texts/en.ftl");

/// Stand in a sentence for what has elements, until the words around are escaped: letters without a meaning (Unicode's private use).
const PLACES: std::ops::Range<u32> = 0xE000..0xE100;

static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();

/// A text of the catalogue: `text!("queue-title")`; with arguments `text!("entry-more-places", count = places)`.
macro_rules! text {
    ($key:literal) => {
        $crate::web::texts::text($key)
    };
    ($key:literal, $($name:ident = $value:expr),+ $(,)?) => {
        $crate::web::texts::text_with($key, &[$((stringify!($name), &$value)),+])
    };
}

/// A text with elements in it, for a template: `markup!("settings-people-hint", command = element("<code>", "abstractor user add"))`. Words and
/// arguments are escaped; only what `element` and `link` make is not.
macro_rules! markup {
    ($key:literal, $($name:ident = $value:expr),+ $(,)?) => {{
        use $crate::web::texts::elements::*;
        $crate::web::texts::markup($key, &[$((stringify!($name), &$value)),+])
    }};
}

/// Why a site's catalogue is not taken. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TextsError {
    /// It is not written as Fluent.
    #[error("line {line} is no text: write `key = words`, and begin every further line of the words with a space")]
    Syntax {
        /// Where.
        line: usize,
    },
    /// There is no such text.
    #[error("there is no text {key:?}: take it out, or correct its name; `abstractor texts` prints the texts there are")]
    UnknownKey {
        /// Its key.
        key: String,
    },
    /// The text is there twice.
    #[error("the text {key:?} stands there twice: take one out")]
    Twice {
        /// Its key.
        key: String,
    },
    /// The text has no words.
    #[error("the text {key:?} has no words: write them, or take it out, so that it stays English")]
    Empty {
        /// Its key.
        key: String,
    },
    /// The pages do not give the text such an argument.
    #[error("the text {key:?} has no argument ${argument}: {}", known(.there))]
    UnknownArgument {
        /// Its key.
        key: String,
        /// The argument.
        argument: String,
        /// Those there are.
        there: Vec<String>,
    },
    /// It names a text, term or function that is not in the file.
    #[error("the text {key:?} cannot be made: {why}")]
    Unresolved {
        /// Its key.
        key: String,
        /// Why.
        why: String,
    },
    /// `language` is no language.
    #[error("the text \"language\" must be the tag of a language, like de or pt-BR")]
    Language,
    /// `direction` is no direction.
    #[error("the text \"direction\" must be ltr or rtl")]
    Direction,
    /// Pages were made already.
    #[error("the texts are in use already: choose the catalogue before the service starts")]
    InUse,
}

fn known(there: &[String]) -> String {
    match there {
        [] => "it has none".to_owned(),
        _ => format!("it has {}", there.iter().map(|name| format!("${name}")).collect::<Vec<_>>().join(", ")),
    }
}

/// What can stand in a text.
pub(super) trait Argument {
    /// It as a value.
    fn value(&self) -> FluentValue<'_>;
    /// Writes it as it stands in a sentence.
    fn write(&self, sentence: &mut String);
    /// It as HTML, where it has elements.
    fn html(&self) -> Option<&str> {
        None
    }
}

impl Argument for str {
    fn value(&self) -> FluentValue<'_> {
        FluentValue::from(self)
    }
    fn write(&self, sentence: &mut String) {
        sentence.push_str(self);
    }
}

impl Argument for String {
    fn value(&self) -> FluentValue<'_> {
        FluentValue::from(self.as_str())
    }
    fn write(&self, sentence: &mut String) {
        sentence.push_str(self);
    }
}

impl Argument for Safe<String> {
    fn value(&self) -> FluentValue<'_> {
        FluentValue::from(self.0.as_str())
    }
    fn write(&self, sentence: &mut String) {
        sentence.push_str(&self.0);
    }
    fn html(&self) -> Option<&str> {
        Some(&self.0)
    }
}

impl<T: Argument + ?Sized> Argument for &T {
    fn value(&self) -> FluentValue<'_> {
        (**self).value()
    }
    fn write(&self, sentence: &mut String) {
        (**self).write(sentence);
    }
    fn html(&self) -> Option<&str> {
        (**self).html()
    }
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl Argument for $number {
            fn value(&self) -> FluentValue<'_> {
                FluentValue::from(*self)
            }
            fn write(&self, sentence: &mut String) {
                let _ = write!(sentence, "{self}");
            }
        }
    )+};
}
numbers!(u8, u16, u32, u64, usize, i64);

/// Arguments of a text, by name.
pub(super) type Arguments<'a> = &'a [(&'static str, &'a dyn Argument)];

type Bundle = FluentBundle<FluentResource>;

/// A piece of a sentence that has no choice of forms.
enum Piece {
    Words(String),
    /// The argument of this name.
    Argument(String),
}

/// The texts of the program.
struct Catalogue {
    /// Those without arguments, as they are shown.
    plain: FxHashMap<String, String>,
    /// Those whose arguments only stand in them: most of the others, and ten times as fast as by way of a bundle.
    sentences: FxHashMap<String, Vec<Piece>>,
    /// The site's own.
    site: Option<Bundle>,
    english: Bundle,
}

impl Catalogue {
    /// English alone.
    fn english() -> Self {
        let english = resource(ENGLISH_TEXTS).and_then(|resource| bundle(resource, &english_language()));
        let english = english.expect("a test reads the English catalogue");
        let resource = resource(ENGLISH_TEXTS).expect("a test reads the English catalogue");
        let (mut plain, mut sentences) = (FxHashMap::default(), FxHashMap::default());
        for message in messages(&resource) {
            let key = message.id.name.to_owned();
            if arguments(message).is_empty() {
                plain.insert(key, made(&english, message.id.name, &[]).unwrap_or_default());
            } else if let Some(pieces) = pieces(message) {
                sentences.insert(key, pieces);
            }
        }
        Self { plain, sentences, site: None, english }
    }

    /// English with the texts of a site's catalogue in its place.
    fn of_site(text: &str) -> Result<Self, TextsError> {
        let (own, english) = (resource(text)?, resource(ENGLISH_TEXTS)?);
        let mut seen = BTreeSet::new();
        for message in messages(&own) {
            let key = message.id.name.to_owned();
            let Some(original) = messages(&english).find(|one| one.id.name == message.id.name) else {
                return Err(TextsError::UnknownKey { key });
            };
            if message.value.is_none() {
                return Err(TextsError::Empty { key });
            }
            let there = arguments(original);
            if let Some(argument) = arguments(message).into_iter().find(|argument| !there.contains(argument)) {
                return Err(TextsError::UnknownArgument { key, argument, there: there.into_iter().collect() });
            }
            if !seen.insert(message.id.name) {
                return Err(TextsError::Twice { key });
            }
        }
        let language = messages(&own).find(|message| message.id.name == "language");
        let language = language.and_then(|message| match &message.value.as_ref()?.elements[..] {
            [PatternElement::TextElement { value }] => Some(*value),
            _ => None,
        });
        let language = language.map_or(Ok(english_language()), str::parse).map_err(|_| TextsError::Language)?;
        let mut catalogue = Self::english();
        let site = bundle(resource(text)?, &language)?;
        for message in messages(&own) {
            let key = message.id.name;
            let names = arguments(message);
            let values: Vec<(&str, &dyn Argument)> =
                names.iter().map(|name| (name.as_str(), &1_u64 as &dyn Argument)).collect();
            let words = made(&site, key, &values).map_err(|why| TextsError::Unresolved { key: key.to_owned(), why })?;
            // a translation may leave an argument out, and still is asked for with it
            if catalogue.plain.contains_key(key) {
                catalogue.plain.insert(key.to_owned(), words);
            } else if let Some(pieces) = pieces(message) {
                catalogue.sentences.insert(key.to_owned(), pieces);
            } else {
                catalogue.sentences.remove(key);
            }
        }
        if !matches!(catalogue.plain.get("direction").map(String::as_str), Some("ltr" | "rtl")) {
            return Err(TextsError::Direction);
        }
        catalogue.site = Some(site);
        Ok(catalogue)
    }

    fn text(&self, key: &'static str) -> &str {
        debug_assert!(self.plain.contains_key(key), "no text {key} without arguments");
        self.plain.get(key).map_or(key, String::as_str)
    }

    fn text_with(&self, key: &'static str, values: Arguments<'_>) -> String {
        if let Some(pieces) = self.sentences.get(key) {
            let mut sentence = String::with_capacity(64);
            for piece in pieces {
                match piece {
                    Piece::Words(words) => sentence.push_str(words),
                    Piece::Argument(name) => {
                        let value = values.iter().find(|(given, _)| given == name);
                        debug_assert!(value.is_some(), "{key} is not given {name}");
                        value.iter().for_each(|(_, value)| value.write(&mut sentence));
                    }
                }
            }
            return sentence;
        }
        // a choice that was not tried when the site's text was read may name what there is not: the English stands in for it
        let own = self.site.as_ref().filter(|site| site.has_message(key)).and_then(|site| made(site, key, values).ok());
        own.unwrap_or_else(|| {
            let made = made(&self.english, key, values);
            debug_assert!(made.is_ok(), "{key}: {made:?}");
            made.unwrap_or_else(|_| key.to_owned())
        })
    }

    fn markup(&self, key: &'static str, values: Arguments<'_>) -> Safe<String> {
        let places: Vec<String> = PLACES.take(values.len()).filter_map(char::from_u32).map(String::from).collect();
        let held: Vec<(&'static str, &dyn Argument)> = values
            .iter()
            .zip(&places)
            .map(|((name, value), place)| (*name, if value.html().is_some() { place as &dyn Argument } else { *value }))
            .collect();
        let words = self.text_with(key, &held);
        let mut html = escape(words, Html).map_or_else(|never| match never {}, |escaped| escaped.0.to_string());
        for ((_, value), place) in values.iter().zip(&places) {
            if let Some(elements) = value.html() {
                html = html.replace(place, elements);
            }
        }
        Safe(html)
    }
}

/// So deep may braces and brackets stand in each other within a text; a plural within a choice has three. The parser calls itself for each.
const DEEPEST: usize = 50;

/// The line, from 1, on which braces or brackets stand deeper than any text needs.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let begins_a_text = |line: &str| {
        let name = line.split_once('=').map_or("", |(name, _)| name.trim_end());
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        !name.is_empty() && name.bytes().all(letter)
    };
    text.lines()
        .position(|line| {
            if begins_a_text(line) {
                depth = 0;
            }
            line.bytes().any(|byte| {
                match byte {
                    b'{' | b'(' => depth += 1,
                    b'}' | b')' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth > DEEPEST
            })
        })
        .map(|at| at + 1)
}

fn resource(text: &str) -> Result<FluentResource, TextsError> {
    if let Some(line) = too_deep(text) {
        return Err(TextsError::Syntax { line });
    }
    FluentResource::try_new(text.to_owned()).map_err(|(_, errors)| {
        let at = errors.first().map_or(0, |error| error.slice.as_ref().map_or(error.pos.start, |slice| slice.start));
        TextsError::Syntax { line: text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1 }
    })
}

fn bundle(resource: FluentResource, language: &LanguageIdentifier) -> Result<Bundle, TextsError> {
    let mut bundle = Bundle::new_concurrent(vec![language.clone()]);
    // what marks the direction of an argument would stand in the page as letters
    bundle.set_use_isolating(false);
    bundle.add_resource(resource).map_err(|errors| TextsError::Unresolved {
        key: "-".to_owned(),
        why: errors.first().map(ToString::to_string).unwrap_or_default(),
    })?;
    Ok(bundle)
}

fn messages(resource: &FluentResource) -> impl Iterator<Item = &Message<&str>> {
    resource.entries().filter_map(|entry| match entry {
        Entry::Message(message) => Some(message),
        _ => None,
    })
}

/// The pieces of a text that has no choice of forms and refers to nothing; none where it does.
fn pieces(message: &Message<&str>) -> Option<Vec<Piece>> {
    let piece = |element: &PatternElement<&str>| match element {
        PatternElement::TextElement { value } => Some(Piece::Words((*value).to_owned())),
        PatternElement::Placeable { expression: Expression::Inline(InlineExpression::VariableReference { id }) } => {
            Some(Piece::Argument(id.name.to_owned()))
        }
        PatternElement::Placeable { .. } => None,
    };
    message.value.as_ref()?.elements.iter().map(piece).collect()
}

/// A text of a bundle; else why there is none.
fn made(bundle: &Bundle, key: &str, values: &[(&str, &dyn Argument)]) -> Result<String, String> {
    let pattern = bundle.get_message(key).and_then(|message| message.value()).ok_or("there is no such text")?;
    let mut arguments = FluentArgs::with_capacity(values.len());
    for (name, value) in values {
        arguments.set(*name, value.value());
    }
    let mut errors = Vec::new();
    let words = bundle.format_pattern(pattern, Some(&arguments), &mut errors);
    match errors.first() {
        Some(error) => Err(error.to_string()),
        None => Ok(words.into_owned()),
    }
}

/// Names of the arguments of a text.
fn arguments(message: &Message<&str>) -> BTreeSet<String> {
    fn of_pattern(pattern: &Pattern<&str>, found: &mut BTreeSet<String>) {
        for element in &pattern.elements {
            if let PatternElement::Placeable { expression } = element {
                of_expression(expression, found);
            }
        }
    }
    fn of_expression(expression: &Expression<&str>, found: &mut BTreeSet<String>) {
        match expression {
            Expression::Inline(inline) => of_inline(inline, found),
            Expression::Select { selector, variants } => {
                of_inline(selector, found);
                variants.iter().for_each(|variant| of_pattern(&variant.value, found));
            }
        }
    }
    fn of_call(call: &CallArguments<&str>, found: &mut BTreeSet<String>) {
        call.positional.iter().chain(call.named.iter().map(|named| &named.value)).for_each(|one| of_inline(one, found));
    }
    fn of_inline(inline: &InlineExpression<&str>, found: &mut BTreeSet<String>) {
        match inline {
            InlineExpression::VariableReference { id } => {
                found.insert(id.name.to_owned());
            }
            InlineExpression::FunctionReference { arguments, .. } => of_call(arguments, found),
            InlineExpression::TermReference { arguments: Some(arguments), .. } => of_call(arguments, found),
            InlineExpression::Placeable { expression } => of_expression(expression, found),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    message.value.iter().for_each(|pattern| of_pattern(pattern, &mut found));
    found
}

fn english_language() -> LanguageIdentifier {
    "en".parse().expect("it is the tag of a language")
}

fn catalogue() -> &'static Catalogue {
    CATALOGUE.get_or_init(Catalogue::english)
}

/// Puts the texts of a site's catalogue in the place of the English ones, before the first page is made.
///
/// # Errors
/// [`TextsError`], when it cannot be used.
pub fn use_site_texts(text: &str) -> Result<(), TextsError> {
    CATALOGUE.set(Catalogue::of_site(text)?).map_err(|_| TextsError::InUse)
}

/// What `text!` of a text without arguments is.
pub(super) fn text(key: &'static str) -> &'static str {
    catalogue().text(key)
}

/// What `text!` of a text with arguments is.
pub(super) fn text_with(key: &'static str, values: Arguments<'_>) -> String {
    catalogue().text_with(key, values)
}

/// What `markup!` is.
pub(super) fn markup(key: &'static str, values: Arguments<'_>) -> Safe<String> {
    catalogue().markup(key, values)
}

/// What `markup!` can put into a sentence.
pub(super) mod elements {
    use std::fmt::Display;

    use askama::filters::{Html, Safe, escape};

    /// Words in an element, `<kbd>` or `<strong class='late'>`.
    pub(in crate::web) fn element(opening: &'static str, words: impl Display) -> Safe<String> {
        let name: String = opening.chars().skip(1).take_while(char::is_ascii_alphanumeric).collect();
        Safe(format!("{opening}{}</{name}>", escaped(words)))
    }

    /// Words that lead to an address.
    pub(in crate::web) fn link(address: impl Display, words: impl Display) -> Safe<String> {
        Safe(format!("<a href=\"{}\">{}</a>", escaped(address), escaped(words)))
    }

    fn escaped(words: impl Display) -> String {
        escape(words.to_string(), Html).map_or_else(|never| match never {}, |escaped| escaped.0.to_string())
    }
}

#[cfg(test)]
mod tests;
