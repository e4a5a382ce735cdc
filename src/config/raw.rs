//! The configuration as a person typed it: the same shape as the file, nothing filled in.
//!
//! Reading checks every value by itself and records all that is wrong; `resolved` then fills in defaults and cannot
//! fail. A value that was wrong is absent here, so nobody may resolve before `Found::problems` is empty.

use std::time::Duration;

use super::alerts::{NOTIFY, Notify, RawAlerts};
use super::changes::RawChanges;
use super::metrics::{Limits, Metrics};
use super::raw_services::{RawArgocd, RawGitops, RawInCluster, RawMonitoring};
use super::traffic::RawTraffic;
use crate::domain::selector::Selector;
use crate::theme::{Depth, Ground};
use crate::yaml::{Cursor, Fields};

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawConfig {
    /// `stages`
    pub stages: Vec<RawStage>,
    /// `tiers`, by name.
    pub tiers: Vec<(String, RawTier)>,
    /// `apps`
    pub apps: Vec<RawApp>,
    /// `connect`
    pub connect: Vec<String>,
    /// `alerts`
    pub alerts: RawAlerts,
    /// `ui`
    pub ui: RawUi,
    /// `readOnly`
    pub read_only: Option<bool>,
    /// `metrics`
    pub metrics: Metrics,
    /// `changes`
    pub changes: RawChanges,
    /// `traffic`
    pub traffic: RawTraffic,
}

/// A stage of the promotion order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawStage {
    /// `name`
    pub name: String,
    /// `environments`, or the one that is written inline.
    pub environments: Vec<RawEnvironment>,
}

/// An environment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawEnvironment {
    /// `name`
    pub name: Option<String>,
    /// `context`
    pub context: Option<String>,
    /// `namespaces`
    pub namespaces: Vec<String>,
    /// `namespaceSelector`
    pub selector: Option<Selector>,
    /// `protected`
    pub protected: Option<bool>,
    /// `readOnly`
    pub read_only: Option<bool>,
    /// `tier`
    pub tier: Option<String>,
    /// `prometheus`
    pub prometheus: Option<RawMonitoring>,
    /// `alertmanager`
    pub alertmanager: Option<RawMonitoring>,
    /// `argocd`
    pub argocd: Option<RawArgocd>,
    /// `flux`
    pub flux: Option<RawInCluster>,
    /// `velero`
    pub velero: Option<RawInCluster>,
    /// `gitops`
    pub gitops: Option<RawGitops>,
    /// `limits`
    pub limits: Limits,
}

/// Recovery targets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RawTier {
    /// `rpo`
    pub rpo: Option<Duration>,
    /// `rto`
    pub rto: Option<Duration>,
}

/// An app named by hand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawApp {
    /// `name`
    pub name: String,
    /// `match`
    pub selector: Option<Selector>,
    /// `workloads`
    pub workloads: Vec<String>,
    /// `image`
    pub image: Option<String>,
    /// `limits`
    pub limits: Limits,
}

/// Which signs to draw with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SymbolChoice {
    /// As the locale says.
    #[default]
    Auto,
    /// Unicode.
    Unicode,
    /// Plain ASCII.
    Ascii,
}

/// How the ground of the terminal is learnt, for the theme `auto`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GroundChoice {
    /// From COLORFGBG, else by asking the terminal.
    #[default]
    Auto,
    /// It is this.
    Is(Ground),
}

/// The look and feel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawUi {
    /// `theme`
    pub theme: Option<String>,
    /// `ground`
    pub ground: Option<GroundChoice>,
    /// `keymap`
    pub keymap: Option<String>,
    /// `symbols`
    pub symbols: Option<SymbolChoice>,
    /// `mouse`
    pub mouse: Option<bool>,
    /// `colour`; the inner `None` is `auto`.
    pub colour: Option<Option<Depth>>,
    /// `bell`
    pub bell: Option<bool>,
    /// `notify`
    pub notify: Option<Notify>,
}

impl RawConfig {
    /// Reads a whole file.
    #[must_use]
    pub fn read(root: &Cursor<'_>) -> RawConfig {
        let Some(f) = root.fields() else {
            return RawConfig::default();
        };
        let tiers = read_tiers(&f);
        let mut names = Names::default();
        let config = RawConfig {
            stages: items(&f, "stages").iter().filter_map(|c| read_stage(c, &tiers, &mut names)).collect(),
            apps: read_apps(&f),
            connect: texts(&f, "connect"),
            alerts: f.take("alerts").and_then(|c| RawAlerts::read(&c)).unwrap_or_default(),
            ui: f.take("ui").and_then(|c| c.fields()).map(|f| read_ui(&f)).unwrap_or_default(),
            read_only: f.take("readOnly").and_then(|c| c.boolean()),
            metrics: f.take("metrics").and_then(|c| Metrics::read(&c)).unwrap_or_default(),
            changes: f.take("changes").and_then(|c| RawChanges::read(&c)).unwrap_or_default(),
            traffic: f.take("traffic").and_then(|c| RawTraffic::read(&c)).unwrap_or_default(),
            tiers,
        };
        f.finish();
        config
    }
}

/// The tiers that exist without any configuration: name, RPO, RTO.
pub(super) const TIERS: [(&str, u64, u64); 3] =
    [("critical", 5 * 60, 30 * 60), ("standard", 30 * 60, 2 * 3_600), ("development", 2 * 3_600, 4 * 3_600)];

fn read_tiers(f: &Fields<'_>) -> Vec<(String, RawTier)> {
    let Some(fields) = f.take("tiers").and_then(|c| c.fields()) else {
        return Vec::new();
    };
    let read = |c: Cursor<'_>, built_in: bool| {
        let f = c.fields()?;
        let mend = "a new tier needs both, such as rpo: 15m and rto: 1h";
        let take = |name| if built_in { f.take(name) } else { f.need(name, mend) };
        let tier = RawTier {
            rpo: take("rpo").and_then(|c| c.duration()),
            rto: take("rto").and_then(|c| c.duration()),
        };
        f.finish();
        Some(tier)
    };
    fields
        .all()
        .filter_map(|(key, c)| {
            let built_in = TIERS.iter().any(|(name, ..)| *name == key.name);
            Some((key.name.clone(), read(c, built_in)?))
        })
        .collect()
}

/// Names that have been used, to tell a second use.
#[derive(Default)]
struct Names {
    stages: Vec<(String, usize)>,
    environments: Vec<(String, usize)>,
    /// Context and namespace of each, and which environment has it.
    namespaces: Vec<(Option<String>, String, String)>,
}

/// Records a second use of a name; tells whether it was the first.
pub(super) fn unique(c: &Cursor<'_>, noun: &str, name: &str, used: &mut Vec<(String, usize)>) -> bool {
    match used.iter().find(|(n, _)| n == name) {
        Some((_, line)) => {
            c.wrong(
                format!("a second {noun} is called `{name}`"),
                format!("the first is in line {line}; rename one"),
            );
            false
        }
        None => {
            used.push((name.to_owned(), c.at().line));
            true
        }
    }
}

fn read_stage(c: &Cursor<'_>, tiers: &[(String, RawTier)], names: &mut Names) -> Option<RawStage> {
    let f = c.fields()?;
    let name_cursor = f.need("name", "a stage is called development, staging, production...");
    let name = name_cursor.as_ref().and_then(Cursor::text).unwrap_or_default();
    let first = match &name_cursor {
        Some(c) if !name.is_empty() => unique(c, "stage", &name, &mut names.stages),
        _ => false,
    };
    let list = f.take("environments");
    let environments = match &list {
        Some(list) => {
            for c in ENVIRONMENT_FIELDS.iter().filter_map(|field| f.take(field)) {
                c.wrong(
                    "a field of an environment beside `environments`",
                    "move it into the environments below",
                );
            }
            let items = list.items();
            if items.is_empty() && list.is_list() {
                list.wrong("no environment is listed", "list at least one, or write its fields inline");
            }
            let several = items.len() > 1;
            items.iter().filter_map(|c| read_environment(c, &name, several, tiers, names)).collect()
        }
        None => vec![read_fields(&f, tiers, if first { &name } else { "" }, names, c)],
    };
    f.finish();
    Some(RawStage { name, environments })
}

fn read_environment(
    c: &Cursor<'_>,
    stage: &str,
    several: bool,
    tiers: &[(String, RawTier)],
    names: &mut Names,
) -> Option<RawEnvironment> {
    let f = c.fields()?;
    let name = if several {
        f.need("name", "peers of a stage need names that tell them apart, such as production-eu")
    } else {
        f.take("name")
    };
    let name = name.and_then(|c| c.text().map(|text| (c, text)));
    let unnamed = if several { "" } else { stage };
    let called = name.as_ref().map_or(unnamed, |(_, text)| text.as_str()).to_owned();
    let place = name.as_ref().map_or(c, |(c, _)| c);
    let mut environment = read_fields(&f, tiers, &called, names, place);
    environment.name = name.map(|(_, text)| text);
    f.finish();
    Some(environment)
}

/// What an environment may hold besides its name.
const ENVIRONMENT_FIELDS: [&str; 13] = [
    "context",
    "namespaces",
    "namespaceSelector",
    "protected",
    "readOnly",
    "tier",
    "prometheus",
    "alertmanager",
    "argocd",
    "flux",
    "velero",
    "gitops",
    "limits",
];

/// The fields that an environment has wherever it is written.
fn read_fields(
    f: &Fields<'_>,
    tiers: &[(String, RawTier)],
    called: &str,
    names: &mut Names,
    place: &Cursor<'_>,
) -> RawEnvironment {
    if !called.is_empty() {
        unique(place, "environment", called, &mut names.environments);
    }
    let context = text(f, "context");
    let namespaces = f.take("namespaces");
    let selector = f.take("namespaceSelector");
    if let (Some(_), Some(c)) = (&namespaces, &selector) {
        c.wrong("both `namespaces` and `namespaceSelector`", "keep one of them");
    }
    let mut list = Vec::new();
    for c in namespaces.iter().flat_map(Cursor::items) {
        let Some(namespace) = c.text() else { continue };
        let taken = names.namespaces.iter().find(|(con, n, _)| *con == context && *n == namespace);
        if let Some((_, _, other)) = taken {
            c.wrong(
                format!("namespace `{namespace}` stands in `{other}` already"),
                "a namespace of a context belongs to one environment",
            );
        } else {
            names.namespaces.push((context.clone(), namespace.clone(), called.to_owned()));
            list.push(namespace);
        }
    }
    let tier = f.take("tier").and_then(|c| {
        let name = c.text()?;
        let known = || tiers.iter().map(|(n, _)| n.as_str()).chain(TIERS.iter().map(|(n, ..)| *n));
        if !known().any(|n| n == name) {
            let names: Vec<_> = known().collect();
            c.wrong(format!("no tier is called `{name}`"), crate::error::suggest(&name, names));
        }
        Some(name)
    });
    RawEnvironment {
        name: None,
        context,
        namespaces: list,
        selector: selector.and_then(|c| read_selector(&c)),
        protected: f.take("protected").and_then(|c| c.boolean()),
        read_only: f.take("readOnly").and_then(|c| c.boolean()),
        tier,
        prometheus: f.take("prometheus").and_then(|c| RawMonitoring::read(&c, false)),
        alertmanager: f.take("alertmanager").and_then(|c| RawMonitoring::read(&c, true)),
        argocd: f.take("argocd").and_then(|c| RawArgocd::read(&c)),
        flux: f.take("flux").and_then(|c| RawInCluster::read(&c)),
        velero: f.take("velero").and_then(|c| RawInCluster::read(&c)),
        gitops: f.take("gitops").and_then(|c| RawGitops::read(&c)),
        limits: Limits::read(f),
    }
}

fn read_selector(c: &Cursor<'_>) -> Option<Selector> {
    let text = c.text()?;
    match Selector::parse(&text) {
        Ok(selector) => Some(selector),
        Err(what) => {
            c.wrong(what, "write a label selector: k=v, k!=v, k in (a, b), k, !k, joined by commas");
            None
        }
    }
}

fn read_apps(f: &Fields<'_>) -> Vec<RawApp> {
    let mut used = Vec::new();
    let mut read = |c: &Cursor<'_>| {
        let f = c.fields()?;
        let name = f.need("name", "an app is called what people call it: cart").and_then(|c| {
            let name = c.text()?;
            unique(&c, "app", &name, &mut used);
            Some(name)
        });
        let app = RawApp {
            name: name.unwrap_or_default(),
            selector: f.take("match").and_then(|c| read_selector(&c)),
            workloads: texts(&f, "workloads"),
            image: text(&f, "image"),
            limits: Limits::read(&f),
        };
        f.finish();
        Some(app)
    };
    items(f, "apps").iter().filter_map(&mut read).collect()
}

fn read_ui(f: &Fields<'_>) -> RawUi {
    let symbols =
        [("auto", SymbolChoice::Auto), ("unicode", SymbolChoice::Unicode), ("ascii", SymbolChoice::Ascii)];
    let grounds = [
        ("auto", GroundChoice::Auto),
        ("dark", GroundChoice::Is(Ground::Dark)),
        ("light", GroundChoice::Is(Ground::Light)),
    ];
    let mut colours = vec![("auto", None)];
    colours.extend(Depth::NAMES.map(|(name, depth)| (name, Some(depth))));
    let ui = RawUi {
        theme: text(f, "theme"),
        ground: f.take("ground").and_then(|c| c.choice(&grounds)),
        keymap: text(f, "keymap"),
        symbols: f.take("symbols").and_then(|c| c.choice(&symbols)),
        mouse: f.take("mouse").and_then(|c| c.boolean()),
        colour: f.take("colour").and_then(|c| c.choice(&colours)),
        bell: f.take("bell").and_then(|c| c.boolean()),
        notify: f.take("notify").and_then(|c| c.choice(&NOTIFY)),
    };
    f.finish();
    ui
}

/// A field of text.
pub(super) fn text(f: &Fields<'_>, name: &'static str) -> Option<String> {
    f.take(name).and_then(|c| c.text())
}

/// A field that is a list of texts.
pub(super) fn texts(f: &Fields<'_>, name: &'static str) -> Vec<String> {
    items(f, name).iter().filter_map(Cursor::text).collect()
}

pub(super) fn items<'a>(f: &Fields<'a>, name: &'static str) -> Vec<Cursor<'a>> {
    f.take(name).map(|c| c.items()).unwrap_or_default()
}
