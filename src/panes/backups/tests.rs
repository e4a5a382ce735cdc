//! The Backups pane and its sheets over a small world.

use super::*;
use crate::domain::link::Feed;
use crate::fleet::backups::testing::{backup, location, restore, schedule};
use crate::msg::{ClusterMsg, Delta, Facts};
use crate::panes::Pane;
use crate::panes::list::ListPane;
use crate::panes::views::testing::{opened, screen, shared, survives_all_sizes, tell};

/// Works out what is kept, as it is done before a frame.
fn derive(shared: &mut Shared) {
    let Shared { backups, wanted, environments, world, now, .. } = shared;
    backups.refresh(wanted, environments, world, now.wall);
}

fn put<T>(facts: impl Fn(Vec<Delta<T>>) -> Facts, rows: Vec<T>) -> ClusterMsg {
    ClusterMsg::Facts(facts(rows.into_iter().map(Delta::Put).collect()))
}

/// Production is backed up every half hour; the newest run failed in part, and one location is away.
fn world() -> Shared {
    let mut shared = shared();
    let good = backup("shop", &["shop-prod"], "Completed", 41);
    let mut partly = backup("shop", &["shop-prod"], "PartiallyFailed", 11);
    partly.run.items = Some((118, 120));
    let mut away = location("off-site", "Unavailable");
    away.message = "bucket not found".into();
    let mut paused = schedule("nightly", "0 3 * * *", &["shop-prod"]);
    paused.paused = true;
    tell(&mut shared, put(Facts::Backups, vec![good, partly]));
    let mut half_hourly = schedule("shop", "*/30 * * * *", &["shop-prod"]);
    half_hourly.last_backup = Some(shared.now.wall.plus(-11 * 60));
    tell(&mut shared, put(Facts::Schedules, vec![half_hourly, paused]));
    tell(&mut shared, put(Facts::Restores, vec![restore("drill", "shop-41", "Completed", 30, 600)]));
    tell(&mut shared, put(Facts::Locations, vec![location("default", "Available"), away]));
    derive(&mut shared);
    shared
}

fn list() -> ListPane<Backups> {
    ListPane::new(Backups::default())
}

/// The row of a name and a kind: which one it is, and its line.
fn row<'a>(picture: &'a str, name: &str, kind: &str) -> (usize, &'a str) {
    let is = |line: &str| line.split_whitespace().skip(1).take(2).eq([name, kind]);
    let mut rows = picture.lines().skip(2).enumerate();
    rows.find(|(_, line)| is(line)).unwrap_or_else(|| panic!("no {kind} {name}:\n{picture}"))
}

/// Opens the sheet of a row.
fn open(shared: &mut Shared, name: &str, kind: &str) -> Box<dyn Pane> {
    let mut list = list();
    let (at, _) = row(&screen(&mut list, shared, 150, 12), name, kind);
    list.act(shared, Action::Top);
    for _ in 0..at {
        list.act(shared, Action::Down);
    }
    let (sheet, requests) = opened(list.act(shared, Action::Open));
    assert!(requests.is_empty(), "all is known already");
    sheet
}

#[test]
fn meters_stand_on_top_then_what_is_wrong_then_the_rest() {
    let shared = world();
    let picture = screen(&mut list(), &shared, 150, 12);
    let kinds: Vec<&str> = picture
        .lines()
        .skip(2)
        .filter_map(|line| {
            ["rpo", "rto", "location", "schedule", "restore", "backup"]
                .into_iter()
                .find(|kind| line.split_whitespace().any(|word| word == *kind))
        })
        .collect();
    assert_eq!(kinds[..2], ["rpo", "rto"], "{picture}");
    assert_eq!(kinds.len(), 9, "{picture}");
    for (name, kind, wanted) in [
        ("production", "rpo", "41m / 30m breached"),
        ("off-site", "location", "bucket not found"),
        ("shop", "schedule", "every 30 minutes"),
        ("nightly", "schedule", "paused"),
        ("shop-11", "backup", "partially failed"),
        ("drill", "restore", "took 10 m"),
    ] {
        assert!(row(&picture, name, kind).1.contains(wanted), "{picture}");
    }
    // What is wrong stands above what is well.
    let at = |name, kind| row(&picture, name, kind).0;
    assert!(at("off-site", "location") < at("default", "location"), "{picture}");
    assert!(at("shop-11", "backup") < at("shop-41", "backup"), "{picture}");
}

#[test]
fn every_row_opens_a_sheet_that_tells_more_at_any_size() {
    let mut shared = world();
    for (name, kind, wanted) in [
        ("production", "rpo", "newest usable"),
        ("production", "rto", "Recovery time"),
        ("off-site", "location", "bucket not found"),
        ("nightly", "schedule", "0 3 * * *"),
        ("drill", "restore", "shop-41"),
        ("shop-11", "backup", "118"),
    ] {
        let mut sheet = open(&mut shared, name, kind);
        let shown = screen(&mut *sheet, &shared, 100, 40);
        assert!(shown.contains(wanted), "{name}: {shown}");
        survives_all_sizes(&mut *sheet, &shared);
    }
    survives_all_sizes(&mut list(), &shared);
}

#[test]
fn a_sheet_of_what_is_gone_says_so() {
    let mut shared = world();
    let mut sheet = open(&mut shared, "drill", "restore");
    let gone = restore("drill", "shop-41", "Completed", 30, 600).uid;
    tell(&mut shared, ClusterMsg::Facts(Facts::Restores(vec![Delta::Gone(gone)])));
    derive(&mut shared);
    let shown = screen(&mut *sheet, &shared, 100, 20);
    assert!(shown.contains("It is no longer there."), "{shown}");
}

#[test]
fn why_nothing_is_shown_is_said_with_what_helps() {
    let said = |feed: Feed| {
        let mut shared = shared();
        tell(&mut shared, ClusterMsg::Feed(Kind::Backup, feed));
        derive(&mut shared);
        screen(&mut list(), &shared, 110, 12)
    };
    let absent = said(Feed::Absent);
    assert!(
        absent.contains("No Velero on gke-eu1: its definitions (velero.io) are not installed."),
        "{absent}"
    );
    assert!(absent.contains("velero: {context: NAME, namespace: velero}"), "{absent}");
    let refused = said(Feed::Forbidden("backups.velero.io is forbidden".into()));
    assert!(
        refused.contains("gke-eu1 does not let you list backups: backups.velero.io is forbidden"),
        "{refused}"
    );
    assert!(said(Feed::Loading).contains("Loading backups of gke-eu1"));
}

#[test]
fn what_two_environments_share_stands_once() {
    let mut shared = world();
    shared.all_environments = true;
    let picture = screen(&mut list(), &shared, 150, 20);
    assert_eq!(picture.matches("off-site").count(), 1, "{picture}");
    // The meters are each environment's own.
    let meters = picture.lines().filter(|line| line.split_whitespace().any(|word| word == "rpo")).count();
    assert_eq!(meters, 2, "{picture}");
}

#[test]
fn a_filter_finds_names_kinds_and_what_went_wrong() {
    let shared = world();
    for (filter, wanted, others) in [
        ("drill", "drill", "nightly"),
        ("location", "off-site", "drill"),
        ("not found", "off-site", "default"),
    ] {
        let mut list = list();
        screen(&mut list, &shared, 150, 12);
        list.set_filter(&shared, filter).unwrap();
        let picture = screen(&mut list, &shared, 150, 12);
        let rows: Vec<&str> = picture.lines().skip(2).collect();
        assert!(rows.iter().any(|line| line.contains(wanted)), "{filter}: {picture}");
        assert!(!rows.iter().any(|line| line.contains(others)), "{filter}: {picture}");
    }
}
