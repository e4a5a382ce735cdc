//! Reads request bodies in Kubernetes' protobuf form: kubectl's typed commands (`create deployment`, `auth can-i`)
//! send them without asking. The fields come from a table in assets/demo; a field that is not in it refuses the body
//! rather than losing it. Answers are always JSON, which every client accepts.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::store::seconds;

/// What every such body begins with.
pub const MAGIC: &[u8] = b"k8s\0";

struct Field {
    name: &'static str,
    kind: &'static str,
    /// The members of the message are the parent's in JSON.
    inline: bool,
    list: bool,
    map: bool,
    /// Kept when it is zero: the absence means something else.
    keep: bool,
}

type Message = HashMap<u64, Field>;

static MESSAGES: LazyLock<HashMap<&'static str, Message>> = LazyLock::new(|| {
    let table = include_str!("../../assets/demo/protobuf-fields.txt");
    table.lines().filter(|line| !line.starts_with('#')).filter_map(message).collect()
});

/// Reads a line of the table.
fn message(line: &'static str) -> Option<(&'static str, Message)> {
    let (name, fields) = line.split_once(':')?;
    let fields = fields.split(';').filter_map(|field| {
        let mut words = field.split_whitespace();
        let (number, name, kind) = (words.next()?.parse().ok()?, words.next()?, words.next()?);
        let bare = kind.trim_end_matches('?');
        let field = Field {
            name: name.trim_end_matches('^'),
            inline: name.ends_with('^'),
            list: bare.starts_with("[]"),
            map: bare.starts_with("{}"),
            keep: kind.ends_with('?'),
            kind: bare.trim_start_matches("[]").trim_start_matches("{}"),
        };
        Some((number, field))
    });
    Some((name, fields.collect()))
}

/// A value as it stands on the wire.
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Takes the next field off the input.
fn next<'a>(input: &mut &'a [u8]) -> Result<Option<(u64, Wire<'a>)>, String> {
    if input.is_empty() {
        return Ok(None);
    }
    let tag = varint(input)?;
    let mut take = |count: usize| -> Result<&'a [u8], String> {
        let (taken, rest) = input.split_at_checked(count).ok_or("a field is cut short")?;
        *input = rest;
        Ok(taken)
    };
    let fixed = |bytes: &[u8]| bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b));
    let value = match tag & 7 {
        0 => Wire::Number(varint(input)?),
        1 => Wire::Number(fixed(take(8)?)),
        5 => Wire::Number(fixed(take(4)?)),
        2 => {
            let length = usize::try_from(varint(input)?).map_err(|e| e.to_string())?;
            let (taken, rest) = input.split_at_checked(length).ok_or("a field is cut short")?;
            *input = rest;
            Wire::Bytes(taken)
        }
        other => return Err(format!("wire type {other} is not used by Kubernetes")),
    };
    Ok(Some((tag >> 3, value)))
}

fn varint(input: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0;
    for at in 0..10 {
        let (byte, rest) = input.split_first().ok_or("a number is cut short")?;
        *input = rest;
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("a number is too long".into())
}

/// All fields of a message that the table does not describe: small helpers with fixed numbers.
fn plain(mut input: &[u8]) -> Result<HashMap<u64, Wire<'_>>, String> {
    let mut fields = HashMap::new();
    while let Some((number, value)) = next(&mut input)? {
        fields.insert(number, value);
    }
    Ok(fields)
}

fn text(wire: Option<&Wire<'_>>) -> String {
    match wire {
        Some(Wire::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

fn number(wire: Option<&Wire<'_>>) -> i64 {
    match wire {
        Some(Wire::Number(n)) => n.cast_signed(),
        _ => 0,
    }
}

/// The object in a body; 415 when it holds what cannot be read.
pub fn object(body: &[u8]) -> Result<Value, ApiError> {
    read(body).map_err(|why| {
        ApiError::new(
            415,
            "UnsupportedMediaType",
            format!("the body of the request was in an unknown format: {why}; send application/json"),
        )
    })
}

fn read(body: &[u8]) -> Result<Value, String> {
    let envelope = plain(body.strip_prefix(MAGIC).ok_or("no protobuf of Kubernetes")?)?;
    let Some(Wire::Bytes(kind)) = envelope.get(&1) else { return Err("no type".into()) };
    let kind = plain(kind)?;
    let (version, kind) = (text(kind.get(&1)), text(kind.get(&2)));
    let raw = match envelope.get(&2) {
        Some(Wire::Bytes(raw)) => raw,
        _ => &[][..],
    };
    let mut object = members(&kind, raw)?;
    object.insert("kind".into(), json!(kind));
    object.insert("apiVersion".into(), json!(version));
    Ok(Value::Object(object))
}

fn members(name: &str, mut input: &[u8]) -> Result<Map<String, Value>, String> {
    let message = MESSAGES.get(name).ok_or(format!("{name} is not known in protobuf"))?;
    let mut out = Map::new();
    while let Some((number, wire)) = next(&mut input)? {
        let field = message.get(&number).ok_or(format!("field {number} of {name} is not known"))?;
        if field.map {
            let Wire::Bytes(pair) = wire else { return Err(format!("{} is no map", field.name)) };
            let pair = plain(pair)?;
            let value = value(field, pair.get(&2).unwrap_or(&Wire::Bytes(&[])))?;
            let map = out.entry(field.name).or_insert_with(|| json!({}));
            map[text(pair.get(&1))] = value;
            continue;
        }
        let value = value(field, &wire)?;
        if field.list {
            let list = out.entry(field.name).or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.push(value);
            }
        } else if field.inline {
            if let Value::Object(inner) = value {
                out.extend(inner);
            }
        } else if field.keep && !value.is_null() || !is_zero(&value) {
            out.insert(field.name.to_owned(), value);
        }
    }
    Ok(out)
}

/// What JSON leaves out.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::String(s) => s.is_empty(),
        Value::Array(_) => false,
        Value::Object(map) => map.is_empty(),
    }
}

fn value(field: &Field, wire: &Wire<'_>) -> Result<Value, String> {
    let bytes = match wire {
        Wire::Bytes(bytes) => bytes,
        Wire::Number(_) => &[][..],
    };
    Ok(match field.kind {
        "s" => json!(text(Some(wire))),
        "i" => json!(number(Some(wire))),
        "b" => json!(number(Some(wire)) != 0),
        "d" => json!(f64::from_bits(number(Some(wire)).cast_unsigned())),
        "y" => json!(base64(bytes)),
        "Q" => json!(text(plain(bytes)?.get(&1))),
        "I" => {
            let fields = plain(bytes)?;
            match number(fields.get(&1)) {
                0 => json!(number(fields.get(&2))),
                _ => json!(text(fields.get(&3))),
            }
        }
        "T" if bytes.is_empty() => Value::Null,
        "T" => {
            let at = Timestamp::from_second(number(plain(bytes)?.get(&1)));
            json!(seconds(at.map_err(|e| e.to_string())?))
        }
        "R" => serde_json::from_slice(bytes).map_err(|e| e.to_string())?,
        "-" => Value::Null,
        // The values of a userInfo's extra are lists without a message in JSON.
        "ExtraValue" => members("ExtraValue", bytes)?.remove("items").unwrap_or_else(|| json!([])),
        message => Value::Object(members(message, bytes)?),
    })
}

/// Base64 as JSON spells bytes; small enough not to want a crate.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let all = chunk.iter().fold(0_usize, |n, b| n << 8 | usize::from(*b)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place <= chunk.len() {
                out.push(char::from(DIGITS[all >> (18 - 6 * place) & 63]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
        out.extend_from_slice(bytes);
        out
    }

    fn body(version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &meta), field(2, raw)].concat()
    }

    #[test]
    fn a_review_and_a_secret() {
        let attributes = [field(1, b"shop"), field(2, b"list"), field(5, b"pods"), field(3, b"")].concat();
        let raw = [field(1, b""), field(2, &field(1, &attributes))].concat();
        assert_eq!(
            object(&body("authorization.k8s.io/v1", "SelfSubjectAccessReview", &raw)).unwrap(),
            json!({"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":{"resourceAttributes":{"namespace":"shop","verb":"list","resource":"pods"}}})
        );
        let data = [field(1, b"k"), field(2, b"v!")].concat();
        let raw = [field(1, &field(1, b"s")), field(2, &data)].concat();
        let secret = object(&body("v1", "Secret", &raw)).unwrap();
        assert_eq!((&secret["metadata"]["name"], &secret["data"]["k"]), (&json!("s"), &json!("diE=")));
    }

    #[test]
    fn what_is_not_known_is_refused_and_not_lost() {
        let raw = field(15, b"x");
        let refusal = object(&body("v1", "Secret", &raw)).unwrap_err();
        assert_eq!(refusal.code, 415);
        assert!(refusal.message.contains("field 15 of Secret"), "{refusal}");
        assert_eq!(object(&body("v1", "Frob", b"")).unwrap_err().code, 415);
    }

    #[test]
    fn the_table_is_closed() {
        for (name, message) in MESSAGES.iter() {
            for field in message.values() {
                let known = field.kind.len() == 1 || MESSAGES.contains_key(field.kind);
                assert!(known, "{name}.{} has an unknown type {}", field.name, field.kind);
            }
        }
        assert!(MESSAGES.len() > 200);
    }
}
