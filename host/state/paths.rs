//! Where the paths of topologies lead.
//!
//! Invariant: what [`map`] gives is, with every symbolic link followed, below `files/` of the state directory or below
//! a folder that the operator named; and never among the host's own files.

use std::io;
use std::path::{Component, Path, PathBuf};

use super::{StateError, failed};

/// Where a configuration leads the paths of topologies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathMap {
    /// From what a topology names to what is meant; the longest names first.
    places: Vec<(PathBuf, PathBuf)>,
}

impl PathMap {
    /// `map` leads from what topologies name to folders of this machine; what is below `write_roots` keeps its name.
    #[must_use]
    pub fn new(
        map: impl IntoIterator<Item = (PathBuf, PathBuf)>,
        write_roots: impl IntoIterator<Item = PathBuf>,
    ) -> Self {
        let roots = write_roots.into_iter().map(|root| (root.clone(), root));
        // Of two with the same name the first stays, and what was mapped was meant.
        let mut places: Vec<(PathBuf, PathBuf)> = map.into_iter().chain(roots).collect();
        places.sort_by_key(|(named, _)| std::cmp::Reverse(named.components().count()));
        Self { places }
    }

    /// The folder that is meant, and what follows below it.
    fn find<'a>(&'a self, named: &'a Path) -> Option<(&'a Path, &'a Path)> {
        self.places.iter().find_map(|(from, to)| {
            let rest = named.strip_prefix(from).ok()?;
            Some((to.as_path(), rest))
        })
    }
}

/// Where a path that a topology names really is.
pub(super) fn map(state: &Path, places: &PathMap, path: &str) -> Result<PathBuf, StateError> {
    let refused = || StateError::Path(path.to_owned());
    let named = Path::new(path);
    let climbs = named.components().any(|part| part == Component::ParentDir);
    if !named.is_absolute() || climbs || path.contains('\0') {
        return Err(refused());
    }
    let files = state.join("files");
    let (root, rest) = match places.find(named) {
        Some((root, rest)) => (root.to_owned(), rest),
        None => match named.strip_prefix(&files) {
            Ok(rest) => (files.clone(), rest),
            Err(_) if named.starts_with(state) => return Err(StateError::Own(path.to_owned())),
            Err(_) => (files.clone(), named.strip_prefix("/").map_err(|_| refused())?),
        },
    };
    let escapes = |root: &Path| StateError::Escapes {
        path: path.to_owned(),
        root: root.to_owned(),
    };
    // The operator may use links; below what the operator named they are not the operator's.
    let root = real(&root)?.ok_or_else(|| escapes(&root))?;
    let place = real(&root.join(rest))?.ok_or_else(|| escapes(&root))?;
    if !place.starts_with(&root) {
        return Err(escapes(&root));
    }
    if place.starts_with(state) && !place.starts_with(&files) {
        return Err(StateError::Own(path.to_owned()));
    }
    Ok(place)
}

/// The path with all its links followed, as far as it exists; the rest stands as it is. None when a link leads to
/// something that is not there: whoever writes through it would make it there.
fn real(path: &Path) -> Result<Option<PathBuf>, StateError> {
    for existing in path.ancestors() {
        match existing.canonicalize() {
            Ok(found) => {
                let rest = path.strip_prefix(existing).unwrap_or(Path::new(""));
                return Ok(Some(if rest.as_os_str().is_empty() {
                    found
                } else {
                    found.join(rest)
                }));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if existing.symlink_metadata().is_ok() {
                    return Ok(None);
                }
            }
            Err(error) => return Err(failed("find", existing)(error)),
        }
    }
    Ok(Some(path.to_owned()))
}

/// Where a component is that a caller from outside may have loaded: below one of `roots`, with every link followed.
/// A relative path is looked for in each of them.
///
/// # Errors
/// When it is in none of them.
pub fn load_within(path: &str, roots: &[PathBuf]) -> Result<PathBuf, StateError> {
    let named = Path::new(path);
    let found = roots.iter().find_map(|root| {
        let root = root.canonicalize().ok()?;
        // An absolute path replaces the root, and is then below it or not.
        let place = root.join(named).canonicalize().ok()?;
        place.starts_with(&root).then_some(place)
    });
    found.ok_or_else(|| StateError::NotLoadable {
        path: path.to_owned(),
        roots: roots.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::state::StateDir;

    struct Place {
        parent: tempfile::TempDir,
        state: StateDir,
    }

    fn place(map: &[(&str, &str)], roots: &[&str]) -> Place {
        let parent = tempfile::tempdir().unwrap();
        let below = |name: &str| parent.path().canonicalize().unwrap().join(name);
        let map: Vec<(PathBuf, PathBuf)> = map
            .iter()
            .map(|(from, to)| (PathBuf::from(from), below(to)))
            .collect();
        let roots: Vec<PathBuf> = roots.iter().map(|root| below(root)).collect();
        let state = StateDir::open(&parent.path().join("state")).unwrap();
        let state = state.with_paths(PathMap::new(map, roots));
        Place { parent, state }
    }

    impl Place {
        fn below(&self, name: &str) -> PathBuf {
            self.parent.path().canonicalize().unwrap().join(name)
        }

        fn map(&self, path: impl AsRef<Path>) -> Result<PathBuf, StateError> {
            self.state.map(path.as_ref().to_str().unwrap())
        }
    }

    #[test]
    fn paths_of_topologies_stay_below_the_directory() {
        let place = place(&[], &[]);
        let mapped = place.map("/var/media/gate").unwrap();
        assert_eq!(mapped, place.state.path().join("files/var/media/gate"));
        assert_eq!(place.map(&mapped).unwrap(), mapped);
        for path in ["media", "", "/var/../etc", "/..", "/a\0b"] {
            assert!(matches!(place.map(path), Err(StateError::Path(_))), "{path:?}");
        }
    }

    #[test]
    fn the_hosts_own_files_cannot_be_reached() {
        let place = place(&[("/up", ""), ("/state", "state")], &[""]);
        for own in [
            "",
            "registry.db",
            "lock",
            "components",
            "assets/a",
            "backup-format-1",
        ] {
            let path = place.state.path().join(own);
            for path in [
                path,
                Path::new("/up/state").join(own),
                Path::new("/state").join(own),
            ] {
                let refused = place.map(&path);
                assert!(
                    matches!(refused, Err(StateError::Own(_))),
                    "{path:?}: {refused:?}"
                );
            }
        }
        assert!(place.map("/state/files/clips").is_ok());
        assert_eq!(
            place.map("/up/elsewhere/clips").unwrap(),
            place.below("elsewhere/clips")
        );
    }

    #[test]
    fn the_longest_name_in_the_map_counts_and_roots_keep_their_names() {
        let place = place(&[("/var/media", "clips"), ("/var/media/gate", "gate")], &["disk"]);
        assert_eq!(place.map("/var/media/door").unwrap(), place.below("clips/door"));
        assert_eq!(place.map("/var/media/gate/1").unwrap(), place.below("gate/1"));
        assert_eq!(place.map("/var/media").unwrap(), place.below("clips"));
        assert_eq!(
            place.map("/var/mediator").unwrap(),
            place.state.path().join("files/var/mediator")
        );
        let root = place.below("disk/a/b");
        assert_eq!(place.map(&root).unwrap(), root);
        let beside = place.below("disk2");
        assert!(place.map(&beside).unwrap().starts_with(place.state.path()));
    }

    #[test]
    fn a_link_leads_nowhere_that_its_root_does_not_hold() {
        let place = place(&[("/var/media", "clips")], &[]);
        let (clips, outside) = (place.below("clips"), place.below("outside"));
        fs::create_dir_all(clips.join("inside")).unwrap();
        fs::create_dir_all(&outside).unwrap();
        symlink(&outside, clips.join("out")).unwrap();
        symlink(place.below("not-there"), clips.join("dangling")).unwrap();
        symlink(clips.join("inside"), clips.join("in")).unwrap();
        symlink(place.state.path(), clips.join("state")).unwrap();
        for path in [
            "out",
            "out/deeper/still",
            "dangling",
            "dangling/x",
            "state",
            "state/lock",
        ] {
            let refused = place.map(Path::new("/var/media").join(path));
            assert!(
                matches!(refused, Err(StateError::Escapes { .. })),
                "{path}: {refused:?}"
            );
        }
        assert_eq!(place.map("/var/media/in/x").unwrap(), clips.join("inside/x"));
        // The same below the state directory's own `files`.
        let files = place.state.path().join("files");
        fs::create_dir_all(&files).unwrap();
        symlink(&outside, files.join("out")).unwrap();
        assert!(matches!(place.map("/out/x"), Err(StateError::Escapes { .. })));
    }

    #[test]
    fn a_root_that_is_a_link_of_the_operators_is_followed() {
        let place = place(&[("/var/media", "clips")], &[]);
        fs::create_dir_all(place.below("disk")).unwrap();
        symlink(place.below("disk"), place.below("clips")).unwrap();
        assert_eq!(place.map("/var/media/x").unwrap(), place.below("disk/x"));
    }

    #[test]
    fn components_are_loaded_from_their_folders_alone() {
        let place = place(&[], &[]);
        let (inside, outside) = (place.below("components"), place.below("outside"));
        fs::create_dir_all(&inside).unwrap();
        fs::create_dir_all(&outside).unwrap();
        fs::write(inside.join("a.wasm"), "a").unwrap();
        fs::write(outside.join("b.wasm"), "b").unwrap();
        symlink(outside.join("b.wasm"), inside.join("link.wasm")).unwrap();
        let load = |path: &str| load_within(path, std::slice::from_ref(&inside));
        assert_eq!(load("a.wasm").unwrap(), inside.join("a.wasm"));
        let absolute = inside.join("a.wasm");
        assert_eq!(load(absolute.to_str().unwrap()).unwrap(), absolute);
        let refused = [
            outside.join("b.wasm").to_str().unwrap().to_owned(),
            "../outside/b.wasm".to_owned(),
            "link.wasm".to_owned(),
            "missing.wasm".to_owned(),
        ];
        for path in refused {
            let error = load(&path).unwrap_err().to_string();
            assert!(error.contains("`load_roots`"), "{error}");
        }
        assert!(load_within("a.wasm", &[]).is_err());
    }
}
