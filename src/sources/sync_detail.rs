//! An Argo CD Application or Flux object with what it hangs on: its AppProject, its source.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::argocd_server::Server;
use super::fetch::fetch;
use super::object;
use crate::connect::problem::Fault;
use crate::domain::id::{Kind, Name, ObjectRef};
use crate::domain::sync_detail::{About, FluxSourceRef, Lookup, SyncDetail};
use crate::domain::upstream::Upstream;
use crate::wire::argocd_detail::{WholeApp, WholeProject};
use crate::wire::flux_detail::WholeFlux;

/// Reads it. What it hangs on may be refused without costing the rest.
///
/// # Errors
/// It is not to be had, or another one has taken its name.
pub(super) async fn read(
    client: &Client,
    asked: &ObjectRef,
    server: Option<Arc<Upstream>>,
    limit: Duration,
) -> Result<SyncDetail, Fault> {
    let value = object::read(client, asked, limit).await?;
    if asked.kind == Kind::Application {
        let mut detail = decode::<WholeApp>(value)?.detail();
        if let About::Argo(app) = &mut detail.about {
            let home =
                [&app.controller_namespace, &asked.namespace].into_iter().find(|name| !name.is_empty());
            let home = home.cloned().unwrap_or_default();
            app.project_facts = project(client, &home, &app.project, limit).await;
            if let Some(upstream) = server {
                app.server = match Server::new(upstream, asked, &app.project, limit).facts(app).await {
                    Ok(facts) => Lookup::Known(facts),
                    Err(fault) => Lookup::Refused(fault.words().to_owned()),
                };
            }
        }
        return Ok(detail);
    }
    let mut detail = decode::<WholeFlux>(value)?.detail(asked.kind);
    if let About::Flux(flux) = &mut detail.about {
        flux.source_facts = source(client, asked, &flux.source, limit).await;
    }
    Ok(detail)
}

fn decode<T: DeserializeOwned>(value: Value) -> Result<T, Fault> {
    serde_json::from_value(value).map_err(|error| Fault::of(&kube::Error::SerdeError(error)))
}

async fn project(
    client: &Client,
    namespace: &Name,
    called: &Name,
    limit: Duration,
) -> Lookup<crate::domain::sync_detail::Project> {
    let path = format!("{}/{called}", object::collection(Kind::AppProject, namespace));
    match fetch::<WholeProject>(client, &path, limit).await {
        Ok(project) => Lookup::Known(project.fact()),
        Err(Fault::NotFound(_)) => {
            Lookup::Refused(format!("there is no AppProject {called} in namespace {namespace}"))
        }
        Err(fault) => Lookup::Refused(fault.words().to_owned()),
    }
}

async fn source(
    client: &Client,
    asked: &ObjectRef,
    reference: &FluxSourceRef,
    limit: Duration,
) -> Lookup<crate::domain::sync_detail::FluxSource> {
    if reference.kind.is_empty() {
        return Lookup::None;
    }
    let sources =
        [Kind::GitRepository, Kind::OciRepository, Kind::HelmRepository, Kind::HelmChart, Kind::Bucket];
    let Some(kind) = sources.into_iter().find(|kind| kind.word() == &*reference.kind) else {
        return Lookup::Refused(format!("sources of kind {} are not known here", reference.kind));
    };
    let whole = ObjectRef {
        cluster: asked.cluster,
        kind,
        namespace: reference.namespace.clone(),
        name: reference.name.clone(),
        uid: Default::default(),
    };
    match object::read(client, &whole, limit).await.and_then(decode::<WholeFlux>) {
        Ok(found) => Lookup::Known(found.as_source()),
        Err(fault) => Lookup::Refused(fault.words().to_owned()),
    }
}
