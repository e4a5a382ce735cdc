//! JSON patch (RFC 6902), with the habits of the Kubernetes API server: `replace` on a missing member adds it. Written
//! here since the crates for it refuse that.

use serde_json::Value;

/// Applies all operations or, on an error, leaves the object in an unspecified state (the caller drops it).
pub fn apply(object: &mut Value, patch: &Value) -> Result<(), String> {
    let operations = patch.as_array().ok_or("a JSON patch is a list of operations")?;
    for operation in operations {
        let text = |key: &str| operation[key].as_str().ok_or(format!("operation without {key}"));
        let path = text("path")?;
        let value = || operation.get("value").cloned().ok_or("operation without value".to_owned());
        match text("op")? {
            "test" => {
                let found = object.pointer(path).cloned().unwrap_or(Value::Null);
                if !same(&found, operation.get("value").unwrap_or(&Value::Null)) {
                    return Err(format!("testing value {path} failed"));
                }
            }
            "add" => put(object, path, value()?, true)?,
            "replace" => put(object, path, value()?, false)?,
            "remove" => drop(take(object, path)?),
            "move" => {
                let moved = take(object, text("from")?)?;
                put(object, path, moved, true)?;
            }
            "copy" => {
                let from = text("from")?;
                let copy = object.pointer(from).cloned().ok_or(format!("{from} is missing"))?;
                put(object, path, copy, true)?;
            }
            other => return Err(format!("unknown operation {other}")),
        }
    }
    Ok(())
}

/// Equality that does not tell 1 from 1.0.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        _ => a == b,
    }
}

fn parent<'a>(object: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), String> {
    let (head, last) = path.rsplit_once('/').ok_or(format!("bad path {path:?}"))?;
    let holder = object.pointer_mut(head).ok_or(format!("{head} is missing"))?;
    Ok((holder, last.replace("~1", "/").replace("~0", "~")))
}

fn put(object: &mut Value, path: &str, value: Value, insert: bool) -> Result<(), String> {
    if path.is_empty() {
        *object = value;
        return Ok(());
    }
    let (holder, key) = parent(object, path)?;
    match holder {
        Value::Object(map) => {
            map.insert(key, value);
        }
        Value::Array(list) if insert && key == "-" => list.push(value),
        Value::Array(list) => {
            let at: usize = key.parse().map_err(|_| format!("{key} is no index"))?;
            let length = list.len();
            match list.get_mut(at) {
                Some(place) if !insert => *place = value,
                None if at > length || !insert => return Err(format!("index {at} is out of bounds")),
                _ => list.insert(at, value),
            }
        }
        _ => return Err(format!("{path} is not in a map or list")),
    }
    Ok(())
}

fn take(object: &mut Value, path: &str) -> Result<Value, String> {
    let (holder, key) = parent(object, path)?;
    let taken = match holder {
        Value::Object(map) => map.remove(&key),
        Value::Array(list) => match key.parse::<usize>() {
            Ok(at) if at < list.len() => Some(list.remove(at)),
            _ => None,
        },
        _ => None,
    };
    taken.ok_or(format!("{path} is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patched(patch: Value) -> Result<Value, String> {
        let mut object = json!({"a":{"b":"x","l":[1,2,3]},"k/e":1});
        apply(&mut object, &patch).map(|()| object)
    }

    #[test]
    fn every_operation() {
        let cases = [
            (json!([{"op":"add","path":"/a/c","value":1}]), json!({"a":{"b":"x","c":1,"l":[1,2,3]},"k/e":1})),
            (
                json!([{"op":"add","path":"/a/l/-","value":4},{"op":"add","path":"/a/l/0","value":0}]),
                json!({"a":{"b":"x","l":[0,1,2,3,4]},"k/e":1}),
            ),
            (
                json!([{"op":"replace","path":"/a/l/1","value":9},{"op":"replace","path":"/new","value":1}]),
                json!({"a":{"b":"x","l":[1,9,3]},"k/e":1,"new":1}),
            ),
            (
                json!([{"op":"remove","path":"/k~1e"},{"op":"remove","path":"/a/l/0"}]),
                json!({"a":{"b":"x","l":[2,3]}}),
            ),
            (
                json!([{"op":"move","from":"/a/b","path":"/b"},{"op":"copy","from":"/b","path":"/c"}]),
                json!({"a":{"l":[1,2,3]},"b":"x","c":"x","k/e":1}),
            ),
            (
                json!([{"op":"test","path":"/a/b","value":"x"},{"op":"test","path":"/none","value":null}]),
                json!({"a":{"b":"x","l":[1,2,3]},"k/e":1}),
            ),
        ];
        for (patch, expected) in cases {
            assert_eq!(patched(patch.clone()).as_ref(), Ok(&expected), "{patch}");
        }
        for bad in [
            json!([{"op":"test","path":"/a/b","value":"y"}]),
            json!([{"op":"remove","path":"/none"}]),
            json!([{"op":"add","path":"/a/l/9","value":1}]),
            json!([{"op":"add","path":"/x/y","value":1}]),
            json!({"op":"add"}),
        ] {
            assert!(patched(bad.clone()).is_err(), "{bad}");
        }
    }
}
