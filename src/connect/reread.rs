//! A context read again, since a login may have rewritten the kubeconfig (`oc login`, `az aks get-credentials`).
//!
//! The rules are those of [`super::contexts`], and so are the files. A file that is half written, broken or gone just
//! now does no harm: the context stays as it was read before, and that is said, for whoever wonders why a login had
//! no effect. Decides nothing: the supervisor of a cluster says when, and uses what comes out.

use std::time::Duration;

use super::contexts::{ContextInfo, Place, Source, context_info, read_files};
use super::problem::first_line;

/// How long the files may take, which may lie on a disk that hangs.
const LIMIT: Duration = Duration::from_secs(5);

/// Reads a context's files again. Gives the context as it is now, or why it stays as it was, in clean words.
///
/// # Errors
/// The files cannot be read, take too long, or do not hold the whole context any more.
pub async fn again(info: &ContextInfo) -> Result<ContextInfo, String> {
    let Source::Kubeconfig(_, places) = &info.source else {
        // The service account's files are read each time anyway.
        return Ok(info.clone());
    };
    let (earlier, places) = (info.clone(), places.clone());
    // A thread that hangs in the disk is left to itself.
    let reading = tokio::task::spawn_blocking(move || read(&earlier, &places));
    let read = match tokio::time::timeout(LIMIT, reading).await {
        Ok(Ok(read)) => read,
        Ok(Err(_)) => Err("reading it failed".to_owned()),
        Err(_) => Err(format!("reading it took longer than {} s", LIMIT.as_secs())),
    };
    read.map_err(|why| format!("an earlier copy of the kubeconfig is used: {why}"))
}

fn read(earlier: &ContextInfo, places: &std::sync::Arc<[Place]>) -> Result<ContextInfo, String> {
    let (merged, files) = read_files(places).map_err(|problem| {
        let place = problem.place.map(|place| format!(" ({place})")).unwrap_or_default();
        first_line(&format!("{}{place}", problem.what))
    })?;
    if files.is_empty() {
        return Err("there is no kubeconfig any more".to_owned());
    }
    let config = std::sync::Arc::new(merged);
    let named = config.contexts.iter().find(|named| named.name == earlier.key);
    let Some(named) = named else {
        return Err(format!("the context {} is not in it any more", earlier.name));
    };
    let fresh = context_info(named, &config, places);
    // What was written only in part may be valid YAML all the same.
    let user = named.context.as_ref().and_then(|context| context.user.as_deref()).unwrap_or_default();
    let knows_user = config.auth_infos.iter().any(|info| info.name == user && info.auth_info.is_some());
    if fresh.server.is_empty() || !(user.is_empty() || knows_user) {
        return Err(format!("it lacks the cluster or the user of the context {}", earlier.name));
    }
    // The namespace may be the command line's.
    Ok(ContextInfo { namespace: earlier.namespace.clone(), ..fresh })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::contexts::{Contexts, Options, Surroundings};
    use std::path::Path;

    const USER: &str = "users:\n- name: u\n  user: {token: geheim}\n";

    fn text(server: &str, users: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: x\n\
             contexts:\n- name: x\n  context: {{cluster: c, user: u}}\n\
             clusters:\n- name: c\n  cluster: {{server: \"{server}\"}}\n{users}"
        )
    }

    /// The context of a file in a folder, whose default namespace the command line names.
    fn context(dir: &Path) -> (ContextInfo, std::path::PathBuf) {
        let file = dir.join("config");
        std::fs::write(&file, text("https://10.0.0.1", USER)).unwrap();
        let list = std::env::join_paths([dir.join("missing"), file.clone()]).unwrap();
        let around = Surroundings { kubeconfig: Some(list), ..Surroundings::default() };
        let options = Options { namespace: Some("shop".to_owned()), ..Options::default() };
        (Contexts::find(&options, &around).unwrap().list.remove(0), file)
    }

    #[tokio::test]
    async fn what_a_login_wrote_is_seen_and_the_command_line_still_holds() {
        let dir = tempfile::tempdir().unwrap();
        let (info, file) = context(dir.path());
        std::fs::write(&file, text("https://10.0.0.2", USER)).unwrap();
        let info = again(&info).await.unwrap();
        assert_eq!((&*info.server, &*info.namespace), ("https://10.0.0.2", "shop"));
        // A file that was not there at the start and stands first in the list goes before the others.
        std::fs::write(dir.path().join("missing"), text("https://10.0.0.3", USER)).unwrap();
        let info = again(&info).await.unwrap();
        assert_eq!(&*info.server, "https://10.0.0.3");
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_used_just_now_is_named_and_not_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let (info, file) = context(dir.path());
        for (torn, words) in [
            ("users:\n- name: u\n  user: {token: gehe", "cannot be read"),
            ("", "is not in it any more"),
            (
                "apiVersion: v1\nkind: Config\ncontexts:\n- name: y\n  context: {cluster: c}\n",
                "is not in it any more",
            ),
            (&*text("https://10.0.0.2", ""), "lacks the cluster or the user"),
            (&*text("https://10.0.0.2", "users:\n- name: u\n"), "lacks the cluster or the user"),
            ("contexts:\n- name: x\n  context: {cluster: c, user: u}\n", "lacks the cluster or the user"),
        ] {
            std::fs::write(&file, torn).unwrap();
            let why = again(&info).await.unwrap_err();
            assert!(why.starts_with("an earlier copy of the kubeconfig is used: "), "{why}");
            assert!(why.contains(words) && !why.contains("gehe"), "{torn:?}: {why}");
        }
        std::fs::remove_file(&file).unwrap();
        let why = again(&info).await.unwrap_err();
        assert!(why.contains("there is no kubeconfig any more"), "{why}");
    }

    #[tokio::test]
    async fn inside_a_cluster_nothing_is_read() {
        let around = Surroundings { in_cluster: true, ..Surroundings::default() };
        let info = Contexts::find(&Options::default(), &around).unwrap().list.remove(0);
        assert_eq!(again(&info).await.unwrap().name, info.name);
    }
}
