//! Asks a Prometheus how requests to the colours of a pair fare, by queries that were handed in. Reads alone.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::Known;
use super::guard::{Reading, Told};
use super::intent::{Gauges, Questions};
use super::json::{list, text};
use crate::connect::upstream::{Client, Limits};
use crate::domain::id::ClusterId;

/// The ways to clusters, as they are at the moment of asking.
pub type Ways = Arc<dyn Fn(ClusterId) -> Option<kube::Client> + Send + Sync>;

/// Asks about the colours of one pair.
pub(super) struct Asker<'g> {
    gauges: &'g Gauges,
    client: Client,
}

impl<'g> Asker<'g> {
    pub(super) fn new(gauges: &'g Gauges, ways: &Ways, limit: Duration) -> Asker<'g> {
        let way = gauges.upstream.address.cluster().map(|id| {
            let ways = Arc::clone(ways);
            Arc::new(move || ways(id)) as crate::connect::upstream::Way
        });
        let limits = Limits { answer: limit, ..Limits::default() };
        Asker { gauges, client: Client::new(Arc::clone(&gauges.upstream), way, limits) }
    }

    /// How the new colour fares, and how many errors the old one has.
    pub(super) async fn ask(&self, new: &str, old: &str) -> Known<Reading> {
        let of =
            |colour: &str| self.gauges.colours.iter().find(|(name, _)| **name == *colour).map(|(_, one)| one);
        let asked = of(new).ok_or_else(|| format!("what to ask about {new} is not known"))?;
        let Questions { requests, errors, latency } = asked;
        let old = of(old).and_then(|old| old.errors.as_ref().ok());
        let (requests, errors, latency, old_errors) =
            futures::join!(self.number(requests), self.told(errors, 1e6), self.told(latency, 1e3), async {
                match old {
                    Some(query) => self.number(query).await.ok().flatten(),
                    None => None,
                }
            });
        let window = f64::from(self.gauges.window);
        Ok(Reading {
            // No series is no request.
            requests: Some(requests?.map_or(0, |rate| whole(rate * window))),
            errors,
            latency,
            old_errors: old_errors.map(|share| whole(share * 1e6)),
        })
    }

    async fn told(&self, query: &Known<crate::domain::id::Name>, times: f64) -> Told<u64> {
        let query = match query {
            Ok(query) => query,
            Err(why) => return Told::Unknown(why.clone()),
        };
        match self.number(query).await {
            Ok(Some(number)) => Told::Is(whole(number * times)),
            Ok(None) => Told::Unknown("Prometheus has no such series of it yet".to_owned()),
            Err(why) => Told::Unknown(why),
        }
    }

    /// One number; `None` when there is none, or it is no number.
    async fn number(&self, query: &str) -> Known<Option<f64>> {
        let reply = self.client.get("/api/v1/query", &[("query", query)]).await;
        let reply = reply.map_err(|fault| fault.words().to_owned())?;
        let good = reply.is_good();
        let answer: Value = reply.json().map_err(|fault| fault.words().to_owned())?;
        if !good || text(&answer, "/status") != "success" {
            let said = crate::text::clean(text(&answer, "/error")).into_owned();
            return Err(if said.is_empty() { format!("Prometheus answers {}", reply.status) } else { said });
        }
        let first = list(&answer, "/data/result").next();
        let number = first.and_then(|one| one.pointer("/value/1")?.as_str()?.parse::<f64>().ok());
        Ok(number.filter(|number| number.is_finite()))
    }
}

fn whole(number: f64) -> u64 {
    // Casts from floats saturate.
    number.max(0.0).round() as u64
}
