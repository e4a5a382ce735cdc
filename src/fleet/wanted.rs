//! What the configuration says about environments and apps, in the form in
//! which this room reads it. It knows no file format: the command line turns
//! resolved settings into it, and [`Wanted::default`] means "nothing is
//! configured, infer".

use crate::domain::environment::Targets;
use crate::domain::id::Name;
use crate::domain::selector::Selector;

/// Stages, environments and apps as configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// In promotion order; empty means that environments are inferred.
    pub stages: Vec<WantedStage>,
    /// Apps that are named by hand.
    pub apps: Vec<WantedApp>,
}

/// One stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WantedStage {
    /// `development`, `production`...
    pub name: Name,
    /// Its environments; more than one are peers.
    pub environments: Vec<WantedEnvironment>,
}

/// One environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WantedEnvironment {
    /// Empty: the stage's name.
    pub name: Name,
    /// The kubeconfig context; empty: the current one (the first of the world).
    pub context: Name,
    /// Namespaces by name.
    pub namespaces: Vec<Name>,
    /// Namespaces by label. With neither names nor a selector, every namespace
    /// of the context that is not the platform's own.
    pub selector: Option<Selector>,
    /// `None`: protected unless it is recognised as development or staging.
    pub protected: Option<bool>,
    /// Changes are refused.
    pub read_only: bool,
    /// The tier's recovery targets.
    pub targets: Option<Targets>,
}

/// One app that is named by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WantedApp {
    /// Its name in every environment.
    pub name: Name,
    /// Workloads that belong to it, by label.
    pub selector: Option<Selector>,
    /// Workloads that belong to it, by name; `*` stands for any text.
    pub workloads: Vec<Name>,
    /// The image that its release is read from: the repository as written or
    /// its end (`shop/cart`).
    pub image: Option<Name>,
}
