//! Field types that accept whatever stands there: a value of the wrong shape counts as absent.
//!
//! API servers keep built-in kinds to their schema, but definitions of others (Argo Rollouts writes
//! `observedGeneration` as a string), old versions and hand-made servers do not always. One strange field must not
//! cost its object, and one strange object must not cost its list.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A text; numbers and booleans become their text, anything else is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(pub String);

/// A whole number; digits in a text count, anything else is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Int(pub i64);

/// Like [`Int`], but absence can be told from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaybeInt(pub Option<i64>);

/// True or false; `None` when it is neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flag(pub Option<bool>);

/// A list; anything else is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

/// An object whose fields are read into `T`; anything else is `T::default()`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields<T>(pub T);

/// An object that may be absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maybe<T>(pub Option<T>);

/// The pairs of an object, in their order; anything else is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairs<V>(pub Vec<(String, V)>);

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Int {
    /// As a count: negative numbers are 0.
    pub fn count(self) -> u32 {
        u32::try_from(self.0.max(0)).unwrap_or(u32::MAX)
    }
}

impl MaybeInt {
    /// As a count, or another when absent.
    pub fn count_or(self, otherwise: u32) -> u32 {
        self.0.map_or(otherwise, |n| Int(n).count())
    }
}

impl Flag {
    /// Whether it is true.
    pub fn is_true(self) -> bool {
        self.0 == Some(true)
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        List(Vec::new())
    }
}

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Maybe(None)
    }
}

impl<V> Default for Pairs<V> {
    fn default() -> Self {
        Pairs(Vec::new())
    }
}

impl<V> Pairs<V> {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&V> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<T> Deref for List<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> Deref for Fields<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Deref for Maybe<T> {
    type Target = Option<T>;
    fn deref(&self) -> &Option<T> {
        &self.0
    }
}

/// What one of the types makes of each shape; every shape has a default.
trait Shape<'de>: Default {
    fn text(_: &str) -> Self {
        Self::default()
    }
    fn owned_text(text: String) -> Self {
        Self::text(&text)
    }
    fn int(_: i64) -> Self {
        Self::default()
    }
    fn number(_: f64) -> Self {
        Self::default()
    }
    fn flag(_: bool) -> Self {
        Self::default()
    }
    fn seq<A: SeqAccess<'de>>(mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
    fn map<A: MapAccess<'de>>(mut pairs: A) -> Result<Self, A::Error> {
        while pairs.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

struct Any<S>(PhantomData<S>);

impl<'de, S: Shape<'de>> Visitor<'de> for Any<S> {
    type Value = S;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_str<E>(self, text: &str) -> Result<S, E> {
        Ok(S::text(text))
    }
    fn visit_string<E>(self, text: String) -> Result<S, E> {
        Ok(S::owned_text(text))
    }
    fn visit_i64<E>(self, n: i64) -> Result<S, E> {
        Ok(S::int(n))
    }
    fn visit_u64<E>(self, n: u64) -> Result<S, E> {
        Ok(S::int(i64::try_from(n).unwrap_or(i64::MAX)))
    }
    fn visit_f64<E>(self, n: f64) -> Result<S, E> {
        Ok(S::number(n))
    }
    fn visit_bool<E>(self, flag: bool) -> Result<S, E> {
        Ok(S::flag(flag))
    }
    fn visit_unit<E>(self) -> Result<S, E> {
        Ok(S::default())
    }
    fn visit_none<E>(self) -> Result<S, E> {
        Ok(S::default())
    }
    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<S, D::Error> {
        inner.deserialize_any(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<S, A::Error> {
        S::seq(items)
    }
    fn visit_map<A: MapAccess<'de>>(self, pairs: A) -> Result<S, A::Error> {
        S::map(pairs)
    }
}

impl Shape<'_> for Text {
    fn text(text: &str) -> Self {
        Text(text.to_owned())
    }
    fn owned_text(text: String) -> Self {
        Text(text)
    }
    fn int(n: i64) -> Self {
        Text(n.to_string())
    }
    fn number(n: f64) -> Self {
        Text(n.to_string())
    }
    fn flag(flag: bool) -> Self {
        Text(flag.to_string())
    }
}

impl Shape<'_> for Int {
    fn text(text: &str) -> Self {
        Int(text.trim().parse().unwrap_or(0))
    }
    fn int(n: i64) -> Self {
        Int(n)
    }
}

impl Shape<'_> for MaybeInt {
    fn text(text: &str) -> Self {
        MaybeInt(text.trim().parse().ok())
    }
    fn int(n: i64) -> Self {
        MaybeInt(Some(n))
    }
}

impl Shape<'_> for Flag {
    fn flag(flag: bool) -> Self {
        Flag(Some(flag))
    }
}

impl<'de, T: Deserialize<'de>> Shape<'de> for List<T> {
    fn seq<A: SeqAccess<'de>>(mut items: A) -> Result<Self, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(List(list))
    }
}

impl<'de, T: Deserialize<'de> + Default> Shape<'de> for Fields<T> {
    fn map<A: MapAccess<'de>>(pairs: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(pairs)).map(Fields)
    }
}

impl<'de, T: Deserialize<'de>> Shape<'de> for Maybe<T> {
    fn map<A: MapAccess<'de>>(pairs: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(pairs)).map(|value| Maybe(Some(value)))
    }
}

impl<'de, V: Deserialize<'de>> Shape<'de> for Pairs<V> {
    fn map<A: MapAccess<'de>>(mut pairs: A) -> Result<Self, A::Error> {
        let mut list = Vec::new();
        while let Some(pair) = pairs.next_entry()? {
            list.push(pair);
        }
        Ok(Pairs(list))
    }
}

macro_rules! any_shape {
    ($($type:ty),* ; $($generic:ident : $bound:path),*) => {
        $(impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_any(Any(PhantomData))
            }
        })*
        $(impl<'de, T: $bound + Deserialize<'de>> Deserialize<'de> for $generic<T> {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_any(Any(PhantomData))
            }
        })*
    };
}
any_shape!(Text, Int, MaybeInt, Flag; List: Sized, Maybe: Sized, Pairs: Sized, Fields: Default);

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Sample {
        text: Text,
        int: Int,
        maybe: MaybeInt,
        flag: Flag,
        list: List<Text>,
        inner: Fields<Inner>,
        opt: Maybe<Inner>,
        pairs: Pairs<Text>,
    }

    #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
    #[serde(default)]
    struct Inner {
        name: Text,
    }

    #[test]
    fn the_right_shapes_are_read() {
        let sample: Sample = serde_json::from_str(
            r#"{"text":"a","int":3,"maybe":0,"flag":true,"list":["x",1],"inner":{"name":"n","more":[1]},
                "opt":{"name":"o"},"pairs":{"b":"2","a":"1"}}"#,
        )
        .unwrap();
        assert_eq!(&*sample.text, "a");
        assert_eq!((sample.int.0, sample.maybe.0, sample.flag.0), (3, Some(0), Some(true)));
        assert_eq!(sample.list.0, [Text("x".into()), Text("1".into())]);
        assert_eq!(&*sample.inner.name, "n");
        assert_eq!(sample.opt.as_ref().unwrap().name.0, "o");
        assert_eq!(sample.pairs.get("a").unwrap().0, "1");
    }

    #[test]
    fn every_wrong_shape_counts_as_absent() {
        for value in [
            "null",
            "[]",
            "[1,{\"a\":2}]",
            "{}",
            "{\"name\":[1]}",
            "true",
            "-1.5",
            "18446744073709551615",
            "\"\\u001b\"",
        ] {
            let fields = ["text", "int", "maybe", "flag", "list", "inner", "opt", "pairs"];
            for field in fields {
                let text = format!("{{\"{field}\":{value},\"int\":7}}");
                let text = if field == "int" { format!("{{\"int\":{value}}}") } else { text };
                let sample: Result<Sample, _> = serde_json::from_str(&text);
                assert!(sample.is_ok(), "{text}: {sample:?}");
                assert!(field == "int" || sample.unwrap().int.0 == 7, "the rest is read on: {text}");
            }
        }
    }

    #[test]
    fn numbers_in_texts_are_numbers() {
        let sample: Sample = serde_json::from_str(r#"{"int":"12","maybe":"x","text":5}"#).unwrap();
        assert_eq!((sample.int.0, sample.maybe.0, &*sample.text), (12, None, "5"));
        assert_eq!(Int(-3).count(), 0);
    }
}
