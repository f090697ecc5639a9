//! `mediagraph extension`: components, for those who write them and for those who run them.

mod component;
mod inspect;
mod list;
mod new;
mod offline;
mod set;
mod templates;
mod test;

pub(super) use self::component::model;
use super::failure::Outcome;

/// Write, look into, try and install components: detectors, gates and processors
#[derive(Debug, clap::Args)]
pub struct ExtensionArgs {
    #[command(subcommand)]
    what: What,
}

/// What to do with them.
#[derive(Debug, clap::Subcommand)]
enum What {
    New(new::NewArgs),
    Inspect(inspect::InspectArgs),
    Test(test::TestArgs),
    Set(set::SetArgs),
    List(list::ListArgs),
    Remove(set::RemoveArgs),
}

/// Runs the command.
///
/// # Errors
/// What the command came to, if not success.
pub async fn run(args: ExtensionArgs) -> Outcome {
    match args.what {
        What::New(args) => new::run(&args),
        What::Inspect(args) => inspect::run(&args).await,
        What::Test(args) => test::run(&args).await,
        What::Set(args) => set::set(args).await,
        What::List(args) => list::run(args).await,
        What::Remove(args) => set::remove(args).await,
    }
}
