//! Texts of the settings with places to be filled: `{to}`, `{text}`, `{key}`, `{sender}`, `{secret}`.
//!
//! What fills a place is never looked through for places itself. Escaping is the business of what the
//! text stands in: a string of JSON, a field of a form.

use serde_json::Value;

/// A text with places.
#[derive(Clone)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone)]
enum Piece {
    Said(String),
    Place(Place),
}

/// What fills a place.
#[derive(Clone, Copy, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub(super) enum Place {
    /// The recipient's number.
    To,
    /// What the message says.
    Text,
    /// What the message is recognised by.
    Key,
    /// Who sends, as the settings call it.
    Sender,
    /// The secret of the settings.
    Secret,
}

/// What fills the places of one message.
pub(super) struct Filling<'a> {
    pub(super) to: &'a str,
    pub(super) text: &'a str,
    pub(super) key: &'a str,
    pub(super) sender: &'a str,
    pub(super) secret: &'a str,
}

impl Template {
    /// Reads a text; none if a brace stands for nothing known.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some((said, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}')?;
            pieces.push(Piece::Said(said.to_owned()));
            pieces.push(Piece::Place(place.parse().ok()?));
            rest = after;
        }
        pieces.push(Piece::Said(rest.to_owned()));
        Some(Self(pieces))
    }

    /// Whether it has a place for this.
    pub(super) fn has(&self, place: Place) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Place(known) if *known == place))
    }

    /// The text, filled.
    pub(super) fn fill(&self, filling: &Filling<'_>) -> String {
        let filled = self.0.iter().map(|piece| match piece {
            Piece::Said(said) => said,
            Piece::Place(place) => filling.of(*place),
        });
        filled.collect()
    }
}

impl Filling<'_> {
    fn of(&self, place: Place) -> &str {
        match place {
            Place::To => self.to,
            Place::Text => self.text,
            Place::Key => self.key,
            Place::Sender => self.sender,
            Place::Secret => self.secret,
        }
    }
}

/// A document whose strings are templates.
#[derive(Clone)]
pub(super) enum Document {
    /// A string.
    Text(Template),
    /// What has no places.
    Plain(Value),
    /// A list.
    List(Vec<Document>),
    /// An object.
    Fields(Vec<(String, Document)>),
}

impl Document {
    /// Reads a document; none if a brace stands for nothing known.
    pub(super) fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Template::read(text).map(Self::Text),
            Value::Null | Value::Bool(_) | Value::Number(_) => Some(Self::Plain(value.clone())),
            Value::Array(list) => {
                list.iter().map(Self::read).collect::<Option<_>>().map(Self::List)
            }
            Value::Object(fields) => {
                let field = |(name, value): (&String, &Value)| {
                    Self::read(value).map(|document| (name.clone(), document))
                };
                fields.iter().map(field).collect::<Option<_>>().map(Self::Fields)
            }
        }
    }

    /// Whether it has a place for this, anywhere.
    pub(super) fn has(&self, place: Place) -> bool {
        match self {
            Self::Text(template) => template.has(place),
            Self::Plain(_) => false,
            Self::List(list) => list.iter().any(|document| document.has(place)),
            Self::Fields(fields) => fields.iter().any(|(_, document)| document.has(place)),
        }
    }

    /// The document, filled.
    pub(super) fn fill(&self, filling: &Filling<'_>) -> Value {
        match self {
            Self::Text(template) => Value::String(template.fill(filling)),
            Self::Plain(value) => value.clone(),
            Self::List(list) => list.iter().map(|document| document.fill(filling)).collect(),
            Self::Fields(fields) => {
                let filled =
                    |(name, document): &(String, Self)| (name.clone(), document.fill(filling));
                fields.iter().map(filled).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FILLING: Filling<'_> = Filling {
        to: "+33639980099",
        text: "\"}{secret}, {to}\n\\",
        key: "k",
        sender: "ECOLE",
        secret: "s",
    };

    #[test]
    fn what_fills_a_place_is_not_looked_through_again() {
        let template = Template::read("{sender}: {text} ({to})").unwrap();
        assert_eq!(template.fill(&FILLING), "ECOLE: \"}{secret}, {to}\n\\ (+33639980099)");
    }

    #[test]
    fn a_document_stays_the_one_it_was_whatever_fills_it() {
        let document =
            json!({ "to": ["{to}"], "body": { "text": "{text}", "urgent": true, "n": 1 } });
        let filled = Document::read(&document).unwrap().fill(&FILLING).to_string();
        let filled: Value = serde_json::from_str(&filled).unwrap();
        let text = "\"}{secret}, {to}\n\\";
        assert_eq!(
            filled,
            json!({ "to": ["+33639980099"], "body": { "text": text, "urgent": true, "n": 1 } })
        );
    }

    #[test]
    fn a_place_that_nothing_is_known_of_is_refused() {
        for text in ["{name}", "{", "{to", "{ to }", "{{to}}"] {
            assert!(Template::read(text).is_none(), "{text}");
        }
        assert!(Document::read(&json!({ "a": [{ "b": "{nobody}" }] })).is_none());
    }
}
