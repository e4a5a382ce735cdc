//! What becomes of tasks that panic.

use super::*;
use crate::connect::contexts::Options;
use crate::domain::id::{Kind, ObjectRef, Uid};
use crate::look::Look;
use crate::panes::views::events::EventsView;
use crate::picture;
use crate::shared::Turn;
use crate::theme::{Depth, Themes, UNICODE};
use crate::world::World;

const CLUSTER: ClusterId = ClusterId(0);

/// A machine with one context, where nobody answers, and nothing connected.
fn driver() -> Driver {
    rustls::crypto::ring::default_provider().install_default().ok();
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "{apiVersion: v1, kind: Config, current-context: x, clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}], \
                users: [], contexts: [{name: x, context: {cluster: c, user: ''}}]}";
    std::fs::write(file.path(), text).unwrap();
    let options = Options { kubeconfig: Some(file.path().to_owned()), ..Options::default() };
    let contexts = Contexts::load(&options).unwrap();
    let look =
        Look { theme: Themes::new(None).load("dark", Depth::TrueColor, None).unwrap(), symbols: &UNICODE };
    let keymap = crate::keymap::Keymaps::new(None).load("default").unwrap();
    let settings = Settings { wanted: Default::default(), read_only: false, keymap, look };
    let world = World::new(contexts.list.iter().map(|context| context.connection()).collect());
    Driver::new(State::new(world, settings, "maria", (120, 40)), Arc::new(contexts))
}

/// Takes what happens until this is said.
async fn until(driver: &mut Driver, wanted: impl Fn(&Msg) -> bool) {
    let waited = async {
        loop {
            let mut messages = Vec::new();
            driver.wait(&mut messages, 100).await;
            let found = messages.iter().any(&wanted);
            for msg in messages {
                driver.feed(msg);
            }
            if found {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waited).await.expect("it is said");
}

fn link(driver: &Driver) -> &Link {
    &driver.state.shared.world.clusters[0].connection.link
}

/// In the place of a supervisor, one that panics.
fn connect_in_vain(driver: &mut Driver) {
    let (commands, orders) = mpsc::channel(1);
    driver.clusters.insert(CLUSTER, Connected { line: Line::new(), commands });
    let out = driver.out.clone();
    driver.spawn(Of::Cluster(CLUSTER), async move {
        out.send(Msg::Cluster(CLUSTER, ClusterMsg::Link(Link::Live))).await.unwrap();
        drop(orders);
        panic!("the supervisor is broken");
    });
}

#[tokio::test]
async fn a_question_that_panics_is_answered_in_words() {
    let mut driver = driver();
    driver.state.shared.world.apply(CLUSTER, ClusterMsg::Link(Link::Live), Now::default());
    let object = ObjectRef {
        cluster: CLUSTER,
        kind: Kind::Pod,
        namespace: "shop".into(),
        name: "cart".into(),
        uid: Uid(1),
    };
    let opened = EventsView::open(&mut driver.state.shared, object);
    let [Effect::Ask(request, _)] = opened.effects[..] else { panic!("{:?}", opened.effects) };
    let Some(Turn::Open(view)) = opened.turn else { panic!("no view") };
    driver.state.views.push(view);
    let handle = driver.spawn(Of::Question(request), async { panic!("the question is broken") });
    driver.questions.insert(request, handle);
    until(&mut driver, |msg| matches!(msg, Msg::Answer(..))).await;
    let frame = picture::text(&driver.frame());
    assert!(frame.contains("a part of pilothouse itself failed"), "{frame}");
    assert!(driver.is_quiet());
}

#[tokio::test]
async fn a_question_to_nobody_is_answered_though_the_queue_is_full() {
    let mut driver = driver();
    while driver.out.try_send(Msg::Tick).is_ok() {}
    let object = ObjectRef {
        cluster: CLUSTER,
        kind: Kind::Pod,
        namespace: "shop".into(),
        name: "cart".into(),
        uid: Uid(1),
    };
    driver.perform(Effect::Ask(RequestId(7), Question::Events(object)));
    let told = |msg: &Msg| matches!(msg, Msg::Answer(RequestId(7), Answer::Failed(why)) if why.contains("not connected"));
    until(&mut driver, told).await;
}

#[tokio::test]
async fn a_supervisor_that_panics_is_said_and_made_anew_by_the_retry_key() {
    let mut driver = driver();
    connect_in_vain(&mut driver);
    until(&mut driver, |msg| matches!(msg, Msg::Cluster(_, ClusterMsg::Link(Link::Broken { .. })))).await;
    assert!(matches!(link(&driver), Link::Broken { message } if message.contains("itself failed")));
    assert!(driver.client(CLUSTER).is_none());

    let key = |code| {
        let modifiers = crossterm::event::KeyModifiers::NONE;
        Msg::Input(crossterm::event::Event::Key(crossterm::event::KeyEvent::new(code, modifiers)))
    };
    driver.settle();
    driver.feed(key(crossterm::event::KeyCode::Char('c')));
    assert_eq!(*link(&driver), Link::Connecting);
    // The new one speaks for itself.
    until(&mut driver, |msg| matches!(msg, Msg::Cluster(_, ClusterMsg::Link(Link::Unreachable { .. }))))
        .await;
}

#[tokio::test]
async fn a_late_word_of_its_end_does_not_end_the_one_after_it() {
    let mut driver = driver();
    connect_in_vain(&mut driver);
    let closed = driver.clusters[&CLUSTER].commands.clone();
    closed.closed().await;
    driver.perform(Effect::Retry(CLUSTER));
    until(&mut driver, |msg| matches!(msg, Msg::Cluster(_, ClusterMsg::Link(Link::Unreachable { .. }))))
        .await;
    assert!(!driver.clusters[&CLUSTER].commands.is_closed());
}

#[tokio::test]
async fn a_chore_that_panics_is_told() {
    let mut driver = driver();
    driver.spawn(Of::Chore, async { panic!("the chore is broken") });
    until(&mut driver, |msg| matches!(msg, Msg::Note(note) if note.text.contains("itself failed"))).await;
}
