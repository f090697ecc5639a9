//! Hostile components: whatever they do, the host says what happened, and goes on.

#[cfg(test)]
mod budgets;
#[cfg(test)]
mod epochs;
#[cfg(test)]
#[path = "../common/component.rs"]
mod fixture;
#[cfg(test)]
mod frozen;
#[cfg(test)]
mod host;
#[cfg(test)]
mod loading;
#[cfg(test)]
mod misbehaving;
#[cfg(test)]
mod monsters;
#[cfg(test)]
mod supervision;
#[cfg(test)]
mod swapping;
#[cfg(test)]
mod worlds;
