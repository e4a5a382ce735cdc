//! core/v1 Event.

use serde::Deserialize;

use super::lenient::{Fields, Int, List, Text};
use super::stamp;
use crate::domain::time::Stamp;
use crate::msg::EventFact;
use crate::text::clean;

/// A page of events.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireEvents {
    metadata: Fields<ListMeta>,
    items: List<Fields<WireEvent>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListMeta {
    #[serde(rename = "continue")]
    next: Text,
}

/// An event as it comes from the wire.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WireEvent {
    metadata: Fields<Created>,
    #[serde(rename = "type")]
    event_type: Text,
    reason: Text,
    message: Text,
    count: Int,
    first_timestamp: Text,
    last_timestamp: Text,
    event_time: Text,
    series: Fields<Series>,
    involved_object: Fields<Involved>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Created {
    creation_timestamp: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Series {
    count: Int,
    last_observed_time: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Involved {
    kind: Text,
    name: Text,
    uid: Text,
}

impl WireEvents {
    /// The token of the next page; empty when this is the last.
    pub fn next(&self) -> &str {
        &self.metadata.next
    }

    /// The events.
    pub fn into_items(self) -> impl Iterator<Item = WireEvent> {
        self.items.0.into_iter().map(|item| item.0)
    }
}

impl WireEvent {
    /// Kind, name and uid of the object that it is about, as they came.
    pub fn about(&self) -> (&str, &str, &str) {
        (&self.involved_object.kind, &self.involved_object.name, &self.involved_object.uid)
    }

    /// As a fact. The newest of its four times is its time: new-style events leave `lastTimestamp` empty.
    pub fn fact(self) -> EventFact {
        let times = [
            &self.series.last_observed_time,
            &self.last_timestamp,
            &self.event_time,
            &self.metadata.creation_timestamp,
        ];
        let last = times.into_iter().filter_map(|time| stamp::parse(time)).max().unwrap_or_default();
        let first = [&self.first_timestamp, &self.event_time, &self.metadata.creation_timestamp];
        let first = first.into_iter().find_map(|time| stamp::parse(time)).unwrap_or(last);
        let object = &self.involved_object;
        EventFact {
            event_type: clean(&self.event_type).into(),
            reason: clean(&self.reason).into(),
            about: format!("{}/{}", clean(&object.kind).to_lowercase(), clean(&object.name)),
            message: clean(self.message.trim_end()).into_owned(),
            count: self.count.count().max(self.series.count.count()).max(1),
            first: Stamp(first.0.min(last.0)),
            last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(value: serde_json::Value) -> EventFact {
        serde_json::from_value::<WireEvent>(value).unwrap().fact()
    }

    #[test]
    fn an_old_style_event() {
        let fact = fact(serde_json::json!({
            "type": "Warning", "reason": "BackOff", "message": "restarting\u{1b}[0m failed container\n", "count": 18,
            "firstTimestamp": "1970-01-01T00:01:00Z", "lastTimestamp": "1970-01-01T00:05:00Z", "eventTime": null,
            "involvedObject": {"kind": "Pod", "name": "cart-1"}, "metadata": {"creationTimestamp": "1970-01-01T00:01:00Z"}}));
        assert_eq!((fact.first, fact.last, fact.count), (Stamp(60), Stamp(300), 18));
        assert_eq!((&*fact.about, &*fact.message), ("pod/cart-1", "restarting failed container"));
    }

    #[test]
    fn a_new_style_event_has_no_last_timestamp() {
        let fact = fact(serde_json::json!({
            "type": "Normal", "reason": "Scheduled", "lastTimestamp": null, "eventTime": "1970-01-01T00:01:00.5Z",
            "series": {"count": 4, "lastObservedTime": "1970-01-01T00:02:00.000001Z"}}));
        assert_eq!((fact.first, fact.last, fact.count), (Stamp(60), Stamp(120), 4));
    }
}
