//! The Network pane: how traffic reaches the selected app in the current
//! environment: Ingresses and Services with their endpoints.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::filter::Haystack;
use super::list::{Cell, Changes, Column, Rows};
use super::{PaneId, words};
use crate::domain::id::{EnvId, Kind, Name, ObjectRef};
use crate::domain::level::Level;
use crate::domain::meta::Labels;
use crate::fleet::network::{Route, network};
use crate::look::Look;
use crate::shared::{Shared, Subject};
use crate::theme::Role;

/// The ways to the selected app.
#[derive(Debug, Default)]
pub struct Network {
    seen: Option<Seen>,
    routes: Vec<Route>,
}

/// What the routes were worked out from.
#[derive(Debug, PartialEq)]
struct Seen {
    app: Option<Name>,
    environment: EnvId,
    all: bool,
    matrix: u64,
    versions: Vec<[u64; 3]>,
}

const NAME: usize = 0;
const TYPE: usize = 1;
const HOST: usize = 2;
const PORTS: usize = 3;
const ENDPOINTS: usize = 4;

static COLUMNS: [Column; 5] = [
    Column::new("name", 14).most(26),
    Column::new("type", 8).most(13).rank(1),
    Column::new("host and path", 12).most(44).rank(2),
    Column::new("ports", 8).most(22).rank(3),
    Column::new("endpoints", 12).most(36),
];

/// A row: its index in [`Network::routes`], valid until they change.
type Row = u32;

impl Haystack for Route {
    fn any_text(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.object.name)
            || found(&self.host)
            || found(&self.path)
            || found(&self.route_type)
            || found(&self.ports)
    }
    fn labels(&self) -> &Labels {
        static NONE: std::sync::LazyLock<Labels> = std::sync::LazyLock::new(Labels::default);
        &NONE
    }
}

impl Network {
    fn route(&self, row: Row) -> Option<&Route> {
        self.routes.get(usize::try_from(row).ok()?)
    }
}

/// The workloads of the selected app where the person looks.
fn workloads(shared: &Shared) -> Vec<ObjectRef> {
    let Some(row) = shared.app.as_ref().and_then(|app| shared.matrix.row(app)) else { return Vec::new() };
    let columns = shared.matrix.columns.iter().zip(&row.cells);
    columns
        .filter(|(env, _)| shared.all_environments || **env == shared.current)
        .filter_map(|(_, cell)| cell.as_ref())
        .flat_map(|cell| cell.workloads.iter().cloned())
        .collect()
}

impl Rows for Network {
    type Row = Row;
    type Key = (ObjectRef, Name, Name);

    fn id(&self) -> PaneId {
        PaneId::Network
    }

    fn name(&self, shared: &Shared) -> String {
        match &shared.app {
            Some(app) => format!("Network {app} {}", words::scope(shared)),
            None => "Network".to_owned(),
        }
    }

    fn columns(&self, _shared: &Shared) -> Cow<'_, [Column]> {
        Cow::Borrowed(&COLUMNS)
    }

    fn changes(&mut self, shared: &Shared) -> Changes<Row> {
        let clusters = shared.world.clusters.iter();
        let now = Some(Seen {
            app: shared.app.clone(),
            environment: shared.current,
            all: shared.all_environments,
            matrix: shared.matrix_version,
            versions: clusters
                .map(|c| [c.services.version(), c.ingresses.version(), c.endpoint_slices.version()])
                .collect(),
        });
        if now == self.seen {
            return Changes::Nothing;
        }
        self.seen = now;
        self.routes = network(&shared.world, &workloads(shared));
        Changes::Everything
    }

    fn all(&self, _shared: &Shared, each: &mut dyn FnMut(Row)) {
        (0..self.routes.len()).filter_map(|at| Row::try_from(at).ok()).for_each(each);
    }

    fn shown(&self, _shared: &Shared, row: Row) -> bool {
        self.route(row).is_some()
    }

    fn level(&self, _shared: &Shared, row: Row) -> Level {
        self.route(row).map_or(Level::Unknown, |route| route.level)
    }

    fn compare(&self, _shared: &Shared, column: usize, a: Row, b: Row) -> Ordering {
        let (Some(x), Some(y)) = (self.route(a), self.route(b)) else { return Ordering::Equal };
        match column {
            TYPE => x.route_type.cmp(&y.route_type),
            HOST => (&x.host, &x.path).cmp(&(&y.host, &y.path)),
            PORTS => x.ports.cmp(&y.ports),
            ENDPOINTS => x.endpoints.map(|e| e.ready).cmp(&y.endpoints.map(|e| e.ready)),
            // Their own order: Ingresses before Services, by name.
            NAME => a.cmp(&b),
            _ => Ordering::Equal,
        }
    }

    fn key(&self, _shared: &Shared, row: Row) -> Option<Self::Key> {
        self.route(row).map(|route| (route.object.clone(), route.host.clone(), route.path.clone()))
    }

    fn find(&self, _shared: &Shared, (object, host, path): &Self::Key) -> Option<Row> {
        let same = |route: &Route| {
            route.object.uid == object.uid
                && route.object.cluster == object.cluster
                && route.host == *host
                && route.path == *path
        };
        Row::try_from(self.routes.iter().position(same)?).ok()
    }

    fn search(&self, _shared: &Shared, row: Row, look: &mut dyn FnMut(&dyn Haystack) -> bool) -> bool {
        self.route(row).is_some_and(|route| look(route))
    }

    fn cell<'a>(&self, _shared: &'a Shared, row: Row, column: usize, _look: &Look) -> Cell<'a> {
        let Some(route) = self.route(row) else { return Cell::muted("") };
        match column {
            NAME => Cell::text(route.object.name.to_string()),
            TYPE if route.object.kind == Kind::Ingress => Cell::muted(format!("ing {}", route.route_type)),
            TYPE => Cell::muted(route.route_type.to_string()),
            HOST => Cell::text(address(route)),
            PORTS => Cell::muted(route.ports.clone()),
            ENDPOINTS => {
                let (words, level) = endpoints(route);
                Cell {
                    text: words.into(),
                    role: if level == Level::Ok { Role::Text } else { Role::of_level(level) },
                }
            }
            _ => Cell::muted(""),
        }
    }

    fn subject(&self, _shared: &Shared, row: Row) -> Option<Subject> {
        self.route(row).map(|route| Subject::Object(route.object.clone()))
    }

    fn empty(&self, shared: &Shared) -> Vec<String> {
        let Some(app) = &shared.app else {
            return vec![
                "No app is selected.".to_owned(),
                "Go to a row of Releases or Workloads: its Services, Ingresses".to_owned(),
                "and endpoints are shown here.".to_owned(),
            ];
        };
        let mut lines = words::not_readable(shared, &KINDS);
        if lines.is_empty() {
            let place = words::scope(shared);
            lines.push(match workloads(shared).is_empty() {
                true => format!("{app} does not run in {place}."),
                false => format!("No Service selects {app} in {place}."),
            });
        }
        lines.extend(words::unnamed(shared));
        lines
    }

    fn stale(&self, shared: &Shared) -> Option<String> {
        words::stale(shared)
    }

    fn gaps(&self, shared: &Shared) -> Option<String> {
        words::gaps(shared, &KINDS)
    }
}

const KINDS: [Kind; 3] = [Kind::Service, Kind::Ingress, Kind::EndpointSlice];

/// `https://shop.example/cart`, `10.0.0.7`, `inside only`.
pub fn address(route: &Route) -> String {
    if route.object.kind == Kind::Ingress {
        let scheme = if route.tls { "https://" } else { "http://" };
        format!("{scheme}{}{}", route.host, route.path)
    } else if route.host.is_empty() {
        "inside only".to_owned()
    } else {
        route.host.to_string()
    }
}

/// Endpoints in words: `3/4 ready, 1 leaving`, and why they are not well.
pub fn endpoints(route: &Route) -> (String, Level) {
    let Some(endpoints) = route.endpoints else { return ("not known".to_owned(), Level::Idle) };
    let mut words = format!("{} ready", endpoints.words());
    if endpoints.terminating > 0 {
        words.push_str(&format!(", {} leaving", endpoints.terminating));
    }
    if !route.reason.is_empty() {
        words.push_str(&format!(": {}", route.reason));
    }
    (words, route.level)
}
