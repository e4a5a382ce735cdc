use super::*;
use crate::domain::id::ClusterId;
use crate::domain::pod::PodState;
use crate::fleet::Matrix;
use crate::fleet::environments;
use crate::fleet::testing::{deployment, pod, put_pods, put_replica_sets, put_workloads, replica_set, world};
use crate::world::World;

const ID: ClusterId = ClusterId(0);
const STAGES: [&str; 3] = ["shop-dev", "shop-staging", "shop-prod"];

fn image(app: &str, tag: &str) -> String {
    format!("registry.example/{app}:{tag}")
}

/// A world with the app's history (oldest first) in each of three stages.
fn shop(apps: &[(&str, [&[&str]; 3])]) -> World {
    let mut world = world(&[("k3s", &STAGES)]);
    for (app, stages) in apps {
        for (namespace, history) in STAGES.iter().zip(stages) {
            let Some(current) = history.last() else { continue };
            let workload = deployment(namespace, app, &image(app, current), 2);
            let sets: Vec<ReplicaSet> = history
                .iter()
                .enumerate()
                .map(|(n, tag)| {
                    let replicas = if n + 1 == history.len() { 2 } else { 0 };
                    let at = 100 * (n as i64 + 1);
                    replica_set(&workload, n as u64 + 1, &image(app, tag), replicas, at)
                })
                .collect();
            put_replica_sets(&mut world, ID, sets);
            put_workloads(&mut world, ID, Kind::Deployment, vec![workload]);
        }
    }
    world
}

fn matrix(world: &World) -> Matrix {
    let environments = environments(&Wanted::default(), world);
    let mut health = Health::default();
    health.refresh(world);
    let mut matrix = Matrix::default();
    assert!(matrix.refresh(&Wanted::default(), &environments, world, &health));
    assert!(!matrix.refresh(&Wanted::default(), &environments, world, &health), "nothing changed");
    matrix
}

/// `storefront 2.9.0 | 2.8.3 2 behind | -`
fn drawn(matrix: &Matrix) -> Vec<String> {
    let cell = |cell: &Option<Cell>| match cell {
        None => "-".to_owned(),
        Some(cell) => format!("{} {}", cell.release, cell.relation.words()).trim().to_owned(),
    };
    matrix
        .rows
        .iter()
        .map(|row| format!("{}: {}", row.app, row.cells.iter().map(cell).collect::<Vec<_>>().join(" | ")))
        .collect()
}

#[test]
fn releases_are_compared_with_the_stage_before() {
    let world = shop(&[
        // Development remembers what staging runs: two releases on.
        ("storefront", [&["2.8.3", "2.8.4", "2.9.0"], &["2.8.3"], &["2.7.1"]]),
        ("cart", [&["1.31.0"], &["1.31.0"], &["1.31.0"]]),
        ("payments", [&["5.2.0-rc1"], &["5.1.9"], &["5.1.9"]]),
        ("media", [&["4.4.0"], &["4.3.1"], &["4.3.0"]]),
        ("hotfix", [&["1.0.0"], &["1.0.0"], &["1.0.1"]]),
        ("hashes", [&["4be1c09"], &["90aa123"], &["90aa123"]]),
        ("gone", [&["1.0.0"], &[], &["0.9.0"]]),
        ("fresh", [&[], &[], &["1.0"]]),
    ]);
    assert_eq!(
        drawn(&matrix(&world)),
        [
            "cart: 1.31.0 | 1.31.0 | 1.31.0",
            "fresh: - | - | 1.0",
            "gone: 1.0.0 | - | 0.9.0 behind",
            "hashes: 4be1c09 | 90aa123 differs | 90aa123",
            "hotfix: 1.0.0 | 1.0.0 | 1.0.1 1 ahead",
            "media: 4.4.0 | 4.3.1 behind | 4.3.0 1 behind",
            "payments: 5.2.0-rc1 | 5.1.9 behind | 5.1.9",
            "storefront: 2.9.0 | 2.8.3 2 behind | 2.7.1 behind",
        ]
    );
}

#[test]
fn faults_stand_first_and_progress_does_not_move_a_row() {
    let mut world = shop(&[("a", [&["1"], &[], &[]]), ("b", [&["1"], &[], &[]]), ("c", [&["1"], &[], &[]])]);
    let mut rolling = deployment("shop-dev", "b", &image("b", "1"), 2);
    rolling.updated = 1;
    let mut broken = deployment("shop-dev", "c", &image("c", "1"), 2);
    broken.available = 0;
    put_workloads(&mut world, ID, Kind::Deployment, vec![rolling, broken]);
    let matrix = matrix(&world);
    let order: Vec<(&str, Level)> = matrix.rows.iter().map(|row| (&*row.app, row.level)).collect();
    assert_eq!(order, [("c", Level::Critical), ("a", Level::Ok), ("b", Level::Progressing)]);
    let cell = matrix.cell("b", matrix.columns[0]).unwrap();
    assert_eq!(cell.rolling, Some(Rolling { updated: 1, desired: 2 }));
    assert_eq!(matrix.cell("c", matrix.columns[0]).unwrap().rolling, None);
}

#[test]
fn a_release_is_as_old_as_its_replica_set_or_its_rollback() {
    let mut world = shop(&[("cart", [&["1.0.0", "1.1.0"], &[], &[]])]);
    let since = |world: &World| matrix(world).rows[0].cells[0].as_ref().unwrap().since;
    assert_eq!(since(&world), Some(Stamp(200)));
    // Rolled back: the first ReplicaSet gains the highest revision.
    let mut workload = deployment("shop-dev", "cart", &image("cart", "1.0.0"), 2);
    let first = ReplicaSet { revision: 3, ..replica_set(&workload, 1, &image("cart", "1.0.0"), 2, 100) };
    put_replica_sets(&mut world, ID, vec![first]);
    let mut progressing = crate::fleet::testing::condition("Progressing", "True", "NewReplicaSetAvailable");
    progressing.updated = Some(Stamp(300));
    workload.conditions = [progressing].into();
    put_workloads(&mut world, ID, Kind::Deployment, vec![workload]);
    assert_eq!(since(&world), Some(Stamp(300)));
}

#[test]
fn digests_come_from_the_pods_of_the_present_template() {
    let mut world = shop(&[("cart", [&["1.0.0", "1.1.0"], &["1.1.0"], &[]])]);
    let dev = deployment("shop-dev", "cart", &image("cart", "1.1.0"), 2);
    let staging = deployment("shop-staging", "cart", &image("cart", "1.1.0"), 2);
    let old = replica_set(&dev, 1, &image("cart", "1.0.0"), 0, 100);
    let new = replica_set(&dev, 2, &image("cart", "1.1.0"), 2, 200);
    let other = replica_set(&staging, 1, &image("cart", "1.1.0"), 2, 100);
    put_pods(
        &mut world,
        ID,
        vec![pod(&old, 0, PodState::Ready), pod(&new, 0, PodState::Ready), pod(&other, 0, PodState::Ready)],
    );
    let matrix = matrix(&world);
    let cells: Vec<&Cell> = matrix.rows[0].cells.iter().flatten().collect();
    assert!(cells[0].digest.ends_with("02"), "{}", cells[0].digest);
    assert_eq!(cells[1].relation, Relation::Differs, "one tag, two digests");
}

#[test]
fn workloads_of_one_app_at_two_releases_are_shown_as_mixed() {
    let mut world = world(&[("k3s", &["shop-prod"])]);
    let workload = |name: &str, image: &str| {
        let mut workload = deployment("shop-prod", name, image, 1);
        workload.labels = crate::fleet::testing::labels(&[("app.kubernetes.io/instance", "cart")]);
        workload
    };
    put_workloads(
        &mut world,
        ID,
        Kind::Deployment,
        vec![
            workload("worker", &image("cart", "1.30.4")),
            workload("api", &image("cart", "1.31.0")),
            workload("cache", "redis:7"),
        ],
    );
    let matrix = matrix(&world);
    assert_eq!(matrix.rows.len(), 1);
    let cell = matrix.rows[0].cells[0].as_ref().unwrap();
    assert_eq!((&*cell.release, cell.mixed.clone()), ("1.31.0", vec![Name::from("1.30.4")]));
    let names: Vec<&str> = cell.workloads.iter().map(|w| &*w.name).collect();
    assert_eq!(names, ["api", "cache", "worker"]);
}

#[test]
fn where_nothing_stands_in_a_stage_the_rest_is_shown() {
    let mut world = world(&[("k3s", &["default", "kube-system"])]);
    put_workloads(
        &mut world,
        ID,
        Kind::Deployment,
        vec![deployment("default", "cart", "cart@sha256:0123456789abcdef", 1)],
    );
    let matrix = matrix(&world);
    assert_eq!(drawn(&matrix), ["cart: 01234567"]);
}

#[test]
fn the_worst_level_ignores_rest_beside_work() {
    for (levels, expected) in [
        (&[Level::Ok, Level::Idle][..], Level::Ok),
        (&[Level::Idle], Level::Idle),
        (&[Level::Ok, Level::Warning, Level::Progressing], Level::Warning),
        (&[], Level::Unknown),
    ] {
        assert_eq!(worst(levels.iter().copied()), expected);
    }
}
