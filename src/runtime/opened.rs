//! A shell changes what it likes, and no plan says what: the journal says who opened it, where, and when it ended.
//! Without a journal none is opened.

use std::sync::Arc;

use jiff::Timestamp;

use super::Driver;
use crate::change::intent::host;
use crate::domain::id::{Kind, Uid};
use crate::domain::level::Level;
use crate::effect::ShellRequest;
use crate::journal::{Closing, Held, Intention, Journal, Object, Outcome, Record, Request, Who};
use crate::msg::Note;
use crate::text::clean;

/// A shell whose opening is on the disk.
pub(super) struct Opened {
    journal: Arc<Journal>,
    id: String,
    _held: Held,
}

impl Driver {
    /// Writes down that a shell is about to be opened.
    ///
    /// # Errors
    /// It cannot be: no shell is to be opened.
    pub(super) fn opening(&self, request: &ShellRequest) -> Result<Opened, String> {
        let journal = self.desk.journal.clone().ok_or("there is no folder for the journal")?;
        let now = Timestamp::now();
        let id = Journal::new_id(now);
        let intent = Record::Intent(Box::new(self.shell_intent(request, &id, now)));
        let begun = journal.hold(&id).and_then(|held| journal.append(&intent, now).map(|()| held));
        let held = begun
            .map_err(|error| format!("the journal cannot be written ({})", clean(&error.to_string())))?;
        Ok(Opened { journal, id, _held: held })
    }

    fn shell_intent(&self, request: &ShellRequest, id: &str, now: Timestamp) -> Intention {
        let ShellRequest { cluster, namespace, pod, container } = request;
        let shared = &self.state.shared;
        let known = shared.world.cluster(*cluster);
        let connection = known.map(|known| &known.connection);
        let mut pods = known.into_iter().flat_map(|known| known.pods.iter()).map(|(_, pod)| pod);
        let uid = pods.find(|one| one.namespace == *namespace && *one.name == **pod).map(|pod| pod.uid);
        let object = Object {
            kind: Kind::Pod.word().to_owned(),
            namespace: namespace.to_string(),
            name: pod.to_string(),
            uid: uid.filter(|uid| *uid != Uid::default()).map(|uid| uid.to_string()).unwrap_or_default(),
            words: format!("container {container}"),
        };
        let environment = shared.environments.of(*cluster, namespace);
        Intention {
            id: id.to_owned(),
            at: now.to_string(),
            action: "shell".to_owned(),
            title: format!("shell in pod/{pod} ({container})"),
            environment: environment.map(|env| env.name.to_string()).unwrap_or_default(),
            context: connection.map(|known| known.context.to_string()).unwrap_or_default(),
            server: connection.map(|known| host(&known.server).to_owned()).unwrap_or_default(),
            objects: vec![object],
            who: Who { local: self.desk.local.clone(), kube: String::new() },
            confirmed: match environment {
                Some(env) if env.protected => "name".to_owned(),
                _ => "key".to_owned(),
            },
            requests: vec![Request {
                method: "GET".to_owned(),
                path: format!("/api/v1/namespaces/{namespace}/pods/{pod}/exec?container={container}"),
                ..Request::default()
            }],
            ..Intention::default()
        }
    }
}

impl Opened {
    /// Writes down how it ended; what is told says so where that cannot be written.
    pub(super) fn closed(self, mut note: Note) -> Note {
        let now = Timestamp::now();
        let outcome = if note.level == Level::Ok { Outcome::Done } else { Outcome::Failed };
        let end = Closing { id: self.id, at: now.to_string(), outcome, words: note.text.clone() };
        if let Err(error) = self.journal.append(&Record::End(end), now) {
            note.level = Level::Warning;
            note.text
                .push_str(&format!(" (the journal could not be written: {})", clean(&error.to_string())));
        }
        note
    }
}
