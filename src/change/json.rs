//! Small looks into JSON objects of the API.

use serde_json::Value;

/// The value at a pointer; null when it is not there.
pub(super) fn at(object: &Value, pointer: &str) -> Value {
    object.pointer(pointer).cloned().unwrap_or(Value::Null)
}

/// A text at a pointer; empty when there is none.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A count at a pointer.
pub(super) fn count(object: &Value, pointer: &str) -> Option<u64> {
    object.pointer(pointer).and_then(Value::as_u64)
}

/// Whether a flag is set.
pub(super) fn flag(object: &Value, pointer: &str) -> bool {
    object.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// Whether two values say the same: of a flag that is not set some writers leave a `false`, others nothing.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    let is_off = |value: &Value| matches!(value, Value::Null | Value::Bool(false));
    one == other || is_off(one) && is_off(other)
}

/// The entries of a list at a pointer.
pub(super) fn list<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// A label or annotation.
pub(super) fn note<'a>(object: &'a Value, map: &str, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get(map)?.get(key)?.as_str()
}

/// Puts a value where a pointer of objects leads, making those that are missing.
pub(super) fn nest(pointer: &str, value: Value) -> Value {
    let keys = pointer.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~"));
    keys.collect::<Vec<_>>().into_iter().rev().fold(value, |inner, key| {
        let mut map = serde_json::Map::new();
        map.insert(key, inner);
        Value::Object(map)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pointer_is_nested_again() {
        let pointer = "/a/x.io~1y~0z";
        let nested = nest(pointer, json!(1));
        assert_eq!(nested, json!({"a": {"x.io/y~z": 1}}));
        assert_eq!(at(&nested, pointer), json!(1));
        assert_eq!(at(&nested, "/b"), Value::Null);
    }

    #[test]
    fn a_flag_that_is_off_is_as_one_that_is_absent() {
        assert!(
            same(&json!(false), &Value::Null)
                && same(&Value::Null, &json!(false))
                && same(&json!(1), &json!(1))
        );
        assert!(
            !same(&json!(true), &Value::Null)
                && !same(&json!(0), &Value::Null)
                && !same(&json!([]), &Value::Null)
        );
    }
}
