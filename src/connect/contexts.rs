//! Which clusters there are: the contexts of the kubeconfig files, or the cluster that we run in.
//!
//! The rules are kubectl's: `--kubeconfig`, else the files that `KUBECONFIG` lists (the first one to define a name
//! wins, files that do not exist are passed over), else `~/.kube/config`, else the service account of the pod that
//! we run in. Reads files and the environment, opens no connection. What it finds goes to [`super::client`] and,
//! as names, to the environments.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kube::config::{Kubeconfig, KubeconfigError, NamedContext};

use crate::domain::id::Name;
use crate::domain::link::Connection;
use crate::error::{Problem, suggest};
use crate::text::clean;

/// The name of the only context when there is no kubeconfig and we run inside a cluster.
pub const IN_CLUSTER: &str = "in-cluster";

/// What the command line says about contexts.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `--kubeconfig`: read this file alone.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`: the current context, whatever the file says.
    pub context: Option<String>,
    /// `--namespace`: the default namespace of the current context.
    pub namespace: Option<String>,
}

/// What the process's surroundings say about contexts. An argument, so that tests need not change the process.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// `KUBECONFIG`
    pub kubeconfig: Option<OsString>,
    /// The home folder.
    pub home: Option<PathBuf>,
    /// A service account and the API server's address are there.
    pub in_cluster: bool,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_this_process() -> Surroundings {
        Surroundings {
            kubeconfig: std::env::var_os("KUBECONFIG"),
            home: directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()),
            in_cluster: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
                && Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token").exists(),
        }
    }
}

/// A kubeconfig file, and whether it is wrong for it not to exist.
pub(super) type Place = (PathBuf, bool);

/// Where a context's details come from.
#[derive(Clone)]
pub(super) enum Source {
    /// The merged kubeconfig, and where it may be read again ([`super::reread`]).
    Kubeconfig(Arc<Kubeconfig>, Arc<[Place]>),
    /// The pod's service account.
    InCluster,
}

/// One context. Texts are clean; the details a client needs are kept inside.
#[derive(Clone)]
pub struct ContextInfo {
    /// The context's name.
    pub name: Name,
    /// The name of its cluster entry.
    pub cluster_name: Name,
    /// The name of its user entry; empty when it names none.
    pub user: Name,
    /// Its default namespace; empty when it names none.
    pub namespace: Name,
    /// The API server's URL without credentials; empty when the cluster entry is missing.
    pub server: Name,
    /// The context's name as it is written, which need not be clean.
    pub(super) key: String,
    pub(super) source: Source,
}

impl fmt::Debug for ContextInfo {
    /// The source is left out: it holds credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextInfo")
            .field("name", &self.name)
            .field("cluster_name", &self.cluster_name)
            .field("user", &self.user)
            .field("namespace", &self.namespace)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl ContextInfo {
    /// What is known of the connection before it is made.
    #[must_use]
    pub fn connection(&self) -> Connection {
        Connection {
            context: self.name.clone(),
            cluster_name: self.cluster_name.clone(),
            user: self.user.clone(),
            namespace: self.namespace.clone(),
            server: self.server.clone(),
            ..Connection::default()
        }
    }
}

/// All contexts, in the order of their files.
#[derive(Clone, Debug, Default)]
pub struct Contexts {
    /// The contexts. A context's place is its [`crate::domain::id::ClusterId`].
    pub list: Vec<ContextInfo>,
    /// The place of the current one; `None` when the files name none that exists.
    pub current: Option<usize>,
    /// The files that were read, first to last; empty inside a cluster.
    pub files: Vec<PathBuf>,
}

impl Contexts {
    /// Finds the contexts.
    ///
    /// # Errors
    /// No kubeconfig anywhere, a file that cannot be read or understood, or a `--context` that is not there.
    pub fn load(options: &Options) -> Result<Contexts, Problem> {
        Contexts::find(options, &Surroundings::of_this_process())
    }

    /// Finds the contexts in these surroundings.
    ///
    /// # Errors
    /// As [`Contexts::load`].
    pub fn find(options: &Options, around: &Surroundings) -> Result<Contexts, Problem> {
        let places: Arc<[Place]> = candidate_files(options, around).into();
        let (merged, read) = read_files(&places)?;
        let mut contexts = if !read.is_empty() {
            of_kubeconfig(merged, read, &places)?
        } else if around.in_cluster {
            in_cluster()
        } else {
            return Err(none_found(&places));
        };
        contexts.apply(options)?;
        Ok(contexts)
    }

    fn apply(&mut self, options: &Options) -> Result<(), Problem> {
        if let Some(wanted) = &options.context {
            let place = self.list.iter().position(|context| context.key == *wanted);
            self.current = Some(place.ok_or_else(|| {
                let names: Vec<&str> = self.list.iter().map(|context| &*context.name).collect();
                Problem::usage(format!("there is no context `{}` in the kubeconfig", clean(wanted)))
                    .mend(suggest(wanted, names))
            })?);
        }
        if let (Some(namespace), Some(at)) = (&options.namespace, self.current)
            && let Some(context) = self.list.get_mut(at)
        {
            context.namespace = clean(namespace).into();
        }
        Ok(())
    }
}

/// Reads and merges those files that exist, and says which.
pub(super) fn read_files(places: &[Place]) -> Result<(Kubeconfig, Vec<PathBuf>), Problem> {
    let mut read = Vec::new();
    let mut merged = Kubeconfig::default();
    for (file, required) in places {
        if !required && !file.exists() {
            continue;
        }
        let next = Kubeconfig::read_from(file).map_err(|error| unreadable(file, &error))?;
        merged = merged.merge(next).map_err(|error| unreadable(file, &error))?;
        read.push(file.clone());
    }
    Ok((merged, read))
}

/// The files to read.
fn candidate_files(options: &Options, around: &Surroundings) -> Vec<Place> {
    if let Some(file) = &options.kubeconfig {
        return vec![(file.clone(), true)];
    }
    let listed: Vec<PathBuf> = around
        .kubeconfig
        .iter()
        .flat_map(|list| std::env::split_paths(list).collect::<Vec<_>>())
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    if !listed.is_empty() {
        return listed.into_iter().map(|path| (path, false)).collect();
    }
    around.home.iter().map(|home| (home.join(".kube").join("config"), false)).collect()
}

fn none_found(files: &[Place]) -> Problem {
    let places: Vec<String> = files.iter().map(|(file, _)| file.display().to_string()).collect();
    let what = if places.is_empty() {
        "there is no kubeconfig: no home folder is known and KUBECONFIG is not set".to_owned()
    } else {
        format!("there is no kubeconfig: looked for {}", places.join(", "))
    };
    Problem::usage(what).mend(
        "point KUBECONFIG or --kubeconfig at one (your platform's command line tool writes it), \
         or run `pilothouse demo`, which needs none",
    )
}

/// Only the first line of the cause is shown: the ones below it quote the file, and the file holds secrets.
fn unreadable(file: &Path, error: &KubeconfigError) -> Problem {
    let cause = match error {
        KubeconfigError::ReadConfig(io, _) => io.to_string(),
        other => other.to_string(),
    };
    let line = clean(cause.lines().next().unwrap_or_default()).into_owned();
    Problem::usage(format!("the kubeconfig cannot be read: {line}"))
        .in_file(file)
        .mend("`kubectl config view` with the same file shows whether kubectl can read it")
}

fn in_cluster() -> Contexts {
    let namespace = std::fs::read_to_string("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
        .unwrap_or_default();
    let host = std::env::var("KUBERNETES_SERVICE_HOST").unwrap_or_default();
    let port = std::env::var("KUBERNETES_SERVICE_PORT").unwrap_or_else(|_| "443".to_owned());
    let context = ContextInfo {
        name: IN_CLUSTER.into(),
        cluster_name: IN_CLUSTER.into(),
        user: "service account".into(),
        namespace: clean(namespace.trim()).into(),
        server: clean(&format!("https://{host}:{port}")).into(),
        key: IN_CLUSTER.to_owned(),
        source: Source::InCluster,
    };
    Contexts { list: vec![context], current: Some(0), files: Vec::new() }
}

fn of_kubeconfig(
    config: Kubeconfig,
    files: Vec<PathBuf>,
    places: &Arc<[Place]>,
) -> Result<Contexts, Problem> {
    let config = Arc::new(config);
    let list: Vec<ContextInfo> =
        config.contexts.iter().map(|named| context_info(named, &config, places)).collect();
    if list.is_empty() {
        let file = files.first().cloned().unwrap_or_default();
        return Err(Problem::usage("the kubeconfig holds no context").in_file(&file).mend(
            "add one with `kubectl config set-context` or your platform's command line tool, or run `pilothouse demo`",
        ));
    }
    let current = config
        .current_context
        .as_ref()
        .and_then(|name| config.contexts.iter().position(|context| context.name == *name));
    Ok(Contexts { list, current, files })
}

pub(super) fn context_info(
    named: &NamedContext,
    config: &Arc<Kubeconfig>,
    places: &Arc<[Place]>,
) -> ContextInfo {
    let context = named.context.clone().unwrap_or_default();
    let server = config
        .clusters
        .iter()
        .find(|cluster| cluster.name == context.cluster)
        .and_then(|cluster| cluster.cluster.as_ref()?.server.as_deref())
        .unwrap_or_default();
    ContextInfo {
        name: clean(&named.name).into(),
        cluster_name: clean(&context.cluster).into(),
        user: clean(context.user.as_deref().unwrap_or_default()).into(),
        namespace: clean(context.namespace.as_deref().unwrap_or_default()).into(),
        server: clean(&without_credentials(server)).into(),
        key: named.name.clone(),
        source: Source::Kubeconfig(Arc::clone(config), Arc::clone(places)),
    }
}

/// A URL without the `user:password@` that it may carry.
pub(super) fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Path, name: &str, context: &str, server: &str, current: bool) -> PathBuf {
        let file = dir.join(name);
        let current = if current { format!("current-context: {context}\n") } else { String::new() };
        let text = format!(
            "apiVersion: v1\nkind: Config\n{current}clusters:\n- name: c-{context}\n  cluster: {{server: \"{server}\"}}\n\
             users:\n- name: u-{context}\n  user: {{token: geheim}}\n\
             contexts:\n- name: {context}\n  context: {{cluster: c-{context}, user: u-{context}, namespace: shop}}\n"
        );
        std::fs::write(&file, text).unwrap();
        file
    }

    fn names(contexts: &Contexts) -> Vec<&str> {
        contexts.list.iter().map(|context| &*context.name).collect()
    }

    #[test]
    fn a_list_of_files_is_merged_and_missing_ones_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let one = write(dir.path(), "one", "edge", "https://user:pw@10.0.0.1:6443", false);
        let two = write(dir.path(), "two", "cloud", "https://10.0.0.2", true);
        let again = write(dir.path(), "again", "edge", "https://10.9.9.9", true);
        let list = std::env::join_paths([one, dir.path().join("missing"), two, again]).unwrap();
        let around = Surroundings { kubeconfig: Some(list), ..Surroundings::default() };
        let contexts = Contexts::find(&Options::default(), &around).unwrap();
        assert_eq!(names(&contexts), ["edge", "cloud"]);
        assert_eq!(contexts.current, Some(1), "the first file that names one decides");
        assert_eq!(&*contexts.list[0].server, "https://10.0.0.1:6443", "first wins, no password shown");
        assert_eq!(&*contexts.list[0].namespace, "shop");
        assert!(!format!("{contexts:?}").contains("geheim"));
    }

    #[test]
    fn the_command_line_goes_before_everything() {
        let dir = tempfile::tempdir().unwrap();
        let file = write(dir.path(), "one", "edge", "https://10.0.0.1", true);
        let options = Options { kubeconfig: Some(file), namespace: Some("other".into()), context: None };
        let around = Surroundings { kubeconfig: Some("/nowhere".into()), ..Surroundings::default() };
        let contexts = Contexts::find(&options, &around).unwrap();
        assert_eq!(&*contexts.list[0].namespace, "other");
        let wrong = Options { context: Some("egde".into()), ..options };
        let problem = Contexts::find(&wrong, &around).unwrap_err().to_string();
        assert!(
            problem.contains("no context `egde`") && problem.contains("did you mean `edge`?"),
            "{problem}"
        );
    }

    #[test]
    fn nothing_at_all_is_explained_with_a_way_on() {
        let dir = tempfile::tempdir().unwrap();
        let around = Surroundings { home: Some(dir.path().to_owned()), ..Surroundings::default() };
        let problem = Contexts::find(&Options::default(), &around).unwrap_err().to_string();
        assert!(problem.contains(".kube/config") && problem.contains("pilothouse demo"), "{problem}");
        let options = Options { kubeconfig: Some(dir.path().join("no")), ..Options::default() };
        let problem = Contexts::find(&options, &around).unwrap_err();
        assert_eq!(problem.exit_code(), 2);
    }

    #[test]
    fn a_broken_file_is_named_and_not_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("broken");
        std::fs::write(&file, "users:\n- name: a\n  user:\n    token: geheim\n   bad: [\n").unwrap();
        let options = Options { kubeconfig: Some(file.clone()), ..Options::default() };
        let problem = Contexts::find(&options, &Surroundings::default()).unwrap_err().to_string();
        assert!(problem.contains(&*file.display().to_string()), "{problem}");
        assert!(!problem.contains("geheim"), "{problem}");
    }

    #[test]
    fn inside_a_cluster_there_is_one_context() {
        let around = Surroundings { in_cluster: true, ..Surroundings::default() };
        let contexts = Contexts::find(&Options::default(), &around).unwrap();
        assert_eq!(names(&contexts), [IN_CLUSTER]);
        assert_eq!(contexts.current, Some(0));
    }
}
