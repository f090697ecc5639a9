//! What runs models. There may be several on one machine; which is in use, [`super::Models`] decides.

use std::fmt::Debug;

use super::error::ModelProblem;
use super::tensor::{Port, Tensor};
use super::wire::Proto;

/// Something that runs models.
pub trait Backend: Send + Sync + Debug {
    /// Its name and version, for people.
    fn name(&self) -> &str;

    /// The operators of a model that it does not know, as `domain.Name`; none when it cannot say before it loads.
    fn unknown_operators(&self, model: &Proto) -> Vec<String>;

    /// Checks a model and makes it ready to run. Computes, for seconds perhaps.
    ///
    /// # Errors
    /// What is wrong with it.
    fn load(&self, model: Proto) -> Result<Box<dyn Network>, ModelProblem>;
}

/// A model that is ready to run; several threads may do so at once.
pub trait Network: Send + Sync + Debug {
    /// What goes in.
    fn inputs(&self) -> &[Port];

    /// What comes out.
    fn outputs(&self) -> &[Port];

    /// How many runs may be one, their inputs behind each other in the first dimension.
    fn at_once(&self) -> usize {
        1
    }

    /// Runs it. The inputs are those of [`Network::inputs`], in their order, and fit them. Computes.
    ///
    /// # Errors
    /// Why it gave up.
    fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, String>;
}
